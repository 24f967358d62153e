"""What came of a training, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.evaluation.recognition import Recognition
    from facesort.evaluation.sets import Estimate
    from facesort.evaluation.verdict import Verdict
    from facesort.inference.card import ModelCard

__all__ = ["TrainReport"]

_CONDITION_WORDS = {
    "clean": "with photos as they are",
    "burst": "with bursts",
    "degraded": "with spoilt photos",
}


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What came of a training.

    Args:
        card: of the network.
        verdict: against the plain coreset, on people who were not trained on.
        trained: people who were trained on.
        measured: people who were measured on.
        faces: of both, without copies.
        seconds: by stage.
        earlier: whether another network was in use before.
    """

    card: ModelCard
    verdict: Verdict
    trained: int
    measured: int
    faces: int
    seconds: dict[str, float]
    earlier: bool

    @property
    def sentence(self) -> str:
        """Say what was decided, and what that hangs on."""
        one = self.verdict.telling
        numbers = (
            f"TAR at FAR {one.rate} {_CONDITION_WORDS[one.condition]} is {_percent(one.new)} "
            f"learned and {_percent(one.old)} plain, on {self.measured} people it has never seen"
        )
        stays = "earlier network" if self.earlier else "plain coreset"
        asked = self.verdict.recognition
        if self.verdict.adopt and asked is not None:
            said = (
                "This library now uses the learned aggregation, which is better: "
                f"{numbers}; {_recognised(asked)}."
            )
            if self.earlier:
                # Who that one was trained on is not known: a comparison could flatter it.
                said += " It takes the place of an earlier network, with which it was not compared."
            return said
        if self.verdict.wins_sets:
            why = (
                "nothing says what identify would make of the learned aggregation: the card of the "
                "embedder has no calibration"
                if asked is None
                else f"with the learned aggregation {_recognised(asked)}"
            )
            return f"The {stays} stays, for {why}. Otherwise it is better: {numbers}."
        how = "worse" if self.verdict.worse else "not clearly better"
        return f"The {stays} stays, for the learned aggregation is {how}: {numbers}."

    def to_json(self) -> dict[str, object]:
        """Return the document of `train coreset --json`; shares are 0..1, intervals hold 95 %."""
        asked = self.verdict.recognition
        return {
            "adopted": self.verdict.adopt,
            "sentence": self.sentence,
            "model": str(self.card.path.parent / self.card.weights.file),
            "model_key": self.card.model_key,
            "people": {"trained": self.trained, "measured": self.measured},
            "faces": self.faces,
            "contests": [one.to_json() for one in self.verdict.contests],
            "identify": None if asked is None else asked.to_json(),
            "earlier_network": self.earlier,
            "seconds": self.seconds,
        }


def _recognised(one: Recognition) -> str:
    return (
        f"identify finds {one.new.mean:.2%} of their known faces and takes {one.new_taken:.2%} of "
        f"strangers' for somebody ({one.old.mean:.2%} and {one.old_taken:.2%} with the plain "
        f"coreset, {one.allowed:.2%} allowed)"
    )


def _percent(one: Estimate) -> str:
    return f"{one.mean:.2%} ({one.low:.2%} to {one.high:.2%})"
