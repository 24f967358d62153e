"""How many small faces the three looks miss, against a search of every photo at every scale.

    python -m tests.benchmarks.recall FOLDER --scenes 10

Camera-size photos with known faces are made from the photos in FOLDER (`scenes`) and searched
twice: as facesort does, and in tiles at full resolution and at every halving of it, all merged (the
reference). FOLDER's own photos are searched both ways too. Printed are, for each kind of photo:

- missed, 24+: faces of the reference that facesort misses (that the first look alone would miss),
  by their shorter side. What the reference takes for a face need not be one.
- laid in, found: faces laid into the photos that facesort finds, that the reference finds, and all.
- beyond: faces that the reference does not have.
- how many photos got the second and the third look, and the megapixels searched in each.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.config import load_settings
from facesort.imaging.decode import open_photo, read_file
from facesort.inference.card_file import load_cards
from facesort.registry import load_models
from facesort.vision.look import Looker
from facesort.vision.multiscale import faces_in, merge_scales
from facesort.vision.views import checking_views, first_views, tiles
from facesort.workers import StageTimes
from tests.benchmarks.photos import find_photos
from tests.benchmarks.scenes import KINDS, SIZES, draw, gather
from tests.weights import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facesort.domain import Box
    from facesort.imaging.decode import OpenPhoto
    from facesort.protocols import Detection, Detector, Image
    from facesort.vision.multiscale import PhotoFace
    from facesort.vision.views import View
    from tests.benchmarks.scenes import Sources

_TRUSTED_PIXELS = 300
_CLASSES = (24, 32, 48, 96)  # lower ends, shorter side in full-size pixels
_CROP_PIXELS = 112
_ROUNDING = 0.01  # megapixels: pictures may be a row smaller than their views
_SAME = 0.5  # intersection over union of two boxes on one face


@dataclass
class Tally:
    """What one photo, or many, gave. Counters are by the lower end of the size class."""

    photos: int = 0
    megapixels: float = 0.0
    reference: Counter[int] = field(default_factory=Counter)
    missed: Counter[int] = field(default_factory=Counter)
    missed_at_first: Counter[int] = field(default_factory=Counter)  # by the first look alone
    beyond: int = 0  # faces that the reference does not have
    laid: Counter[int] = field(default_factory=Counter)
    laid_found: Counter[int] = field(default_factory=Counter)
    laid_in_reference: Counter[int] = field(default_factory=Counter)
    second_looks: int = 0
    third_looks: int = 0
    searched: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # megapixels by look

    def add(self, other: Tally) -> None:
        """Count another one's photos in."""
        for name in ("photos", "megapixels", "beyond", "second_looks", "third_looks"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, counter in vars(self).items():
            if isinstance(counter, Counter):
                counter.update(getattr(other, name))
        self.searched = [one + two for one, two in zip(self.searched, other.searched, strict=True)]


class _Counting:
    """A detector that counts what it is shown."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.megapixels = 0.0

    def detect(self, images: Sequence[Image]) -> Sequence[Sequence[Detection]]:
        self.megapixels += sum(image.shape[0] * image.shape[1] for image in images) / 1e6
        return self._detector.detect(images)


@dataclass(frozen=True)
class Bench:
    """A detector, and what counts as a face."""

    detector: Detector
    min_score: float
    min_face: int

    def look(self, photo: OpenPhoto, boxes: Sequence[Box]) -> Tally:
        """Search one photo both ways; `boxes` are the faces known to be in it."""
        size = photo.upright_size
        first = first_views(size, min_face=self.min_face)
        faint = self._search(photo, first)
        checks = checking_views(size, faint, min_face=self.min_face)
        found, searched = self._look_as_facesort(photo)
        looks = [_megapixels(first), _megapixels(checks)]
        closer = max(0.0, searched - sum(looks))
        at_first = self._faces(faint)
        reference = self._reference(photo, first)
        return Tally(
            photos=1,
            megapixels=size[0] * size[1] / 1e6,
            reference=_by_size(face.box for face in reference),
            missed=_by_size(face.box for face in reference if not _has(found, face.box)),
            missed_at_first=_by_size(f.box for f in reference if not _has(at_first, f.box)),
            beyond=sum(not _has(reference, face.box) for face in found),
            laid=_by_size(boxes),
            laid_found=_by_size(box for box in boxes if _has(found, box)),
            laid_in_reference=_by_size(box for box in boxes if _has(reference, box)),
            second_looks=bool(checks),
            third_looks=closer > _ROUNDING,
            searched=[*looks, closer],
        )

    def _look_as_facesort(self, photo: OpenPhoto) -> tuple[Sequence[PhotoFace], float]:
        """Return what facesort finds, and the megapixels that it searches."""
        counting = _Counting(self.detector)
        looker = Looker(
            counting,
            crop_size=_CROP_PIXELS,
            trusted_pixels=_TRUSTED_PIXELS,
            min_score=self.min_score,
            min_face=self.min_face,
            max_megapixels=300,
            times=StageTimes(),
        )
        return looker.look_at(photo).faces, counting.megapixels

    def _reference(self, photo: OpenPhoto, first: Sequence[View]) -> list[PhotoFace]:
        views, scale, longer = list(first), 1.0, max(photo.upright_size)
        while longer * scale > 2 * max(first[-1].size):
            views += tiles(photo.upright_size, scale)
            scale /= 2
        return self._faces(self._search(photo, views))

    def _search(self, photo: OpenPhoto, views: Sequence[View]) -> list[PhotoFace]:
        return [
            face
            for view in views
            for face in faces_in(
                view,
                self.detector.detect([photo.crop(view.box, max(view.size)).pixels])[0],
                photo.upright_size,
            )
        ]

    def _faces(self, found: Sequence[PhotoFace]) -> list[PhotoFace]:
        sure = [face for face in found if face.score >= self.min_score]
        merged = merge_scales(sure, trusted_pixels=_TRUSTED_PIXELS)
        return [face for face in merged if face.box.shorter_side >= self.min_face]


def _by_size(boxes: Iterable[Box]) -> Counter[int]:
    return Counter(
        max((low for low in _CLASSES if low <= box.shorter_side), default=0) for box in boxes
    )


def _has(faces: Sequence[PhotoFace], box: Box) -> bool:
    return any(face.box.overlap(box) >= _SAME for face in faces)


def _megapixels(views: Sequence[View]) -> float:
    return sum(view.size[0] * view.size[1] for view in views) / 1e6


def _look_at_scene(bench: Bench, sources: Sources, task: tuple[int, int, str]) -> Tally:
    seed, megapixels, kind = task
    scene = draw(sources, kind, megapixels, seed)
    return bench.look(open_photo(scene.jpeg, name=scene.name, max_megapixels=300), scene.boxes)


def _look_at_file(bench: Bench, path: Path) -> Tally:
    photo = open_photo(read_file(path), name=str(path), max_megapixels=300)
    return bench.look(photo, ())


def _bench(min_face: int) -> Bench:
    cards = load_cards()
    models = load_models(load_settings({}), (cards["yunet"], cards["sface"]), SilentProgress())
    card = models.detector_card.detection
    if card is None:
        raise SystemExit("the detector's card has no [detection] table")
    return Bench(models.detector, card.min_score, min_face)


def _heading() -> str:
    classes = [f"missed, {low}+" for low in _CLASSES]
    columns = ["photos", *classes, "laid in, found", "beyond", "2nd, 3rd looks", "MP searched"]
    return f"| {' | '.join(['', *columns])} |\n|{'---|' * (len(columns) + 1)}\n"


def _row(title: str, tally: Tally) -> str:
    missed = [
        f"{tally.missed[low]} ({tally.missed_at_first[low]}) of {tally.reference[low]}"
        for low in _CLASSES
    ]
    found, in_reference, laid = (
        counter.total() for counter in (tally.laid_found, tally.laid_in_reference, tally.laid)
    )
    cells = [
        f"{tally.photos} of {tally.megapixels / max(tally.photos, 1):.0f} MP",
        *missed,
        f"{found}, {in_reference} of {laid}",
        f"{tally.beyond}",
        f"{tally.second_looks}, {tally.third_looks}",
        " + ".join(f"{megapixels:.0f}" for megapixels in tally.searched),
    ]
    return f"| {title} | {' | '.join(cells)} |\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Make, search, count, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="photos, some with faces of 60 pixels or more")
    parser.add_argument("--scenes", type=int, default=10, help="of each kind and size")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--min-face", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(arguments)
    bench = _bench(given.min_face)
    paths = find_photos(given.folder)
    sources = gather(paths, bench.detector)
    sys.stdout.write(
        f"{len(paths)} photos give {len(sources.faces)} faces, {len(sources.grounds)} grounds\n"
    )
    if given.scenes and not (sources.faces and sources.grounds):
        raise SystemExit("that is too little: give a folder with more photos, some without faces")
    seeds = range(given.first_seed, given.first_seed + given.scenes)
    tasks = list(product(seeds, SIZES, KINDS))
    totals = {f"{kind} {size} MP": Tally() for size, kind in product(SIZES, KINDS)}
    with ThreadPoolExecutor(given.workers) as pool:
        scenes = pool.map(partial(_look_at_scene, bench, sources), tasks)
        for (_, size, kind), tally in zip(tasks, scenes, strict=True):
            totals[f"{kind} {size} MP"].add(tally)
        files = Tally()
        for tally in pool.map(partial(_look_at_file, bench), paths):
            files.add(tally)
    every = Tally()
    for tally in totals.values():
        every.add(tally)
    sys.stdout.write(_heading())
    for title, tally in {**totals, "together": every, "photos as given": files}.items():
        sys.stdout.write(_row(title, tally))


if __name__ == "__main__":
    main()
