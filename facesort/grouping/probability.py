"""How likely two faces are one person, from how alike they are and how good their pictures are.

The evidence is a log-likelihood ratio: how much more often faces of one person look this much alike
than faces of two people do. It adds up with what was known before:

    log odds = log-likelihood ratio + log(prior / (1 - prior))

`prior` is the share of pairs that are one person among those asked about. One half answers "which
of the two fits better?"; for two faces picked at random from a library of a thousand people it is a
thousandth.

With c the cosine and q the quality of the poorer face the ratio is

    constant + cosine * c + cosine_squared * c^2 + quality * q + cosine_quality * c * q
             + quality_squared * q^2

which is what two normal distributions of different width give, if poor pictures of one person are
less alike by so much per step of quality. The same cosine then says more for poor pictures, until
they are so poor that it says nothing. Six numbers, fitted by `evaluation.probability`;
docs/adr/0010 has what else was tried.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["MAX_LOG_RATIO", "Evidential", "PairEvidence", "posterior"]

Evidential: TypeAlias = "float | NDArray[np.floating]"

# One in a million: as far out as the measured flank of different people reaches. Above that the
# pairs of "different" people in the labelled sets are mislabelled pictures of one.
MAX_LOG_RATIO = 13.8


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """The six numbers of the log-likelihood ratio of one embedder; see above.

    Args:
        constant: of the quadratic form.
        cosine: its term in the cosine.
        cosine_squared: in the square of the cosine; above 0.
        quality: in the quality of the poorer face.
        cosine_quality: in the product of both.
        quality_squared: in the square of the quality.
    """

    constant: float
    cosine: float
    cosine_squared: float
    quality: float
    cosine_quality: float
    quality_squared: float

    @classmethod
    def from_card(cls, table: Mapping[str, object]) -> PairEvidence | None:
        """Read `[calibration.evidence]`, flattened; None when the card has no such table.

        Raises:
            KeyError: a number is missing.
            ValueError: something is not a number, or the ratio would fall with the cosine.
        """
        if not any(name.startswith("evidence.") for name in table):
            return None
        numbers = (float(str(table[f"evidence.{field.name}"])) for field in fields(cls))
        evidence = cls(*numbers)
        if not evidence.cosine_squared > 0:
            raise ValueError("evidence.cosine_squared should be above 0")
        return evidence

    def moved(self, slope: float, shift: float) -> PairEvidence:
        """Say the same of cosines that have become `shift + slope * cosine`."""
        back = -shift / slope
        return PairEvidence(
            self.constant + self.cosine * back + self.cosine_squared * back * back,
            (self.cosine + 2 * self.cosine_squared * back) / slope,
            self.cosine_squared / (slope * slope),
            self.quality + self.cosine_quality * back,
            self.cosine_quality / slope,
            self.quality_squared,
        )

    def against(self, mean: float, new_mean: float, variance: float) -> PairEvidence:
        """Weigh against other strangers: another mean of a normal distribution."""
        return replace(
            self,
            constant=self.constant + (new_mean**2 - mean**2) / (2 * variance),
            cosine=self.cosine + (mean - new_mean) / variance,
        )

    def log_ratio(
        self, cosine: Evidential, quality: Evidential, other_quality: Evidential
    ) -> NDArray[np.float64]:
        """Say how strongly a similarity speaks for one person; below 0 it speaks for two.

        Never falls with the cosine, and stays within +-MAX_LOG_RATIO.

        Args:
            cosine: of two faces, or of many pairs; arrays are matched as NumPy does.
            quality: of the first face, 0..1.
            other_quality: of the second face, 0..1.
        """
        poorer = np.minimum(np.asarray(quality, np.float64), np.asarray(other_quality, np.float64))
        linear = self.cosine + self.cosine_quality * poorer
        # Left of its vertex the quadratic would rise again for the most unlike faces.
        alike = np.maximum(np.asarray(cosine, np.float64), -linear / (2 * self.cosine_squared))
        ratio = (
            self.constant
            + (linear + self.cosine_squared * alike) * alike
            + (self.quality + self.quality_squared * poorer) * poorer
        )
        bounded: NDArray[np.float64] = np.clip(ratio, -MAX_LOG_RATIO, MAX_LOG_RATIO)
        return bounded


def posterior(log_ratio: Evidential, prior: float) -> NDArray[np.float64]:
    """Turn evidence into a probability.

    Args:
        log_ratio: natural logarithm of the likelihood ratio.
        prior: probability before the evidence, between 0 and 1 exclusive.

    Raises:
        ValueError: no such prior.
    """
    if not 0 < prior < 1:
        raise ValueError(f"a prior of {prior} leaves nothing to find out")
    odds = np.asarray(log_ratio, dtype=np.float64) + np.log(prior / (1 - prior))
    probability: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return probability
