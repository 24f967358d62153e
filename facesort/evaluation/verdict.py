"""Decides whether a new aggregator may take the place of the one in use.

It must be better somewhere and worse nowhere, over every condition and false accept rate of
`evaluation.sets` that could be measured:

    better   its interval lies wholly above that of the one in use
    worse    the interval of the paired difference, new less old, lies wholly below zero

The second test is the finer one: both see the same people, and what makes a person hard is hard for
both. So it takes much to be let in, and little to be kept out.

And `identify` must be none the worse for it (`evaluation.recognition`): a TAR has a threshold of
its own for each aggregator, the library has one bar for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.evaluation.recognition import Recognition
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
        recognition: what `identify` makes of the two; None: it could not be judged.
    """

    contests: tuple[Contest, ...]
    recognition: Recognition | None

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
        return self.wins_sets and self.recognition is not None and self.recognition.holds

    @property
    def wins_sets(self) -> bool:
        """Whether the new one is better somewhere and worse nowhere at telling sets apart."""
        return bool(self.better) and not self.worse

    @property
    def telling(self) -> Contest:
        """Return what the decision hangs on: the clearest loss or gain, or the largest difference.

        A contest that both win completely says nothing of either.

        Raises:
            ValueError: nothing could be measured.
        """
        if self.worse:
            return min(self.worse, key=lambda one: one.gain.high)
        if self.better:
            return max(self.better, key=lambda one: one.new.low - one.old.high)
        return max(self.contests, key=lambda one: (abs(one.gain.mean), -one.old.mean))


def decide(result: SetsResult, *, new: str, old: str, recognition: Recognition | None) -> Verdict:
    """Compare two aggregators.

    Args:
        result: of `sets.judge_sets`, with the old one as its baseline.
        new: name of the new one.
        old: name of the one in use.
        recognition: what `identify` makes of them; None: it could not be judged, and nothing takes
            the other's place.
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
    return Verdict(tuple(contests), recognition)
