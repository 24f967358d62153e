"""What came of a training, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        stays: what is used if the network is not: "plain coreset", or an earlier network.
    """

    card: ModelCard
    verdict: Verdict
    trained: int
    measured: int
    faces: int
    seconds: dict[str, float]
    stays: str

    @property
    def sentence(self) -> str:
        """Say what was decided, and what that hangs on."""
        one = self.verdict.telling
        numbers = (
            f"TAR at FAR {one.rate} {_CONDITION_WORDS[one.condition]} is {_percent(one.new)} "
            f"learned and {_percent(one.old)} plain, on {self.measured} people it has never seen"
        )
        if self.verdict.adopt:
            return f"This library now uses the learned aggregation, which is better: {numbers}."
        how = "worse" if self.verdict.worse else "not clearly better"
        return f"The {self.stays} stays, for the learned aggregation is {how}: {numbers}."

    def to_json(self) -> dict[str, object]:
        """Return the document of `train coreset --json`; shares are 0..1, intervals hold 95 %."""
        return {
            "adopted": self.verdict.adopt,
            "sentence": self.sentence,
            "model": str(self.card.path.parent / self.card.weights.file),
            "model_key": self.card.model_key,
            "people": {"trained": self.trained, "measured": self.measured},
            "faces": self.faces,
            "contests": [one.to_json() for one in self.verdict.contests],
            "seconds": self.seconds,
        }


def _percent(one: Estimate) -> str:
    return f"{one.mean:.2%} ({one.low:.2%} to {one.high:.2%})"
