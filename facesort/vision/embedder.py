"""From aligned crops to embeddings, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import CardInvalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.inference.card import ModelCard
    from facesort.inference.session import Session
    from facesort.protocols import Vectors

__all__ = ["OnnxEmbedder"]


class OnnxEmbedder:
    """Any embedder that maps aligned RGB crops to one vector each; SFace is the default.

    Source of SFace: Zhong, Deng, Hu, Zhao, Li, Wen, "SFace: Sigmoid-Constrained Hypersphere Loss
    for Robust Face Recognition", IEEE TIP 30, 2021. Use of the embedding space: Schroff,
    Kalenichenko, Philbin, "FaceNet", CVPR 2015.

    Args:
        session: the prepared graph, dynamic in batch.
        card: says what the graph expects.
        batch_size: crops per run.
    """

    def __init__(self, session: Session, card: ModelCard, *, batch_size: int) -> None:
        if card.output is None or card.input.size is None:
            raise CardInvalid(f"{card.path}: an embedder's card needs an input size and an output")
        self._session = session
        self._input, self._output = card.input, card.output
        self._size = card.input.size[0]
        self._model_key = card.model_key
        self._batch_size = batch_size

    @property
    def model_key(self) -> str:
        """Names the weights and every option that changes the vectors."""
        return self._model_key

    @property
    def crop_size(self) -> int:
        """Side of the square crops, pixels."""
        return self._size

    def embed(self, crops: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.float32]]:
        """Map crops to vectors.

        Args:
            crops: (n, s, s, 3) RGB uint8.

        Returns:
            (n, d) unit vectors, and (n,) lengths before scaling, which grow with how recognisable
            the face is (measured: Spearman .505 with the mean genuine similarity on LFW).
        """
        parts = [
            self._run(crops[i : i + self._batch_size])
            for i in range(0, len(crops), self._batch_size)
        ]
        if not parts:
            return np.zeros((0, self._output.dimension), np.float32), np.zeros(0, np.float32)
        raw = np.concatenate(parts)
        norms = np.linalg.norm(raw, axis=1)
        return raw / np.maximum(norms, 1e-12)[:, None], norms

    def _run(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        planes = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32)
        if self._input.channels == "BGR":
            planes = np.ascontiguousarray(planes[:, ::-1])
        planes = (planes - np.float32(self._input.mean)) * np.float32(self._input.scale)
        raw = self._forward(planes)
        if self._output.mirrored:
            # Doubles the cost for about .15 points of LFW accuracy: an option of the card.
            raw = raw + self._forward(np.ascontiguousarray(planes[:, :, :, ::-1]))
        return raw

    def _forward(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._session.run({self._session.inputs[0]: planes})[0], dtype=np.float32)
