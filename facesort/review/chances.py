"""How likely two groups of faces are one person, from their mean cosine and their sizes.

Of one person the mean cosine of a and b faces follows a normal distribution about the card's
`one_person.mean`, of two people about its `impostor_mean`; the variances are those of
`grouping.calibration`. The ratio of the two says how strongly a likeness speaks for one person; it
never falls as the likeness grows.

What is asked about is what grouping did not join. A group is a piece of somebody who is there with
a prior of `prior_piece`; whose, is a matter of how many faces people have: who is on many photos
has left more pieces. So a group's chances of being each of its neighbours, and of being nobody of
them, add up to one.

Where the card has no calibration nothing is known but the order: chances then follow the cosine
from the least alike pair ever joined on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.grouping.calibration import Calibration

__all__ = ["Chances"]

# Assumed: of the groups that were left over three in ten are pieces of somebody who is there, and
# one face in fifty is with the wrong person. Orders hardly depend on it (docs/review.md).
_PRIOR_PIECE = 0.3
_PRIOR_STRAY = 0.02

# Of two faces on one photo that grouping found too alike for strangers. Siblings are so, too.
_PRIOR_TWICE = 0.01

# Larger groups than that were not measured (`grouping.likeness`).
_MOST_MEASURED = 5

_MAX_LOG_RATIO = 13.8

# Without a calibration: the cosine at which chances are even, and how fast they change.
_EVEN_COSINE, _COSINE_STEP = 0.4, 0.04


@dataclass(frozen=True, slots=True)
class Chances:
    """From likeness to probability.

    Args:
        calibration: of the embedder; None where its card has none, or says nothing of one person.
        threshold: without a calibration, the cosine above which faces were joined.
        prior_piece: how likely a group is a piece of somebody who is there, before any likeness.
    """

    calibration: Calibration | None
    threshold: float = _EVEN_COSINE
    prior_piece: float = _PRIOR_PIECE

    @property
    def floor(self) -> float:
        """Mean cosine below which nobody is likely anybody."""
        card = self.calibration
        if card is None or card.one_person is None:
            return self.threshold - 4 * _COSINE_STEP
        spread = float(np.sqrt(card.person_variance + card.face_variance))
        return card.impostor_mean + 2 * spread

    @property
    def usual(self) -> float:
        """Mean cosine that faces of one person usually have to the others."""
        card = self.calibration
        if card is None or card.one_person is None:
            return self.threshold + 4 * _COSINE_STEP
        return card.one_person.mean

    def log_ratio(
        self,
        mean_cosine: NDArray[np.float64],
        sizes: NDArray[np.float64],
        size: float | NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Say how much more likely a likeness is for one person than for two.

        Args:
            mean_cosine: (m,) between m groups and one.
            sizes: (m,) faces in each, with a vector.
            size: faces in the one, or (m,).

        Returns:
            (m,) natural logarithms, within +-13.8.
        """
        card = self.calibration
        if card is None or card.one_person is None:
            steps = (mean_cosine - self.threshold) / _COSINE_STEP
            # Even chances for the one group that comes into question, at the threshold.
            return _bounded(steps + np.log(1 / self.prior_piece))
        each = 1 / np.clip(sizes, 1, _MOST_MEASURED) + 1 / np.clip(size, 1, _MOST_MEASURED)
        one = card.one_person
        genuine = np.maximum(one.face_variance * each / 2, 1e-6)
        impostor = card.person_variance + card.face_variance * each / 2
        wider = genuine > impostor + 1e-9
        # Where one person's curve is the wider one, strangers would seem likely again at the very
        # low end, and where it is the narrower one, at the high end: the ratio stops there.
        bend = np.divide(
            one.mean * impostor - card.impostor_mean * genuine,
            impostor - genuine,
            out=np.full(np.shape(each), np.inf),
            where=np.abs(impostor - genuine) > 1e-9,
        )
        alike = np.where(wider, np.maximum(mean_cosine, bend), np.minimum(mean_cosine, bend))
        ratio = 0.5 * (
            np.log(impostor / genuine)
            + (alike - card.impostor_mean) ** 2 / impostor
            - (alike - one.mean) ** 2 / genuine
        )
        return _bounded(ratio)

    def of_neighbours(
        self,
        mean_cosine: NDArray[np.float64],
        sizes: NDArray[np.float64],
        size: float,
        faces: float,
        quality: float | NDArray[np.float64] = 1.0,
    ) -> NDArray[np.float64]:
        """Say how likely a group is each of its neighbours; what is missing to 1 is somebody else.

        Args:
            mean_cosine: (m,) to its neighbours.
            sizes: (m,) faces in each.
            size: faces in the group.
            faces: of all people together.
            quality: of a group that is a single poor face, 0..1.
        """
        odds = self.odds(mean_cosine, sizes, size, faces, quality)
        chances: NDArray[np.float64] = odds / (odds.sum() + self.nobody)
        return chances

    @property
    def nobody(self) -> float:
        """Odds of a group to be none of its neighbours, beside `odds`."""
        return 1 - self.prior_piece

    def odds(
        self,
        mean_cosine: NDArray[np.float64],
        sizes: NDArray[np.float64],
        size: float,
        faces: float,
        quality: float | NDArray[np.float64] = 1.0,
    ) -> NDArray[np.float64]:
        """Return the odds of a group to be each of its neighbours; see `of_neighbours`."""
        share = sizes / max(faces, 1.0) if self._is_measured else np.ones(len(sizes))
        ratio = self.log_ratio(mean_cosine, sizes, size)
        poor = np.asarray(quality) < 1
        if self.calibration is not None and self.calibration.evidence is not None and poor.any():
            # The curves are those of good faces. What the card says of a pair of which the other
            # one is as good as can be: poor strangers are more alike.
            pair = self.calibration.evidence.log_ratio(mean_cosine, quality, 1.0)
            ratio = np.where(poor, np.minimum(ratio, pair), ratio)
        odds: NDArray[np.float64] = share * np.exp(ratio)
        return self.prior_piece * odds

    def belongs(
        self,
        own: NDArray[np.float64],
        others: NDArray[np.float64],
        best: NDArray[np.float64],
        best_sizes: NDArray[np.float64],
        faces: float,
    ) -> NDArray[np.float64]:
        """Say how likely faces belong to the person that grouping has put them with.

        Args:
            own: (m,) mean cosine of each to the other faces of its person.
            others: (m,) how many those are.
            best: (m,) mean cosine to the likest other person; minus infinity without one.
            best_sizes: (m,) their faces.
            faces: of all people together.
        """
        stays = (1 - _PRIOR_STRAY) * np.exp(self.log_ratio(own, others, 1.0))
        there = np.isfinite(best)
        ratio = np.exp(self.log_ratio(np.where(there, best, 0.0), best_sizes, 1.0))
        share = best_sizes / max(faces, 1.0) if self._is_measured else np.ones(len(best))
        leaves = _PRIOR_STRAY * (0.5 * share * np.where(there, ratio, 0.0) + 0.5)
        chances: NDArray[np.float64] = stays / (stays + leaves)
        return chances

    def two(self, cosine: float, size: float, other: float) -> float:
        """Say how likely two parts of one group are two people."""
        ratio = float(self.log_ratio(np.array([cosine]), np.array([size]), other)[0])
        apart = _PRIOR_STRAY
        return float(apart / (apart + (1 - apart) * np.exp(ratio)))

    def one_photo(self, cosine: float) -> float:
        """Say how likely two faces of one photo are one person: a mirror, a collage, a screen."""
        ratio = float(self.log_ratio(np.array([cosine]), np.array([1.0]), 1.0)[0])
        return float(1 / (1 + (1 - _PRIOR_TWICE) / _PRIOR_TWICE * np.exp(-ratio)))

    @property
    def _is_measured(self) -> bool:
        return self.calibration is not None and self.calibration.one_person is not None


def _bounded(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    bounded: NDArray[np.float64] = np.clip(ratio, -_MAX_LOG_RATIO, _MAX_LOG_RATIO)
    return bounded
