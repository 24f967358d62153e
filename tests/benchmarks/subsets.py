"""Is one rule right for small and large libraries? Random people of a large one, grouped anew.

    python -m tests.benchmarks.subsets PEOPLE [--libraries DIR] [--sizes 20 100 500] [--draws 10]
                                       [--half odd|even] [--half-bad]

PEOPLE is a folder PERSON/PHOTO. It is scanned once with the default models; then so many people are
drawn by chance, all faces of their photos are grouped (all phases, in memory), and BCubed F is
printed for the default rule, for other numbers of expected wrong merges, and for every fixed
`--min-cosine`: the best one of each size, the best one of all sizes, and the best one of each
single draw, which nobody could know. With --half-bad every second photo (by hash of its name) is
replaced by a bad copy (`degraded`): closer to what albums are than press photos.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import columns as catalog
from facesort.catalog import vectors
from facesort.catalog.opening import open_database
from facesort.domain import FaceColumns
from facesort.evaluation.clustering import judge_clusters
from facesort.grouping.calibration import Calibration, merge_rule
from facesort.grouping.policy import Policy
from facesort.grouping.refine import REPEAT_RATE
from facesort.grouping.regroup import regroup
from facesort.grouping.standing import replay, standing
from facesort.search.choose import self_join_index
from tests.benchmarks.degraded import spoil_folder
from tests.benchmarks.labelled import is_even, read_labelled
from tests.watched import Facesort
from tests.weights import card

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.evaluation.clustering import ClusterResult
    from facesort.protocols import Vectors

_FIXED = tuple(np.round(np.arange(0.24, 0.581, 0.02), 2).tolist())
_MIN_FACE = 24  # pixels; the default of `scan`
_WRONG_MERGES = (0.3, 1.0, 3.0, 10.0)


class People:
    """The faces of a scanned folder, and whose they are.

    Args:
        faces: in anchor order.
        vectors: (n, d) of them.
        names: (n,) empty for a face that the truth does not speak of.
        photos: (n,) paths.
    """

    def __init__(
        self,
        faces: FaceColumns,
        found: Vectors,
        names: NDArray[np.str_],
        photos: NDArray[np.str_],
    ) -> None:
        self.faces = faces
        self.vectors = found
        self.names = names
        self.photos = photos
        self.folders = np.array([Path(photo).parent.name for photo in photos.tolist()])

    @classmethod
    def read(cls, facesort: Facesort, model_key: str, folder: Path) -> People:
        """Read a library that was scanned."""
        labelled = read_labelled(facesort, model_key, folder)
        whose = dict(zip(labelled.ids, labelled.people.tolist(), strict=True))
        where = dict(zip(labelled.ids, labelled.photos.tolist(), strict=True))
        database = open_database(facesort.library, create=False)
        try:
            faces = catalog.columns(database, min_face=_MIN_FACE)
            found, seen = vectors.aligned(database, model_key, faces.ids)
        finally:
            database.close()
        assert seen.all()
        names = np.array([whose[face] for face in faces.ids])
        return cls(faces, found, names, np.array([where[face] for face in faces.ids]))

    def of(self, chosen: Sequence[str]) -> People:
        """Return all faces on the photos of some people."""
        return self.take(np.isin(self.folders, chosen))

    def take(self, which: NDArray[np.bool_]) -> People:
        """Return some of the faces."""
        rows = np.flatnonzero(which)
        return People(
            self.faces.subset(rows), self.vectors[rows], self.names[rows], self.photos[rows]
        )

    def half_replaced(self, copies: People) -> People:
        """Return the library in which every second photo is its copy, where there is one."""
        chosen = {
            stem
            for stem in {Path(photo).stem for photo in copies.photos.tolist()}
            if is_even(f"photo {stem}")
        }
        kept = self.take(~_of_photos(self.photos, chosen))
        bad = copies.take(_of_photos(copies.photos, chosen))
        shifted = replace(bad.faces, photo_ids=bad.faces.photo_ids + 10**9)
        faces, came = FaceColumns.merged([kept.faces, shifted])
        return People(
            faces,
            np.concatenate([kept.vectors, bad.vectors])[came],
            np.concatenate([kept.names, bad.names])[came],
            np.concatenate([kept.photos, bad.photos])[came],
        )

    def judged(self, policy: Policy) -> ClusterResult:
        """Group everything anew, and compare with the names."""
        grouping = regroup(
            self.faces,
            self.vectors,
            np.ones(len(self.faces), dtype=bool),
            standing(replay([])),
            {},
            policy,
            person_exists=lambda _: False,
        )
        known = np.flatnonzero(self.names != "").tolist()
        return judge_clusters(
            [str(self.names[row]) for row in known],
            [grouping.owners.get(self.faces.ids[row]) for row in known],
        )


def _of_photos(photos: NDArray[np.str_], stems: set[str]) -> NDArray[np.bool_]:
    return np.array([Path(photo).stem in stems for photo in photos.tolist()], dtype=bool)


def policy(*, wrong_merges: float | None = None, min_cosine: float | None = None) -> Policy:
    """Return how `group` groups with these options."""
    shipped = card("sface")
    calibration = Calibration.from_card(shipped.calibration)
    return Policy(
        merge_rule(calibration, wrong_merges=wrong_merges, min_cosine=min_cosine),
        self_join_index,
        min_quality=float(str(shipped.quality["min_quality"])),
        repeat_cosine=calibration.min_cosine(REPEAT_RATE),
        calibration=calibration if min_cosine is None else None,
    )


def draws(people: People, size: int, times: int, names: Sequence[str]) -> Iterator[People]:
    """Yield libraries of so many random people; always the same ones."""
    for draw in range(times):
        rng = np.random.default_rng([size, draw])
        yield people.of(rng.choice(sorted(names), size, replace=False).tolist())


def main() -> None:
    """Parse the command line, scan where needed, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("people", type=Path)
    parser.add_argument("--libraries", type=Path, help="kept there, and used again")
    parser.add_argument("--half-bad", action="store_true", help="replace photos by bad copies")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100, 500])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument(
        "--half", choices=["even", "odd"], help="of the people, by hash of the name"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, libraries = given.people.resolve(), given.libraries or Path(scratch)
        people = _scanned(folder, libraries / "photos")
        if given.half_bad:
            copies = libraries / "bad-copies"
            if not copies.is_dir():
                spoil_folder(folder, copies)
            people = people.half_replaced(_scanned(copies.resolve(), libraries / "bad"))
    names = [
        name
        for name in np.unique(people.folders).tolist()
        if given.half is None or is_even(name) == (given.half == "even")
    ]
    _compare(people, names, given.sizes, given.draws)


def _scanned(folder: Path, library: Path) -> People:
    facesort = Facesort(library)
    report = facesort.ask("scan", folder, "--no-group")
    return People.read(facesort, report["models"]["embedder"], folder)


def _compare(people: People, names: Sequence[str], sizes: Sequence[int], times: int) -> None:
    rules = {f"expected wrong merges {x:g}": policy(wrong_merges=x) for x in _WRONG_MERGES}
    rules |= {f"fixed {cosine:.2f}": policy(min_cosine=cosine) for cosine in _FIXED}
    scores: dict[str, list[NDArray[np.float64]]] = {rule: [] for rule in rules}
    for size in sizes:
        libraries = list(draws(people, size, times, names))
        for name, how in rules.items():
            scores[name].append(np.array([library.judged(how).bcubed.f for library in libraries]))
    _say(f"{'mean BCubed F, people:':28}" + "".join(f"{size:>9,}" for size in sizes))
    for name, by_size in scores.items():
        _say(f"{name:28}" + "".join(f"{values.mean():9.4f}" for values in by_size))
    fixed = np.array([scores[f"fixed {cosine:.2f}"] for cosine in _FIXED])  # (fixed, sizes, draws)
    one = int(fixed.mean(axis=(1, 2)).argmax())
    for name, best in (
        ("best fixed of each size", fixed.mean(axis=2).max(axis=0)),
        (f"one fixed for all ({_FIXED[one]:.2f})", fixed[one].mean(axis=1)),
        ("best fixed of each draw", fixed.max(axis=0).mean(axis=1)),
    ):
        _say(f"{name:28}" + "".join(f"{value:9.4f}" for value in best))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
