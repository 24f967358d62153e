"""From aligned crops to embeddings, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import CardInvalid
from facesort.inference.session import MemoryFull

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
        session: the prepared graph: bytes in, dynamic in batch.
        card: says what the graph gives.
        batch_size: crops per run, at most.
    """

    def __init__(self, session: Session, card: ModelCard, *, batch_size: int) -> None:
        if card.output is None or card.input.size is None:
            raise CardInvalid(f"{card.path}: an embedder's card needs an input size and an output")
        self._session = session
        self._output = card.output
        self._card_path = card.path
        self._size = card.input.size[0]
        self._model_key = card.model_key
        self.batch_size = batch_size

    @property
    def model_key(self) -> str:
        """Names the weights and every option that changes the vectors."""
        return self._model_key

    @property
    def crop_size(self) -> int:
        """Side of the square crops, pixels."""
        return self._size

    def embed(self, crops: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.float32]]:
        """Map crops to vectors. Any thread may call it at any time.

        Args:
            crops: (n, s, s, 3) RGB uint8; read in place where they are contiguous.

        Returns:
            (n, d) unit vectors, and (n,) lengths before scaling, which grow with how recognisable
            the face is (measured: Spearman .505 with the mean genuine similarity on LFW).

        Raises:
            ModelError: the runtime fails. Where its memory is full the batch is halved first.
        """
        raw = np.empty((len(crops), self._output.dimension), dtype=np.float32)
        start = 0
        while start < len(crops):
            size = self.batch_size
            part = crops[start : start + size]
            try:
                raw[start : start + len(part)] = self.embed_together(part)
            except MemoryFull:
                if len(part) == 1:
                    raise
                self.batch_size = max(1, min(size, len(part)) // 2)
                continue
            start += len(part)
        norms = np.linalg.norm(raw, axis=1)
        return raw / np.maximum(norms, 1e-12)[:, None], norms

    def embed_together(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map crops to vectors as the model gives them, in one run.

        Raises:
            MemoryFull: they do not fit.
            ModelError: the runtime fails otherwise.
        """
        vectors = self._forward(np.ascontiguousarray(crops))
        if self._output.mirrored:
            # Doubles the cost for about .15 points of LFW accuracy: an option of the card.
            vectors = vectors + self._forward(np.ascontiguousarray(crops[:, :, ::-1]))
        return vectors

    def _forward(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        vectors = self._session.run({self._session.inputs[0]: crops})[0]
        if vectors.shape != (len(crops), self._output.dimension):
            raise CardInvalid(
                f"{self._card_path} says that a vector has {self._output.dimension} numbers; the "
                f"model gives {' x '.join(map(str, vectors.shape[1:]))}",
                hint="Correct `dimension` under [output] in the card.",
            )
        return vectors
