"""Runs a trained network that makes one vector of several faces; see `training.net`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import CardInvalid, ModelMismatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.inference.card import ModelCard
    from facesort.inference.session import Session
    from facesort.protocols import Vectors

__all__ = ["LEARNED", "OnnxAggregator"]

LEARNED = "learned"

# Faces are put in order by quality and so many numbers of their vectors: the sums inside the
# network then add up in the same order, whatever the order in which faces are given.
_ORDERING_NUMBERS = 8


class OnnxAggregator:
    """A network that was trained in some library, on its own machine.

    Args:
        session: the graph: inputs `vectors` (t, d) and `quality` (t,), output (d,).
        card: its card.

    Raises:
        CardInvalid: the card is no aggregator's, or the graph has other inputs.
    """

    def __init__(self, session: Session, card: ModelCard) -> None:
        if card.aggregation is None:
            raise CardInvalid(f"{card.path}: an aggregator's card needs an [aggregation] table")
        if set(session.inputs) != {"vectors", "quality"}:
            raise CardInvalid(f"{card.path}: its graph does not take vectors and quality")
        self._session = session
        self._settings = card.aggregation

    @property
    def name(self) -> str:
        """What users call it."""
        return LEARNED

    def aggregate(self, vectors: Vectors, quality: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (d,) unit vector that stands for n > 0 faces, in whatever order they come.

        Args:
            vectors: (n, d) unit float32.
            quality: (n,) 0..1.

        Raises:
            ModelMismatch: the vectors are longer or shorter than those it was trained on.
            ModelError: the runtime fails.
        """
        if vectors.shape[1] != self._settings.dimension:
            raise ModelMismatch(
                f"the learned aggregation takes vectors of {self._settings.dimension} numbers, "
                f"not of {vectors.shape[1]}",
                hint="Go back to the plain one: facesort train coreset --revert",
            )
        keys = [*vectors[:, _ORDERING_NUMBERS - 1 :: -1].T, -quality]
        order = np.lexsort(keys)
        inputs = {
            "vectors": np.ascontiguousarray(vectors[order], dtype=np.float32),
            "quality": np.ascontiguousarray(quality[order], dtype=np.float32),
        }
        made: NDArray[np.float32] = self._session.run(inputs)[0]
        return made
