"""Compares two aggregators by what `identify` makes of them, at the library's own bar.

A TAR finds its threshold anew for every aggregator. `identify` does not: its bar comes from the
card of the embedder. Vectors that tell people apart perfectly are of no use there if all their
cosines lie lower than those that the bar was made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.evaluation.sets import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Attempts", "Recognition", "compare"]

_DRAWS = 1000
_SEED = 0

# How much lower the share of known faces that are found may be, where chance explains it.
_TOLERATED = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Attempts:
    """What came of all probes with one aggregator, by the person who is on them.

    Args:
        known: (p,) probes of the person while enrolled.
        found: (p,) of these, those that were given the right person.
        strange: (p,) probes of the person while not enrolled.
        taken: (p,) of these, those that were given somebody.
    """

    known: NDArray[np.int64]
    found: NDArray[np.int64]
    strange: NDArray[np.int64]
    taken: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What `identify` makes of a new aggregator and of the one in use. Shares are 0..1.

    Args:
        new: share of the known faces that are given the right person with the new one.
        old: with the one in use.
        gain: the difference, paired.
        new_taken: share of strangers' faces that are given somebody with the new one.
        old_taken: with the one in use.
        allowed: as many strangers as the rule is made to let through.
        known: probes of enrolled people.
        strange: probes of others.
    """

    new: Estimate
    old: Estimate
    gain: Estimate
    new_taken: float
    old_taken: float
    allowed: float
    known: int
    strange: int

    @property
    def finds_fewer(self) -> bool:
        """Whether known faces are found less often: clearly, or by more than a hundredth."""
        return self.gain.high < 0 or self.gain.mean < -_TOLERATED

    @property
    def takes_more(self) -> bool:
        """Whether more strangers are taken for somebody than the rule allows, and than before."""
        return self.new_taken > max(self.allowed, self.old_taken)

    @property
    def holds(self) -> bool:
        """Whether `identify` is none the worse for the new one."""
        return not self.finds_fewer and not self.takes_more

    def to_json(self) -> dict[str, object]:
        """Return the numbers."""
        return {
            "identified": {
                "learned": self.new.to_json(),
                "default": self.old.to_json(),
                "difference": self.gain.to_json(),
            },
            "strangers_accepted": {
                "learned": self.new_taken,
                "default": self.old_taken,
                "allowed": self.allowed,
            },
            "probes": {"known": self.known, "strangers": self.strange},
        }


def compare(new: Attempts, old: Attempts, *, allowed: float) -> Recognition:
    """Compare two aggregators on the same probes.

    Args:
        new: of p > 0 people.
        old: of the same, by the one in use.
        allowed: share of strangers that the rule is made to let through.
    """
    people = len(new.known)
    rng = np.random.default_rng(_SEED)
    weights = np.ones((1 + _DRAWS, people))  # the first: the people as they are
    weights[1:] = rng.multinomial(people, np.full(people, 1 / people), _DRAWS)
    mine, others = (weights @ one.found / (weights @ one.known) for one in (new, old))
    strange = int(new.strange.sum())
    return Recognition(
        _estimate(mine),
        _estimate(others),
        _estimate(mine - others),
        float(new.taken.sum() / strange),
        float(old.taken.sum() / strange),
        allowed,
        int(new.known.sum()),
        strange,
    )


def _estimate(drawn: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(drawn[1:], (0.025, 0.975)).tolist()
    return Estimate(float(drawn[0]), low, high)
