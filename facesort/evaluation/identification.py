"""Judges open-set identification: known people are to be found, strangers to be rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["FALSE_POSITIVE_RATES", "OpenSetResult", "judge_open_set"]

# Share of strangers that are taken for somebody.
FALSE_POSITIVE_RATES = {"1e-1": 1e-1, "1e-2": 1e-2, "1e-3": 1e-3}


@dataclass(frozen=True, slots=True)
class OpenSetResult:
    """How well people are found among known people and strangers. Shares are 0..1.

    Args:
        rank1: share of the known faces whose nearest person is the right one, however far.
        dir: detection and identification rate by false positive identification rate ("1e-2"...):
            share of the known faces whose nearest person is right and above the threshold that so
            many strangers pass. None where there are too few strangers to measure that rate.
        min_score: those thresholds; a face must be above.
        identified: share of the known faces that the judged rule gave to the right person.
        misidentified: share of the known faces that it gave to another one.
        false_positives: share of the strangers that it gave to somebody.
        known: faces of enrolled people.
        strangers: faces of others.
    """

    rank1: float
    dir: dict[str, float | None]
    min_score: dict[str, float | None]
    identified: float
    misidentified: float
    false_positives: float
    known: int
    strangers: int

    @property
    def rejection_rate(self) -> float:
        """Share of the strangers that the judged rule gave to nobody."""
        return 1.0 - self.false_positives


def judge_open_set(
    truth: Sequence[int | None],
    nearest: NDArray[np.int64],
    scores: NDArray[np.float64],
    accepted: NDArray[np.bool_],
) -> OpenSetResult:
    """Judge what was found for each of n faces.

    Args:
        truth: the person of each, None for a stranger.
        nearest: (n,) the person it is closest to.
        scores: (n,) how close; higher is closer.
        accepted: (n,) whether the rule under judgement said that it is that person.

    Raises:
        ValueError: there is no known face or no stranger.

    Source: NIST FRVT part 2; Grother, Ngan and Hanaoka, NISTIR 8271, 2019 (FPIR, and DIR as one
    minus FNIR).
    """
    known = np.array([person is not None for person in truth], dtype=bool)
    if known.all() or not known.any():
        raise ValueError("an open set needs known people and strangers")
    right = known & (nearest == np.array([-1 if p is None else p for p in truth], dtype=np.int64))
    strangers = np.sort(scores[~known])[::-1]
    min_score: dict[str, float | None] = {}
    found: dict[str, float | None] = {}
    for name, rate in FALSE_POSITIVE_RATES.items():
        allowed = int(rate * len(strangers) + 1e-9)
        if allowed == 0:
            min_score[name] = found[name] = None
            continue
        # Above the first that is not allowed any more: at most `allowed` strangers pass.
        limit = float(strangers[allowed]) if allowed < len(strangers) else -np.inf
        min_score[name] = limit
        found[name] = float((right & (scores > limit)).sum() / known.sum())
    return OpenSetResult(
        rank1=float(right.sum() / known.sum()),
        dir=found,
        min_score=min_score,
        identified=float((right & accepted).sum() / known.sum()),
        misidentified=float((known & ~right & accepted).sum() / known.sum()),
        false_positives=float((~known & accepted).sum() / (~known).sum()),
        known=int(known.sum()),
        strangers=int((~known).sum()),
    )
