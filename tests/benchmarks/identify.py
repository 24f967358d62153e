"""Measures `identify`: enrolled people are to be found, strangers to stay unknown.

    python -m tests.benchmarks.identify LFW [--library DIR]

LFW is a folder PERSON/PHOTO.jpg; it is scanned with the default models, unless the library holds
it already. Half of the people with three photos or more are enrolled, with two photos each; their
other photos are the known faces, those of everybody else the strangers. Five draws; printed are
mean and standard deviation. Then the people with eight photos or more are enrolled with all but
one, and represented by coresets of different sizes. Last, `verify` gives its verdict on all pairs
of one person and on two million pairs of two.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.coreset import Rule, choose_each
from facesort.evaluation.identification import OpenSetResult, judge_open_set
from facesort.evaluation.reliability import judge_probabilities
from facesort.grouping.calibration import Calibration
from facesort.grouping.openset import Finding, Gallery, Matches, OpenSetRule, match
from facesort.jobs.recognising.verify import Verdict, verdict_of
from tests.benchmarks.labelled import read_labelled
from tests.watched import Facesort
from tests.weights import card

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors
    from tests.benchmarks.labelled import Labelled

__all__ = ["Faces", "enrolled", "gallery_of", "judged"]

_DRAWS = 5
_ENROLLED_PHOTOS = 2
_STRANGERS = 2_000_000
_SIZES = (1, 2, 3, 5, 8, 1000)


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces whose person is known: vectors, qualities 0..1, and names."""

    vectors: Vectors
    qualities: NDArray[np.float32]
    people: NDArray[np.str_]

    @classmethod
    def of(cls, labelled: Labelled) -> Faces:
        """Leave out the faces that the truth does not speak of."""
        named = labelled.people != ""
        qualities = labelled.qualities[named].astype(np.float32)
        return cls(labelled.vectors[named], qualities, labelled.people[named])

    def __len__(self) -> int:
        return len(self.people)

    def take(self, rows: NDArray[np.int64]) -> Faces:
        """Return some of them, in the given order."""
        return Faces(self.vectors[rows], self.qualities[rows], self.people[rows])


def gallery_of(faces: Faces, person: NDArray[np.int64], rule: Rule) -> Gallery:
    """Represent people by coresets of their faces, as `identify` does."""
    quality = faces.qualities
    chosen = choose_each(faces.vectors, quality, person, rule)
    was = chosen.rows >= 0
    mean = np.where(was, quality[chosen.rows], 0).sum(axis=1) / was.sum(axis=1)
    return Gallery(
        chosen.descriptors,
        chosen.cohesion,
        chosen.sizes,
        mean.astype(np.float32),
        np.bincount(person).astype(np.int64),
    )


def enrolled(
    faces: Faces, rng: np.random.Generator, *, at_least: int, share: float, photos: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int | None]]:
    """Draw who is enrolled with which faces; all other faces are the questions.

    Args:
        faces: all of them, with names.
        rng: draws.
        at_least: photos that a person must have.
        share: of those people.
        photos: enrolled of each; None: all but one.

    Returns:
        Enrolled rows, their people as numbers, and for every face its person's number, None for a
        stranger.
    """
    _, codes, counts = np.unique(faces.people, return_inverse=True, return_counts=True)
    many = np.flatnonzero(counts >= at_least)
    drawn = np.sort(rng.choice(many, size=round(len(many) * share), replace=False))
    number = {int(code): i for i, code in enumerate(drawn.tolist())}
    rows: list[int] = []
    people: list[int] = []
    for code, i in number.items():
        mine = np.flatnonzero(codes == code)
        taken = rng.choice(mine, size=photos or len(mine) - 1, replace=False)
        rows += taken.tolist()
        people += [i] * len(taken)
    return np.array(rows), np.array(people), [number.get(code) for code in codes.tolist()]


def judged(
    faces: Faces, rule: OpenSetRule, rng: np.random.Generator, coreset: Rule, **draw: object
) -> tuple[OpenSetResult, Matches, list[int | None]]:
    """Enrol, ask for all other faces, and judge."""
    rows, people, truth = enrolled(faces, rng, **draw)  # type: ignore[arg-type]  # named above
    rest = np.setdiff1d(np.arange(len(faces)), rows)
    asked = faces.take(rest)
    wanted = [truth[row] for row in rest.tolist()]
    gallery = gallery_of(faces.take(rows), people, coreset)
    found = match(asked.vectors, asked.qualities, gallery, rule)
    accepted = np.array([finding is Finding.KNOWN for finding in found.findings], dtype=bool)
    # By how far above what is needed: what a threshold would be moved along.
    needed = rule.needed(len(gallery), gallery.sizes[found.nearest[:, 0]])
    result = judge_open_set(wanted, found.nearest[:, 0], found.cosine[:, 0] - needed, accepted)
    return result, found, wanted


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _spread(values: Sequence[float | None]) -> str:
    measured = [value for value in values if value is not None]
    if not measured:
        return "-"
    return f"{np.mean(measured):.4f} +- {np.std(measured):.4f}"


