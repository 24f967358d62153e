"""How many faces should stand for a person, and how should they be chosen?

    python -m tests.benchmarks.coreset_rule PEOPLE [--library DIR] [--half even|odd|all] [--seeds 5]

PEOPLE is a folder PERSON/PHOTO. It is scanned with the default models, near and degraded copies of
the faces are embedded as `bench sets` does, and rules of the coreset are compared on half of the
people (by hash of the name). A TAR of .998 tells no two rules apart, so that besides it two numbers
say how far one person's two templates are above those of strangers, in standard deviations of the
strangers' cosines: the mean over people and draws, and what 2 % are below. Conditions beyond those
of `bench sets`:

    stranger   one face of somebody else in every template of six or more: a wrong merge
    loose .05  the copies of a burst lie (1 - cosine) / 2 = .025 to .075 from their face, at random:
               a burst of somebody who moves
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.config import load_settings
from facesort.descriptors.coreset import Rule
from facesort.evaluation.aggregators import FarthestPoint, WeightedMean, aggregate_each
from facesort.evaluation.sets import CONDITIONS, SetFaces, draw_templates
from facesort.jobs.benches.bench import seen
from facesort.jobs.benches.sets import gather_sets
from facesort.jobs.describing.coreset_rule import coreset_rule
from facesort.library import Library
from tests.benchmarks.labelled import is_even
from tests.fakes import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from facesort.evaluation.sets import Draw
    from facesort.protocols import Aggregator

_ALL = (*CONDITIONS, "stranger", "loose .05")
_LARGE = 6  # faces; smaller templates hardly need a choice
_LOOSE = 0.05
_RATE = 1e-4


@dataclass(frozen=True, slots=True)
class Score:
    """How well one rule does under one condition; z: in standard deviations of strangers."""

    mean: float
    low: float
    large: float
    tar: float


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--half", choices=("even", "odd", "all"), default="even")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        faces, rule = _gather(given.folder, given.library or Path(scratch) / "lib", given.seeds)
    if given.half != "all":
        even = given.half == "even"
        faces = faces.take([is_even(name) == even for name in faces.people])
    for line in _compare(faces, rule, given.seeds):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _gather(folder: Path, where: Path, seeds: int) -> tuple[SetFaces, Rule]:
    progress = SilentProgress()
    with Library(load_settings({"library": where}), progress=progress, create=True) as library:
        library.scan([folder], group=False)
        db, looking = library._db, library._looking
        found = seen(db, looking.embedder, min_face=library.min_face)
        gathered = gather_sets(looking, folder, found, seeds=seeds, progress=progress)
        return gathered.faces, coreset_rule(db, looking.embedder)


def _compare(faces: SetFaces, own: Rule, seeds: int) -> Iterator[str]:
    draws = [draw_templates(faces.people, seed) for seed in range(seeds)]
    loose = _loosened(faces)
    yield f"{len(draws[0].people)} people, {seeds} draws; z mean / 2 % / large, TAR at {_RATE:g}"
    yield f"{'':24}" + "".join(f"{name:>30}" for name in _ALL)
    for name, method in _methods(own):
        shown = []
        for condition in _ALL:
            one = _judge(
                loose if condition.startswith("loose") else faces, draws, condition, method
            )
            shown.append(f"{one.mean:8.2f} {one.low:5.2f} {one.large:5.2f}  {100 * one.tar:6.2f}")
        yield f"{name:24}" + "".join(f"{text:>30}" for text in shown)


def _methods(own: Rule) -> Iterator[tuple[str, Aggregator]]:
    yield "mean", WeightedMean("mean", 0.0)
    yield "quality mean", WeightedMean("quality mean", 1.0)
    yield "default", FarthestPoint("default", own)
    for size, gamma in product((3, 5, 8, 12, 20), (0.0, 1.0)):
        yield f"size {size} gamma {gamma:g}", _rule(own, size=size, gamma=gamma)
    for gamma in (0.5, 2.0, 4.0):
        yield f"gamma {gamma:g}", _rule(own, gamma=gamma)
    for gain in (0.0, 0.01, 0.02, 0.05, 0.08):
        yield f"min_gain {gain:g}", _rule(own, min_gain=gain)
    for floor in (0.0, 0.2, 0.4, 0.5):
        yield f"floor {floor:g}", _rule(own, floor=floor)
    yield "no guard", FarthestPoint("no guard", own.unguarded())


def _rule(own: Rule, **changes: object) -> Aggregator:
    return FarthestPoint("", replace(own, **changes))  # type: ignore[arg-type]  # fields of Rule


def _judge(faces: SetFaces, draws: list[Draw], condition: str, method: Aggregator) -> Score:
    same, different, large = [], [], []
    for number, draw in enumerate(draws):
        rows = draw.rows(faces, "burst" if condition.startswith("loose") else condition)
        if condition == "stranger":
            rows = _with_stranger(draw, faces, number)
        owner = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
        every = np.concatenate(rows)
        made = aggregate_each(method, faces.vectors[every], faces.quality[every], owner)
        cosines = made @ made.T
        person = np.arange(len(made)) // 2
        same.append(cosines[::2, 1::2].diagonal())
        different.append(cosines[np.triu(person[:, None] != person[None], 1)])
        large.append([len(some) >= _LARGE for some in draw.templates[::2]])
    strangers, one = np.concatenate(different), np.concatenate(same)
    limit = np.sort(strangers)[::-1][int(_RATE * len(strangers))]
    above = (one - strangers.mean()) / strangers.std()
    return Score(
        float(above.mean()),
        float(np.quantile(above, 0.02)),
        float(above[np.concatenate(large)].mean()),
        float((one > limit).mean()),
    )


def _with_stranger(draw: Draw, faces: SetFaces, seed: int) -> tuple[NDArray[np.int64], ...]:
    rng = np.random.default_rng(seed)
    people = np.asarray(faces.people)
    rows = []
    for some in draw.templates:
        others = np.flatnonzero(people != people[some[0]])
        rows.append(np.append(some, rng.choice(others)) if len(some) >= _LARGE else some)
    return tuple(rows)


def _loosened(faces: SetFaces) -> SetFaces:
    """Return the faces with other near copies: vectors at random, farther away."""
    rng = np.random.default_rng(0)
    which, place = np.nonzero(faces.copies >= 0)
    rows = faces.copies[which, place]
    base = faces.vectors[which].astype(np.float64)
    away = rng.standard_normal(base.shape)
    away -= (away * base).sum(axis=1, keepdims=True) * base
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    cosine = 1 - 2 * _LOOSE * rng.uniform(0.5, 1.5, len(rows))[:, None]
    vectors = faces.vectors.copy()
    vectors[rows] = (cosine * base + np.sqrt(1 - cosine**2) * away).astype(np.float32)
    return replace(faces, vectors=vectors)


if __name__ == "__main__":
    main()
