"""What a similarity means: how often two different people look that much alike.

Cosines between different people follow a normal distribution closely (SFace on LFW: see
docs/adr/0003). The mean cosine between a cluster of a faces and one of b faces of different people
has the same mean and the variance

    person_variance + face_variance * (1/a + 1/b) / 2

because the part that comes from single pictures averages out and the part that comes from the two
people does not. Three numbers, monotone by construction, fitted to the upper flank
(`evaluation.calibration`) of people who are not the ones it is reported on.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import numpy as np

from facesort.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_WRONG_MERGES",
    "Calibration",
    "FalseMatchRule",
    "MergeRule",
    "MinCosineRule",
    "WrongMergesRule",
    "merge_rule",
]

_NORMAL = NormalDist()

# One expected wrong merge per 1,000 people: a promise that reads the same for a family and for a
# school. How it was chosen, and what was measured with it: docs/adr/0003.
DEFAULT_WRONG_MERGES = 1.0

# Fewer than three people cannot earn a lower bar than this: the model's far flank is not a licence.
_MAX_FALSE_MATCH_RATE = 1e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """The distribution of cosines between different people, for one embedder.

    Args:
        impostor_mean: mean cosine of two faces of different people.
        person_variance: variance between pairs of people, when each has endless photos.
        face_variance: what single photos add.
    """

    impostor_mean: float
    person_variance: float
    face_variance: float

    @classmethod
    def from_card(cls, table: Mapping[str, object]) -> Calibration:
        """Read the `[calibration]` table of a model card.

        Raises:
            KeyError: a number is missing (the card's own checks name the file).
        """
        return cls(
            float(str(table["impostor_mean"])),
            float(str(table["person_variance"])),
            float(str(table["face_variance"])),
        )

    def deviations(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: float
    ) -> NDArray[np.float64]:
        """Say how many standard deviations above the impostor mean clusters lie to one cluster.

        Args:
            mean_cosine: (m,) mean cosines between the m clusters and the one.
            sizes: (m,) faces in each of them.
            size: faces in the one.
        """
        variance = self.person_variance + self.face_variance * (1 / sizes + 1 / size) / 2
        deviations: NDArray[np.float64] = (mean_cosine - self.impostor_mean) / np.sqrt(variance)
        return deviations

    def min_cosine(self, false_match_rate: float, size: int = 1, other: int = 1) -> float:
        """Return the mean cosine that different people exceed with the given probability."""
        variance = self.person_variance + self.face_variance * (1 / size + 1 / other) / 2
        return self.impostor_mean - _NORMAL.inv_cdf(false_match_rate) * math.sqrt(variance)

    def false_match_rate(self, mean_cosine: float, size: int = 1, other: int = 1) -> float:
        """Return the probability that two different people exceed a mean cosine."""
        variance = self.person_variance + self.face_variance * (1 / size + 1 / other) / 2
        # Not NormalDist.cdf: before Python 3.12 it is 1 - (almost 1), and 0 above 8.3 deviations.
        return 0.5 * math.erfc((mean_cosine - self.impostor_mean) / math.sqrt(2 * variance))


class MergeRule(Protocol):
    """When two clusters are alike enough: merge while `score` is at least `limit`."""

    def score(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: float
    ) -> NDArray[np.float64]:
        """Make mean cosines of clusters of different sizes comparable; higher is closer."""

    def limit(self, clusters: int) -> float:
        """Return the lowest score that still merges while there are that many clusters."""

    def min_cosine(self, clusters: int) -> float:
        """Return what the limit means for two single faces: the number shown to the user."""


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
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: float
    ) -> NDArray[np.float64]:
        """Standard deviations above the impostor mean."""
        return self.calibration.deviations(mean_cosine, sizes, size)

    def _rate(self, clusters: int) -> float:
        rate = 2 * self.wrong_merges / (1000 * max(1, clusters - 1))
        return min(_MAX_FALSE_MATCH_RATE, max(sys.float_info.min, rate))  # 0 has no deviation

    def limit(self, clusters: int) -> float:
        """The deviation that a pair of different people exceeds at the allowed rate."""
        return -_NORMAL.inv_cdf(self._rate(clusters))

    def min_cosine(self, clusters: int) -> float:
        """The limit for two single faces."""
        return self.calibration.min_cosine(self._rate(clusters))


@dataclass(frozen=True, slots=True)
class FalseMatchRule:
    """Keep the false match rate of one comparison constant, whatever the library's size."""

    calibration: Calibration
    false_match_rate: float

    def score(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: float
    ) -> NDArray[np.float64]:
        """Standard deviations above the impostor mean."""
        return self.calibration.deviations(mean_cosine, sizes, size)

    def limit(self, clusters: int) -> float:  # noqa: ARG002 - the number of people has no effect here
        """The deviation that two different people exceed at the rate."""
        return -_NORMAL.inv_cdf(self.false_match_rate)

    def min_cosine(self, clusters: int) -> float:  # noqa: ARG002
        """The limit for two single faces."""
        return self.calibration.min_cosine(self.false_match_rate)


@dataclass(frozen=True, slots=True)
class MinCosineRule:
    """A fixed mean cosine, for experts and experiments."""

    cosine: float

    def score(
        self,
        mean_cosine: NDArray[np.float64],
        sizes: NDArray[np.float64],  # noqa: ARG002 - sizes have no effect here
        size: float,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """The mean cosine itself."""
        return mean_cosine

    def limit(self, clusters: int) -> float:  # noqa: ARG002
        """The cosine."""
        return self.cosine

    def min_cosine(self, clusters: int) -> float:  # noqa: ARG002
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
