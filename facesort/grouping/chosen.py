"""Which threshold was used, and why: what `group` and `scan` print about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.grouping.calibration import Calibration, MergeRule
    from facesort.grouping.refine import Refinement

__all__ = ["ThresholdEvidence", "threshold_evidence"]

_SEVERAL = 5

_NOTHING = 0.005  # a share that is printed as 0 %


@dataclass(frozen=True, slots=True)
class ThresholdEvidence:
    """A chosen threshold and where it comes from.

    Args:
        rule: in words.
        people: how many there were in the end; the threshold may depend on it.
        min_cosine: from which mean cosine on two single faces were joined.
        min_cosine_of_five: the same for two people with five faces each.
        expected_wrong_merges: in this library, if the calibration is right; None without one.
        source: "card", "library" (the card's, moved by what this library shows), or "none".
        pairs: pairs of people who are surely two and moved the card.
        weight: of what they say, 0..1.
        answers: how many of the pairs the user told us.
        card_min_cosine: `min_cosine` by the card alone; None without a calibration.
    """

    rule: str
    people: int
    min_cosine: float
    min_cosine_of_five: float
    expected_wrong_merges: float | None
    source: str
    pairs: int = 0
    weight: float = 0.0
    answers: int = 0
    card_min_cosine: float | None = None

    def to_json(self) -> dict[str, object]:
        """Return the `evidence` of `group --json` and `scan --json`."""
        return {
            "rule": self.rule,
            "people": self.people,
            "min_cosine": self.min_cosine,
            "min_cosine_of_five": self.min_cosine_of_five,
            "expected_wrong_merges": self.expected_wrong_merges,
            "source": self.source,
            "pairs": self.pairs,
            "weight": self.weight,
            "answers": self.answers,
            "card_min_cosine": self.card_min_cosine,
        }

    def lines(self) -> tuple[str, ...]:
        """Return it as one or two sentences."""
        bar = f"Joined from cosine {self.min_cosine:.3f} on"
        if abs(self.min_cosine - self.min_cosine_of_five) >= 0.0005:
            bar += f" ({self.min_cosine_of_five:.3f} for five faces each)"
        people = "1 person" if self.people == 1 else f"{self.people:,} people"
        if self.expected_wrong_merges is None:
            return (f"{bar}: {self.rule}; {people}.",)
        wrong = f"{self.expected_wrong_merges:.2g} wrong merges expected among {people}"
        return f"{bar}: {self.rule}; {wrong}.", self._where_from()

    def _where_from(self) -> str:
        if self.source != "library" or self.card_min_cosine is None or self.weight < _NOTHING:
            return "How alike strangers look is the model card's word."
        told = f", {self.answers:,} of them by your word" if self.answers else ""
        return (
            f"How alike strangers look is the model card's word (cosine {self.card_min_cosine:.3f})"
            f" and, by {self.weight:.0%}, that of {self.pairs:,} pairs of people here who are "
            f"surely two{told}."
        )


def threshold_evidence(
    rule: MergeRule,
    words: str,
    people: int,
    *,
    card: Calibration | None,
    card_rule: MergeRule,
    refinement: Refinement | None = None,
) -> ThresholdEvidence:
    """Say which threshold a rule came to.

    Args:
        rule: the one used in the end.
        words: the rule in words.
        people: how many there were in the end.
        card: the embedder's calibration, if it has one.
        card_rule: the same rule on the card's own calibration.
        refinement: how the library moved the card, if it was asked.
    """
    used = refinement.calibration if refinement is not None else card
    cosine = rule.min_cosine(people)
    expected = None
    if used is not None:
        expected = used.false_match_rate(cosine) * people * (people - 1) / 2
    asked = refinement is not None and refinement.pairs > 0
    return ThresholdEvidence(
        rule=words,
        people=people,
        min_cosine=cosine,
        min_cosine_of_five=rule.min_cosine(people, _SEVERAL),
        expected_wrong_merges=expected,
        source="none" if card is None else "library" if asked else "card",
        pairs=refinement.pairs if refinement is not None else 0,
        weight=refinement.weight if refinement is not None else 0.0,
        answers=refinement.answers if refinement is not None else 0,
        card_min_cosine=None if card is None else card_rule.min_cosine(people),
    )
