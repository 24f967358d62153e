"""Scans bursts made of good photos, and says how often the good photo is called the best.

    python -m tests.benchmarks.burst_quality FOLDER [--work DIR] [--every N]

Every photo under FOLDER (every N-th of them) is the first frame of a burst; the others are made
from it (`tests.bursts`). All frames are scanned by the command line with the default models.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from facesort.registry import find_card, quality_of
from tests.bursts import FRAMES, GROUPS, Subject, frames_of
from tests.watched import Facesort

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import QualityScorer

    _Line = dict[str, Any]  # of `faces`

__all__ = [
    "Burst",
    "describe_bursts",
    "first_in",
    "is_good",
    "photos_under",
    "scan_bursts",
    "share_first",
]

_LONGEST = 720  # pixels: more would only take longer; the crops have 112
_PHOTO = "photo"
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True)
class Burst:
    """The measures of one face in all frames; a frame in which it was not found is missing.

    Args:
        name: of the photo.
        photo: in the photo itself.
        frames: in each of the others.
    """

    name: str
    photo: Mapping[str, float]
    frames: Mapping[str, Mapping[str, float]]


def photos_under(folder: Path, *, every: int = 1) -> list[Path]:
    """Return every so many of the photos below a folder."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES)[::every]


def scan_bursts(photos: Iterable[Path], work: Path) -> list[Burst]:
    """Make bursts of photos, scan them, and find the face that each is of.

    That is the largest one of the photo; photos without a face are left out.

    Args:
        photos: any size.
        work: an empty folder for the frames and the library.
    """
    first, originals = Facesort(work / "library of photos"), work / "photos"
    originals.mkdir(parents=True)
    for number, path in enumerate(photos):
        read = cv2.imread(str(path))
        if read is None:
            continue
        shrink = min(1.0, _LONGEST / max(read.shape[:2]))
        pixels = cv2.resize(read, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(originals / f"{number:05} {path.stem}.png"), pixels)
    first.run("scan", originals, "--no-group")
    subjects = {
        path: max(seen, key=lambda face: _width(face["box"]))
        for path, seen in _faces(first).items()
    }
    frames = work / "frames"
    for path, face in subjects.items():
        _write_frames(path, face, frames / path.stem)
    second = Facesort(work / "library of frames")
    second.run("scan", frames, "--no-group")
    seen = _faces(second)
    return [_burst(path, face, frames / path.stem, seen) for path, face in subjects.items()]


def is_good(burst: Burst) -> bool:
    """Whether the photo is sharp, open, frontal, well lit and not small, by its measures."""
    seen = burst.photo
    return (
        seen["sharpness"] >= 0.57
        and min(seen["eyes"], seen["mouth"]) >= 0.02
        and seen["frontal"] >= 0.5
        and 0.55 <= seen["light"] <= 0.95
        and seen["clipped"] <= 0.02
        and seen["pixels"] >= 48
        and seen["norm"] >= 10
    )


def first_in(burst: Burst, group: Sequence[str], quality: QualityScorer) -> bool:
    """Whether the photo is better than each of these frames; a tie is none."""
    best = quality.score(burst.photo)
    return all(quality.score(burst.frames[name]) < best for name in group if name in burst.frames)


def share_first(bursts: Sequence[Burst], group: Sequence[str], quality: QualityScorer) -> float:
    """Return the share of bursts whose photo is called the best."""
    return float(np.mean([first_in(burst, group, quality) for burst in bursts]))


def describe_bursts(bursts: Sequence[Burst], quality: QualityScorer) -> list[str]:
    """Return lines that say how often the photo is the best: of each burst, beside each frame."""
    lines = [f"{'burst':30}{'frames':>8}{'photo first':>13}"]
    for name, group in GROUPS.items():
        lines.append(f"{name:30}{1 + len(group):8}{share_first(bursts, group, quality):13.3f}")
    lines += ["", f"{'frame beside the photo':30}{'photo first':>13}{'mean quality':>14}"]
    own = float(np.mean([quality.score(burst.photo) for burst in bursts]))
    lines.append(f"{'(the photo)':30}{'':13}{own:14.3f}")
    for name in FRAMES:
        found = [quality.score(b.frames[name]) for b in bursts if name in b.frames]
        share = share_first(bursts, (name,), quality)
        lines.append(f"{name:30}{share:13.3f}{float(np.mean(found)):14.3f}")
    return lines


def _write_frames(path: Path, face: _Line, folder: Path) -> None:
    read = np.asarray(cv2.imread(str(path)), dtype=np.uint8)
    subject = Subject(np.array(face["landmarks"], dtype=np.float32), _width(face["box"]))
    folder.mkdir(parents=True)
    for name, pixels in {_PHOTO: read, **frames_of(read, subject)}.items():
        coded = folder / f"{name.replace('/', ' of ')}.jpg"
        cv2.imwrite(str(coded), pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])


def _burst(path: Path, face: _Line, folder: Path, seen: Mapping[Path, list[_Line]]) -> Burst:
    height, width = np.asarray(cv2.imread(str(path))).shape[:2]
    place = _middle(face["box"]) / (width, height)
    near = _width(face["box"]) / width / 2
    found: dict[str, Mapping[str, float]] = {}
    for name in (_PHOTO, *FRAMES):
        frame = folder / f"{name.replace('/', ' of ')}.jpg"
        shape = np.asarray(cv2.imread(str(frame))).shape
        for other in seen.get(frame, []):
            away = _middle(other["box"]) / (shape[1], shape[0]) - place
            if float(np.hypot(*away)) < near:
                found[name] = other["measures"]
                break
    # The photo itself was compressed with the others: it is found there too, or nowhere.
    photo = found.pop(_PHOTO, face["measures"])
    return Burst(path.stem, photo, found)


def _faces(facesort: Facesort) -> dict[Path, list[_Line]]:
    """Return the lines about the faces of each photo."""
    faces: dict[Path, list[_Line]] = {}
    for text in facesort.run("faces").stdout.splitlines():
        line = json.loads(text)
        faces.setdefault(Path(line["photo"]), []).append(line)
    return faces


def _width(box: Sequence[float]) -> float:
    return box[2] - box[0]


def _middle(box: Sequence[float]) -> NDArray[np.float64]:
    return np.array([box[0] + box[2], box[1] + box[3]]) / 2


def main() -> None:
    """Parse the command line, scan, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, help="kept there")
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    quality = quality_of(find_card("sface", None))
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        bursts = scan_bursts(photos_under(given.folder, every=given.every), work.resolve())
    good = [burst for burst in bursts if is_good(burst)]
    for title, some in (("all photos", bursts), ("nothing to complain of", good)):
        sys.stdout.write(f"{title}: {len(some)}\n" + "\n".join(describe_bursts(some, quality)))
        sys.stdout.write("\n\n")


if __name__ == "__main__":
    main()
