"""How good a face is for recognition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from facesort.protocols import Landmarks

__all__ = ["NormQuality", "frontal"]


class NormQuality:
    """Quality from the embedding's length before scaling, through a table of the model card.

    The table maps lengths to 0..1 linearly between its knots, so an old face keeps its number
    whatever the rest of the library looks like.

    Args:
        lengths: knots, increasing.
        qualities: their values, increasing, 0..1.
    """

    def __init__(self, lengths: Sequence[float], qualities: Sequence[float]) -> None:
        if len(lengths) != len(qualities) or len(lengths) < 2:
            raise ValueError("the table needs as many lengths as qualities, and two at least")
        self._lengths = np.asarray(lengths, dtype=np.float64)
        self._qualities = np.asarray(qualities, dtype=np.float64)

    def score(self, measures: Mapping[str, float]) -> float:
        """Return the quality, 0..1, from `measures["norm"]`."""
        return float(np.interp(measures["norm"], self._lengths, self._qualities))


def frontal(landmarks: Landmarks) -> float:
    """Say how frontal a face is, 0..1.

    1 when the nose lies midway between the eyes, 0 when it lies at or past one of them.

    Args:
        landmarks: (5, 2) pixels; any rotation in the picture plane.
    """
    eye_line = (landmarks[1] - landmarks[0]).astype(np.float64)
    length = float(eye_line @ eye_line)
    if length < 1e-9:
        return 0.0
    along = float((landmarks[2] - landmarks[0]).astype(np.float64) @ eye_line) / length
    return float(np.clip(1 - abs(2 * along - 1), 0.0, 1.0))
