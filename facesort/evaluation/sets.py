"""Set verification: do two sets of faces show one person?

Everybody's faces are dealt into two disjoint templates. Each aggregator makes one vector of each,
and a pair of templates matches when the cosine of theirs is above a threshold. Three conditions:

    clean       the templates as they are
    burst       one face of each, drawn by chance, stands in it eight times, as a burst or a clip
                has it; the seven copies are near copies, not the same vector
    degraded    30 % of the faces of each are replaced by degraded copies of themselves

All aggregators see the same templates. The true accept rate (TAR) is the share of people whose two
templates match. The threshold of a false accept rate (FAR) is the lowest that lets through at most
that share of the pairs of templates of different people, of all seeds together: with p people a
seed has 2 p (p - 1) of them. Where not a single pair may pass, the rate is not measured.

Intervals hold 95 % of the results of a bootstrap that draws people and seeds with replacement,
threshold included, and the same draws for every aggregator, so that differences are paired. Where
nobody failed an interval has no width: of p people three in p may fail all the same, unseen.

Source: the conditions are those of Shapira and Keller, FaceCoresetNet, AAAI 2024 (templates of
images and clips); Poh, Martin and Bengio, Performance generalization in biometric authentication
using joint user-specific and sample bootstraps, PAMI 29(3), 2007, for drawing people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.evaluation.aggregators import aggregate_each
from facesort.evaluation.bootstrap import Scores, Shares, score_templates
from facesort.evaluation.templates import (
    BURST,
    CONDITIONS,
    MIN_FACES,
    SPOILT_SHARE,
    Draw,
    SetFaces,
    draw_templates,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Aggregator

__all__ = [
    "BURST",
    "CONDITIONS",
    "MIN_FACES",
    "SPOILT_SHARE",
    "Draw",
    "Estimate",
    "SetFaces",
    "SetRow",
    "SetsResult",
    "draw_templates",
    "judge_sets",
]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share, or a difference of two, with what 95 % of the bootstrap lies between."""

    mean: float
    low: float
    high: float

    def to_json(self) -> dict[str, object]:
        """Return the number and its interval: `ci` is half its width, as in 99.7 +- .1."""
        return {
            "mean": self.mean,
            "ci": (self.high - self.low) / 2,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, slots=True)
class SetRow:
    """How one aggregator does under one condition.

    Args:
        method: its name.
        condition: one of CONDITIONS.
        tar: by false accept rate ("1e-3"...); None where too few pairs measure it.
        min_cosine: the thresholds.
        by_seed: the TAR of each seed.
        over_mean: TAR minus that of the plain mean, paired.
    """

    method: str
    condition: str
    tar: dict[str, Estimate | None]
    min_cosine: dict[str, float | None]
    by_seed: dict[str, tuple[float, ...] | None]
    over_mean: dict[str, Estimate | None]

    def to_json(self) -> dict[str, object]:
        """Return the document of one row."""

        def shown(many: dict[str, Estimate | None]) -> dict[str, object]:
            return {rate: None if one is None else one.to_json() for rate, one in many.items()}

        return {
            "method": self.method,
            "condition": self.condition,
            "tar": shown(self.tar),
            "over_mean": shown(self.over_mean),
            "min_cosine": dict(self.min_cosine),
            "by_seed": {
                rate: None if one is None else list(one) for rate, one in self.by_seed.items()
            },
        }


@dataclass(frozen=True, slots=True)
class SetsResult:
    """What `judge_sets` found.

    Args:
        rows: by condition, then in the order of the aggregators.
        people: with four faces or more.
        faces: theirs.
        seeds: how often templates were drawn.
        same: pairs of templates of one person, of all seeds.
        different: pairs of templates of different people, of all seeds.
    """

    rows: tuple[SetRow, ...]
    people: int
    faces: int
    seeds: int
    same: int
    different: int

    def row(self, method: str, condition: str) -> SetRow:
        """Return one row."""
        return next(row for row in self.rows if (row.method, row.condition) == (method, condition))


