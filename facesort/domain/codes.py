"""How the vectors of one model are written in as many bytes as they have numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["VectorCode", "unit"]

_LARGEST = 127  # symmetric: -128 is not used, so that a vector and its opposite are coded alike


@dataclass(frozen=True, slots=True, eq=False)
class VectorCode:
    """A descriptor of one byte a number: rounded to multiples of one scale, projected before.

    Args:
        model_key: whose vectors.
        dimension: d, length of the model's vectors.
        size: m, bytes of a descriptor; d where nothing is projected.
        scale: what one step of a byte stands for, the same for every number.
        axes: (d, m) float32, orthonormal columns that vectors are projected on; None for none.
        slope: the cosine of two strangers' descriptors is `shift + slope * cosine` of their
            vectors. A projection drops directions in which faces differ, so cosines grow; rounding
            alone leaves them where they are.
        shift: see there.
    """

    model_key: str
    dimension: int
    size: int
    scale: float
    axes: NDArray[np.float32] | None = None
    slope: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        projected = (self.dimension, self.size)
        if self.axes is None and self.size != self.dimension:
            raise ValueError(f"{self.size} bytes for {self.dimension} numbers need axes")
        if self.axes is not None and self.axes.shape != projected:
            raise ValueError(f"axes of {self.axes.shape}, not {projected}")
        if not self.scale > 0:
            raise ValueError(f"a scale of {self.scale}")

    def project(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring (n, d) vectors of the model to (n, m) unit vectors that descriptors compare with.

        Nothing is rounded: of a comparison only the stored side has to be.
        """
        return vectors if self.axes is None else unit(vectors @ self.axes)

    def encode(self, vectors: NDArray[np.float32]) -> NDArray[np.int8]:
        """Write (n, d) unit vectors as (n, m) bytes; what lies beyond the scale is cut off."""
        steps = np.rint(self.project(vectors) / np.float32(self.scale))
        coded: NDArray[np.int8] = np.clip(steps, -_LARGEST, _LARGEST).astype(np.int8)
        return coded

    def decode(self, coded: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the (n, m) float32 unit vectors that (n, m) bytes stand for."""
        # The scale drops out: lengths are one again afterwards.
        return unit(coded.astype(np.float32))

    def seen(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, d) vectors as they come back after having been stored: (n, m)."""
        return self.decode(self.encode(vectors))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of length one; a row of zeros stays one."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    scaled: NDArray[np.float32] = vectors / np.maximum(lengths, np.float32(1e-12))[:, None]
    return scaled
