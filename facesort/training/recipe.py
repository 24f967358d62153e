"""How a network is trained: every number that a result depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.training.data import FaceViews
    from facesort.training.net import Shape

__all__ = ["Loss", "Recipe"]


class Loss(StrEnum):
    """What is made small."""

    CENTRE = "centre"
    CLASSES = "classes"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Args:
        shape: of the network.
        seed: of everything random.
        steps: of the optimiser.
        sets: drawn for each step.
        rate: of learning, at its highest; it rises over the first twentieth of the steps and falls
            to a hundredth along a cosine.
        decay: of weights; not of gamma, norms and shifts.
        clip: largest length of a gradient.
        loss: what is made small.
    """

    shape: Shape
    seed: int = 0
    steps: int = 2000
    sets: int = 32
    rate: float = 1e-3
    decay: float = 1e-3
    clip: float = 1.0
    loss: Loss = Loss.CENTRE

    def key(self, views: FaceViews) -> str:
        """Name the training: only the same one may go on from a checkpoint."""
        return f"{sorted(asdict(self).items())!r} {views.fingerprint()}"
