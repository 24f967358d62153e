"""How faces are to be grouped: what the user chose, and how a library remembers it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.grouping.calibration import DEFAULT_WRONG_MERGES, merge_rule

if TYPE_CHECKING:
    from facesort.grouping.calibration import Calibration, MergeRule

__all__ = ["GroupOptions"]


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How to group; None in all three numbers means the default rule."""

    method: str = "linkage"
    wrong_merges: float | None = None
    false_match_rate: float | None = None
    min_cosine: float | None = None

    def to_meta(self) -> str:
        """Return the form that is stored with the library, so that later scans group alike."""
        return json.dumps(
            {
                "method": self.method,
                "wrong_merges": self.wrong_merges,
                "false_match_rate": self.false_match_rate,
                "min_cosine": self.min_cosine,
            }
        )

    @classmethod
    def from_meta(cls, text: str) -> GroupOptions:
        """Read the stored form; '' gives the defaults."""
        return cls(**json.loads(text)) if text else cls()

    def rule(self, calibration: Calibration | None) -> MergeRule:
        """Return the rule on some calibration.

        Raises:
            UsageError: an option is out of range, or needs a calibration that there is not.
        """
        return merge_rule(
            calibration,
            wrong_merges=self.wrong_merges,
            false_match_rate=self.false_match_rate,
            min_cosine=self.min_cosine,
        )

    def in_words(self) -> str:
        """Return the rule in words."""
        if self.min_cosine is not None:
            return f"mean cosine {self.min_cosine:g}"
        if self.false_match_rate is not None:
            return f"false match rate {self.false_match_rate:g}"
        wrong = DEFAULT_WRONG_MERGES if self.wrong_merges is None else self.wrong_merges
        return f"{wrong:g} expected wrong merges per 1,000 people"
