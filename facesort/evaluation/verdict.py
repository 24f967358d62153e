"""Decides whether a new aggregator may take the place of the one in use.

It must be better somewhere and worse nowhere, over every condition and false accept rate of
`evaluation.sets` that could be measured:

    better   its interval lies wholly above that of the one in use
    worse    the interval of the paired difference, new less old, lies wholly below zero

The second test is the finer one: both see the same people, and what makes a person hard is hard for
both. So it takes much to be let in, and little to be kept out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.evaluation.sets import Estimate, SetsResult

__all__ = ["Contest", "Verdict", "decide"]


@dataclass(frozen=True, slots=True)
class Contest:
    """Two aggregators under one condition at one false accept rate.

    Args:
        condition: one of `sets.CONDITIONS`.
        rate: "1e-3"...
        new: TAR of the new one.
        old: TAR of the one in use.
        gain: the difference, paired.
    """

    condition: str
    rate: str
    new: Estimate
    old: Estimate
    gain: Estimate

    @property
    def is_better(self) -> bool:
        """Whether the new one's interval lies wholly above the old one's."""
        return self.new.low > self.old.high

    @property
    def is_worse(self) -> bool:
        """Whether the interval of the difference lies wholly below zero."""
        return self.gain.high < 0

    def to_json(self) -> dict[str, object]:
        """Return the numbers."""
        return {
            "condition": self.condition,
            "rate": self.rate,
            "learned": self.new.to_json(),
            "default": self.old.to_json(),
            "difference": self.gain.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of all contests.

    Args:
        contests: those that could be measured.
    """

    contests: tuple[Contest, ...]

    @property
    def better(self) -> tuple[Contest, ...]:
        """Where the new one is better."""
        return tuple(one for one in self.contests if one.is_better)

    @property
    def worse(self) -> tuple[Contest, ...]:
        """Where it is worse."""
        return tuple(one for one in self.contests if one.is_worse)

    @property
    def adopt(self) -> bool:
        """Whether the new one takes the other's place."""
        return bool(self.better) and not self.worse

    @property
    def telling(self) -> Contest:
        """Return what the decision hangs on: the clearest loss or gain, or else the largest gain.

        Raises:
            ValueError: nothing could be measured.
        """
        if self.worse:
            return min(self.worse, key=lambda one: one.gain.high)
        if self.better:
            return max(self.better, key=lambda one: one.new.low - one.old.high)
        return max(self.contests, key=lambda one: (one.gain.mean, -one.old.mean))


def decide(result: SetsResult, *, new: str, old: str) -> Verdict:
    """Compare two aggregators.

    Args:
        result: of `sets.judge_sets`, with the old one as its baseline.
        new: name of the new one.
        old: name of the one in use.
    """
    contests = []
    for row in result.rows:
        if row.method != new:
            continue
        before = result.row(old, row.condition)
        for rate, tar in row.tar.items():
            old_tar, gain = before.tar[rate], row.over_mean[rate]
            if tar is not None and old_tar is not None and gain is not None:
                contests.append(Contest(row.condition, rate, tar, old_tar, gain))
    return Verdict(tuple(contests))
