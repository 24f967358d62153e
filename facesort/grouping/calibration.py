"""When two clusters are alike enough to be one person: the rules that a user can choose."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

from facesort.errors import UsageError
from facesort.grouping.likeness import Calibration, OnePerson, Sizes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_WRONG_MERGES",
    "Calibration",
    "FalseMatchRule",
    "MergeRule",
    "MinCosineRule",
    "OnePerson",
    "Sizes",
    "WrongMergesRule",
    "merge_rule",
]

_NORMAL = NormalDist()

# Three expected wrong merges per 1,000 people: a promise that reads the same for a family and for a
# school. How it was chosen, and what was measured with it: docs/adr/0003.
DEFAULT_WRONG_MERGES = 3.0

# Fewer than eight people cannot earn a lower bar than this: the model's far flank is not a licence.
_MAX_FALSE_MATCH_RATE = 1e-3


class MergeRule(Protocol):
    """When two clusters are alike enough: merge while `score` is at least `limit`."""

    def score(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: Sizes
    ) -> NDArray[np.float64]:
        """Make mean cosines of clusters of different sizes comparable; higher is closer.

        Args:
            mean_cosine: (m,) mean cosines of pairs of clusters.
            sizes: (m,) faces in the first of each pair.
            size: faces in the second: one number for all pairs, or (m,).
        """

    def limit(self, clusters: int) -> float:
        """Return the lowest score that still merges while there are that many clusters."""

    def min_cosine(self, clusters: int, faces: int = 1) -> float:
        """Return what the limit means in cosine: the number shown to the user.

        Args:
            clusters: while there are that many.
            faces: in each of the two that are compared.
        """


@dataclass(frozen=True, slots=True)
class WrongMergesRule:
    """Keep the expected number of wrong merges per 1,000 people constant.

    With P people there are P (P - 1) / 2 pairs that could be merged wrongly, so the false match
    rate per pair must fall as the library grows: 2 x / (1000 (P - 1)).

    Args:
        calibration: of the embedder in use.
        wrong_merges: x, expected wrong merges per 1,000 people.
    """

    calibration: Calibration
    wrong_merges: float

    def score(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: Sizes
    ) -> NDArray[np.float64]:
        """Standard deviations above the impostor mean."""
        return self.calibration.score(mean_cosine, sizes, size)

    def _rate(self, clusters: int) -> float:
        rate = 2 * self.wrong_merges / (1000 * max(1, clusters - 1))
        return min(_MAX_FALSE_MATCH_RATE, max(sys.float_info.min, rate))  # 0 has no deviation

    def limit(self, clusters: int) -> float:
        """The deviation that a pair of different people exceeds at the allowed rate."""
        return -_NORMAL.inv_cdf(self._rate(clusters))

    def min_cosine(self, clusters: int, faces: int = 1) -> float:
        """The limit for two clusters of so many faces each."""
        return self.calibration.limit_cosine(self._rate(clusters), faces)


@dataclass(frozen=True, slots=True)
class FalseMatchRule:
    """Keep the false match rate of one comparison constant, whatever the library's size."""

    calibration: Calibration
    false_match_rate: float

    def score(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: Sizes
    ) -> NDArray[np.float64]:
        """Standard deviations above the impostor mean."""
        return self.calibration.score(mean_cosine, sizes, size)

    def limit(self, clusters: int) -> float:  # noqa: ARG002 - the number of people has no effect here
        """The deviation that two different people exceed at the rate."""
        return -_NORMAL.inv_cdf(self.false_match_rate)

    def min_cosine(self, clusters: int, faces: int = 1) -> float:  # noqa: ARG002
        """The limit for two clusters of so many faces each."""
        return self.calibration.limit_cosine(self.false_match_rate, faces)


@dataclass(frozen=True, slots=True)
class MinCosineRule:
    """A fixed mean cosine, for experts and experiments."""

    cosine: float

    def score(
        self,
        mean_cosine: NDArray[np.float64],
        sizes: NDArray[np.float64],  # noqa: ARG002 - sizes have no effect here
        size: Sizes,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """The mean cosine itself."""
        return mean_cosine

    def limit(self, clusters: int) -> float:  # noqa: ARG002
        """The cosine."""
        return self.cosine

    def min_cosine(self, clusters: int, faces: int = 1) -> float:  # noqa: ARG002
        """The cosine."""
        return self.cosine


def merge_rule(
    calibration: Calibration | None,
    *,
    wrong_merges: float | None = None,
    false_match_rate: float | None = None,
    min_cosine: float | None = None,
) -> MergeRule:
    """Build the rule from what the user gave; nothing given means the default.

    Raises:
        UsageError: more than one given, a value out of range, or no calibration for this model.
    """
    given = [v for v in (wrong_merges, false_match_rate, min_cosine) if v is not None]
    if len(given) > 1:
        raise UsageError(
            "--wrong-merges, --false-match-rate and --min-cosine exclude each other",
            hint="Give one of them.",
        )
    if min_cosine is not None:
        if not -1 <= min_cosine <= 1:
            raise UsageError(f"--min-cosine {min_cosine} is not between -1 and 1")
        return MinCosineRule(min_cosine)
    if calibration is None:
        raise UsageError(
            "this embedder's card has no calibration", hint="Give a fixed --min-cosine."
        )
    if false_match_rate is not None:
        if not 0 < false_match_rate < 0.5:
            raise UsageError(f"--false-match-rate {false_match_rate} is not between 0 and 0.5")
        return FalseMatchRule(calibration, false_match_rate)
    wrong = DEFAULT_WRONG_MERGES if wrong_merges is None else wrong_merges
    if not 0 < wrong <= 1000:
        raise UsageError(f"--wrong-merges {wrong} is not between 0 and 1000")
    return WrongMergesRule(calibration, wrong)
