"""Classifies sets as the people who are trained on, by margins that follow their quality.

Source: Kim, Jain and Liu, "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022; here
the length of what was made of a set takes the place of a picture's, as in FaceCoresetNet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.protocols import Vectors
    from facesort.training.net import Parameters, Tensor

__all__ = ["AdaFaceHead"]

# As FaceCoresetNet sets them.
_SCALE, _MARGIN, _SPREAD = 48.0, 0.8, 0.333
_MEMORY = 0.01


class AdaFaceHead:
    """A direction for each person, and running mean and deviation of lengths.

    Args:
        centres: (p, d) where the directions start: at chance's, what is made of a set would soon be
            no vector of the embedder any more.
    """

    def __init__(self, centres: Vectors) -> None:
        import torch  # noqa: PLC0415 - the extra

        started = torch.from_numpy(centres.copy())
        self.parameters: Parameters = {"head": started.requires_grad_()}
        self.statistics = torch.tensor([10.0, 3.0])

    def loss(self, made: Tensor, lengths: Tensor, person: Tensor) -> Tensor:
        """Return the mean cross-entropy.

        Args:
            made: (b, d) unit.
            lengths: (b,) before scaling.
            person: (b,) numbers.
        """
        import torch  # noqa: PLC0415
        from torch.nn import functional  # noqa: PLC0415

        cosines = made @ functional.normalize(self.parameters["head"], dim=1).T
        spread = self._spread(lengths.detach())
        margin = _MARGIN * spread
        own = cosines.gather(1, person[:, None])[:, 0].clamp(-1 + 1e-6, 1 - 1e-6)
        angle = (own.acos() - margin).clamp(1e-3, torch.pi - 1e-3)
        target = angle.cos() - (_MARGIN + margin)
        logits = cosines.scatter(1, person[:, None], target[:, None])
        return functional.cross_entropy(_SCALE * logits, person)

    def _spread(self, lengths: Tensor) -> Tensor:
        """Return (b,) how far each length is from the usual, -1..1; remember the usual."""
        import torch  # noqa: PLC0415

        now = torch.stack([lengths.mean(), lengths.std(correction=0)])
        self.statistics += _MEMORY * (now - self.statistics)
        mean, deviation = self.statistics
        return (_SPREAD * (lengths - mean) / (deviation + 1e-3)).clamp(-1, 1)