def _line(label: str, results: Sequence[OpenSetResult]) -> None:
    columns: list[Callable[[OpenSetResult], float | None]] = [
        lambda r: r.rank1,
        lambda r: r.dir["1e-2"],
        lambda r: r.dir["1e-3"],
        lambda r: r.identified,
        lambda r: r.misidentified,
        lambda r: r.false_positives,
    ]
    _say(f"{label:24}" + "  ".join(_spread([c(r) for r in results]) for c in columns))


def _calibrated(draws: Sequence[tuple[OpenSetResult, Matches, list[int | None]]]) -> None:
    """Say how far the probabilities of the nearest person are from what is true."""
    chances, right = [], []
    for _, found, wanted in draws:
        chances.append(found.probability[:, 0])
        right.append(
            [
                p is not None and p == n
                for p, n in zip(wanted, found.nearest[:, 0].tolist(), strict=True)
            ]
        )
    given, true = np.concatenate(chances), np.concatenate(right)
    # As many known as strangers: what the probability takes for granted.
    known = np.concatenate([[p is not None for p in wanted] for _, _, wanted in draws])
    weights = np.where(known, 0.5 / known.sum(), 0.5 / (~known).sum())
    result = judge_probabilities(given, true, weights=weights)
    _say(
        "probability of the nearest person: expected calibration error "
        f"{result.calibration_error:.4f}"
    )


def _verdicts(faces: Faces, calibration: Calibration) -> None:
    """Say how often `verify` calls pairs of one person, and of two, what."""
    codes = np.unique(faces.people, return_inverse=True)[1]
    one, other = np.triu_indices(len(faces), 1)
    same = codes[one] == codes[other]
    strangers = np.random.default_rng(0).choice(np.flatnonzero(~same), _STRANGERS, replace=False)
    for label, pairs in (("one person", np.flatnonzero(same)), ("strangers", strangers)):
        a, b = one[pairs], other[pairs]
        cosine = np.einsum("ij,ij->i", faces.vectors[a], faces.vectors[b])
        chance = calibration.probability(cosine, faces.qualities[a], faces.qualities[b])
        assert chance is not None, "the card has no evidence"
        told = Counter(
            verdict_of(p, calibration.false_match_rate(c))
            for p, c in zip(chance.tolist(), cosine.tolist(), strict=True)
        )
        shares = ", ".join(f"{verdict} {told[verdict] / len(pairs):.2%}" for verdict in Verdict)
        _say(f"verify, {len(pairs):,} pairs of {label}: {shares}")


def main() -> None:
    """Parse the command line, scan where needed, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lfw", type=Path)
    parser.add_argument("--library", type=Path, help="kept there, and used again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        facesort = Facesort(given.library or Path(scratch) / "library")
        report = facesort.ask("scan", given.lfw.resolve(), "--no-group")
        labelled = read_labelled(facesort, report["models"]["embedder"], given.lfw.resolve())
    faces = Faces.of(labelled)
    calibration = Calibration.from_card(card("sface").calibration)
    _say(f"{len(faces):,} faces of {len(set(faces.people.tolist())):,} people")
    _say(
        f"{'':24}rank 1             DIR at FPIR 1e-2   at 1e-3            "
        "identified         misidentified      false positives"
    )
    two = {"at_least": 3, "share": 0.5, "photos": _ENROLLED_PHOTOS}
    for wrong in (1.0, 10.0):
        draws = [
            judged(faces, OpenSetRule(calibration, wrong), np.random.default_rng(i), Rule(), **two)
            for i in range(_DRAWS)
        ]
        _line(f"two photos, --wrong {wrong:g}", [result for result, _, _ in draws])
    _calibrated(draws)
    first = draws[0][0]
    _say(f"{first.known:,} known faces, {first.strangers:,} strangers in the first draw")
    for size in _SIZES:
        many = [
            judged(
                faces,
                OpenSetRule(calibration),
                np.random.default_rng(i),
                Rule(size=size, min_gain=0.02 if size < max(_SIZES) else 0.0),
                at_least=8,
                share=1.0,
                photos=None,
            )[0]
            for i in range(_DRAWS)
        ]
        _line("all photos" if size == max(_SIZES) else f"coreset of {size}", many)
    _verdicts(faces, calibration)


if __name__ == "__main__":
    main()
