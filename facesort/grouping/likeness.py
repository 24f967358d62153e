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
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from facesort.errors import CardInvalid
from facesort.grouping.probability import PairEvidence, posterior

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.grouping.probability import Evidential

__all__ = ["Calibration", "OnePerson", "Sizes"]

Sizes: TypeAlias = "float | NDArray[np.float64]"

_NORMAL = NormalDist()
_ONE_IN_HUNDRED = -_NORMAL.inv_cdf(0.01)
_MOST_MEASURED = 5


@dataclass(frozen=True, slots=True)
class OnePerson:
    """How little alike the faces of one person are, at worst, for one embedder.

    The mean cosine between a and b faces of one person is below

        mean - 2.33 * sqrt(face_variance * (1/a + 1/b) / 2)

    once in a hundred times. Clusters that are less alike than that are two people who look alike,
    or one person in two ages: nothing to decide unasked. Single faces may be as unlike as any two.

    Args:
        mean: cosine of two faces of one person.
        face_variance: what the far flank needs; fitted to the 1 % quantiles.
    """

    mean: float
    face_variance: float

    @classmethod
    def from_card(cls, table: Mapping[str, object]) -> OnePerson | None:
        """Read `[calibration.one_person]`, flattened; None when the card has no such table.

        Raises:
            KeyError, ValueError: a number is missing, or makes no sense.
        """
        if not any(name.startswith("one_person.") for name in table):
            return None
        mean, variance = (
            float(str(table[f"one_person.{name}"])) for name in ("mean", "face_variance")
        )
        if not (-1 < mean < 1 and variance >= 0):
            raise ValueError("one_person.mean should be within -1 and 1, the variance not below 0")
        return cls(mean, variance)

    def least(self, sizes: Sizes, size: Sizes) -> NDArray[np.float64]:
        """Return the mean cosine that one person's clusters of so many faces hardly ever miss."""
        # More than five faces of each were not measured.
        each = 1 / np.minimum(sizes, _MOST_MEASURED) + 1 / np.minimum(size, _MOST_MEASURED)
        least: NDArray[np.float64] = self.mean - _ONE_IN_HUNDRED * np.sqrt(
            self.face_variance * each / 2
        )
        return least