def judge_sets(
    faces: SetFaces,
    methods: Sequence[Aggregator],
    *,
    seeds: int = 5,
    conditions: Sequence[str] = CONDITIONS,
    baseline: str = "mean",
    on_step: Callable[[], None] = lambda: None,
) -> SetsResult:
    """Measure how well aggregators tell whether two sets of faces show one person.

    Args:
        faces: with their copies.
        methods: one of them is the baseline.
        seeds: templates are drawn with the seeds 0, 1, ...
        conditions: of CONDITIONS.
        baseline: the name of the method that the others are compared with.
        on_step: called once for every method, condition and seed.

    Raises:
        ValueError: fewer than two people have four faces; or no method is the baseline.
    """
    draws = [draw_templates(faces.people, seed) for seed in range(seeds)]
    people = draws[0].people if draws else ()
    if len(people) < 2:
        raise ValueError("fewer than two people have four faces or more")
    order = sorted(methods, key=lambda method: method.name != baseline)
    if order[0].name != baseline:
        raise ValueError(f"none of the methods is {baseline!r}")
    shares = Shares(len(people), seeds)
    rows = {
        (row.method, row.condition): row
        for condition in conditions
        for row in _rows(faces, draws, condition, order, shares, on_step)
    }
    wanted = set(people)
    return SetsResult(
        tuple(rows[method.name, condition] for condition in conditions for method in methods),
        len(people),
        sum(name in wanted for name in faces.people),
        seeds,
        len(people) * seeds,
        shares.different,
    )


def _rows(
    faces: SetFaces,
    draws: Sequence[Draw],
    condition: str,
    methods: Sequence[Aggregator],
    shares: Shares,
    on_step: Callable[[], None],
) -> Iterator[SetRow]:
    """Yield the rows of one condition; the first method is the baseline."""
    reference: dict[str, NDArray[np.float64]] = {}
    for method in methods:
        scores = []
        for draw in draws:
            scores.append(_scores(faces, draw.rows(faces, condition), method, shares))
            on_step()
        row, reference = _judged(method.name, condition, scores, shares, reference)
        yield row


def _scores(
    faces: SetFaces,
    templates: Sequence[NDArray[np.int64]],
    method: Aggregator,
    shares: Shares,
) -> Scores:
    rows = np.concatenate(templates)
    owner = np.repeat(np.arange(len(templates)), [len(each) for each in templates])
    made = aggregate_each(method, faces.vectors[rows], faces.quality[rows], owner)
    return score_templates(made, keep=shares.kept)


def _judged(
    name: str,
    condition: str,
    scores: Sequence[Scores],
    shares: Shares,
    reference: dict[str, NDArray[np.float64]],
) -> tuple[SetRow, dict[str, NDArray[np.float64]]]:
    """Return a row, and the bootstrapped TARs of the method that is judged first: the baseline."""
    found = shares.measure(scores)
    reference = reference or {rate: one.drawn for rate, one in found.items() if one is not None}
    tar: dict[str, Estimate | None] = {}
    over: dict[str, Estimate | None] = {}
    for rate, one in found.items():
        tar[rate] = None if one is None else _estimate(one.drawn)
        over[rate] = None if one is None else _estimate(one.drawn - reference[rate])
    row = SetRow(
        name,
        condition,
        tar,
        {rate: None if one is None else one.min_cosine for rate, one in found.items()},
        {rate: None if one is None else one.by_seed for rate, one in found.items()},
        over,
    )
    return row, reference


def _estimate(drawn: NDArray[np.float64]) -> Estimate:
    """Return the first, of the people as they are, and what the others lie between."""
    low, high = np.quantile(drawn[1:], (0.025, 0.975)).tolist()
    return Estimate(float(drawn[0]), low, high)