@dataclass(frozen=True, slots=True)
class Calibration:
    """The distribution of cosines between different people, for one embedder.

    Args:
        impostor_mean: mean cosine of two faces of different people.
        person_variance: variance between pairs of people, when each has endless photos.
        face_variance: what single photos add.
        evidence: from cosine and quality to a likelihood ratio; None when the card does not say.
        one_person: how unlike one person's faces are at worst; None when the card does not say.
    """

    impostor_mean: float
    person_variance: float
    face_variance: float
    evidence: PairEvidence | None = None
    one_person: OnePerson | None = None

    def __post_init__(self) -> None:
        variances = (self.person_variance, self.face_variance)
        if not (-1 < self.impostor_mean < 1 and min(variances) >= 0 < sum(variances)):
            raise ValueError("impostor_mean should be within -1 and 1, the variances above 0")

    @classmethod
    def from_card(cls, table: Mapping[str, object], path: Path | None = None) -> Calibration:
        """Read the `[calibration]` table of a model card.

        Args:
            table: flattened: `evidence.cosine` is `cosine` in `[calibration.evidence]`.
            path: the card, for the message.

        Raises:
            CardInvalid: a number is missing or makes no sense.
        """
        names = ("impostor_mean", "person_variance", "face_variance")
        try:
            mean, person, face = (float(str(table[name])) for name in names)
            return cls(
                mean, person, face, PairEvidence.from_card(table), OnePerson.from_card(table)
            )
        except (KeyError, ValueError) as error:
            raise CardInvalid(
                f"{path or 'the model card'}: the table calibration is not usable ({error})",
                hint="Correct the card, or remove the table and give a fixed --min-cosine.",
            ) from error

    def deviations(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: Sizes
    ) -> NDArray[np.float64]:
        """Say how many standard deviations above the impostor mean clusters lie to one cluster.

        Args:
            mean_cosine: (m,) mean cosines between the m clusters and the one.
            sizes: (m,) faces in each of them.
            size: faces in the one; or (m,), when each is compared with another one.
        """
        variance = self.person_variance + self.face_variance * (1 / sizes + 1 / size) / 2
        deviations: NDArray[np.float64] = (mean_cosine - self.impostor_mean) / np.sqrt(variance)
        return deviations

    def score(
        self, mean_cosine: NDArray[np.float64], sizes: NDArray[np.float64], size: Sizes
    ) -> NDArray[np.float64]:
        """Return `deviations`, and minus infinity where one person is hardly ever so unlike."""
        deviations = self.deviations(mean_cosine, sizes, size)
        if self.one_person is None:
            return deviations
        return np.where(mean_cosine >= self.one_person.least(sizes, size), deviations, -np.inf)

    def limit_cosine(self, false_match_rate: float, faces: int = 1) -> float:
        """Return from which mean cosine two clusters of so many faces each may be one person."""
        strangers = self.min_cosine(false_match_rate, faces, faces)
        if self.one_person is None:
            return strangers
        return max(strangers, float(self.one_person.least(faces, faces)))

    def min_cosine(self, false_match_rate: float, size: int = 1, other: int = 1) -> float:
        """Return the mean cosine that different people exceed with the given probability."""
        variance = self.person_variance + self.face_variance * (1 / size + 1 / other) / 2
        return self.impostor_mean - _NORMAL.inv_cdf(false_match_rate) * math.sqrt(variance)

    def false_match_rate(self, mean_cosine: float, size: int = 1, other: int = 1) -> float:
        """Return the probability that two different people exceed a mean cosine."""
        variance = self.person_variance + self.face_variance * (1 / size + 1 / other) / 2
        # Not NormalDist.cdf: before Python 3.12 it is 1 - (almost 1), and 0 above 8.3 deviations.
        return 0.5 * math.erfc((mean_cosine - self.impostor_mean) / math.sqrt(2 * variance))

    def shifted(self, deviations: float) -> Calibration:
        """Say that different people look more alike here, and one person as much as elsewhere.

        Args:
            deviations: by how many standard deviations of two single faces; below 0: less alike.
        """
        variance = self.person_variance + self.face_variance
        mean = self.impostor_mean + deviations * math.sqrt(variance)
        evidence = self.evidence
        if evidence is not None:
            evidence = evidence.against(self.impostor_mean, mean, variance)
        return replace(self, impostor_mean=mean, evidence=evidence)

    def moved(self, slope: float, shift: float) -> Calibration:
        """Say the same of cosines that have become `shift + slope * cosine`."""
        return Calibration(
            shift + slope * self.impostor_mean,
            self.person_variance * slope * slope,
            self.face_variance * slope * slope,
            None if self.evidence is None else self.evidence.moved(slope, shift),
            None
            if self.one_person is None
            else OnePerson(
                shift + slope * self.one_person.mean, self.one_person.face_variance * slope * slope
            ),
        )

    def log_likelihood_ratio(
        self, cosine: Evidential, quality: Evidential, other_quality: Evidential
    ) -> NDArray[np.float64] | None:
        """Say how much more likely a similarity is for one person than for two.

        Args:
            cosine: of two faces, or of many pairs.
            quality: of the first face of each pair, 0..1.
            other_quality: of the second, 0..1.

        Returns:
            Natural logarithms; None when the card has no `[calibration.evidence]`.
        """
        if self.evidence is None:
            return None
        return self.evidence.log_ratio(cosine, quality, other_quality)

    def probability(
        self,
        cosine: Evidential,
        quality: Evidential,
        other_quality: Evidential,
        *,
        prior: float = 0.5,
    ) -> NDArray[np.float64] | None:
        """Say how likely two faces are one person.

        Args:
            cosine: of two faces, or of many pairs.
            quality: of the first face of each pair, 0..1.
            other_quality: of the second, 0..1.
            prior: the share of one-person pairs among those asked about, 0..1 exclusive; one half
                takes the similarity alone.

        Returns:
            0..1, never falling with the cosine; None when the card has no `[calibration.evidence]`.

        Raises:
            ValueError: no such prior.
        """
        ratio = self.log_likelihood_ratio(cosine, quality, other_quality)
        return None if ratio is None else posterior(ratio, prior)
