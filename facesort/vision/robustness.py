"""How little an embedding moves when its crop is disturbed a little: an option of the card.

Source: Terhörst, Kolf, Damer, Kirchbuchner, Kuijper, "SER-FIQ", CVPR 2020: a network that is not
sure of a face gives it different embeddings in different forward passes. There the network is
disturbed (dropout), here the crop, because the graphs that we run have no dropout left in them.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["MOST_VIEWS", "disturbed", "robustness"]

# Degrees counter-clockwise, and pixels of a crop of 112 to the right and down, after the mirrored
# crop; the most telling one first (measured: docs/quality.md).
_MOVES = ((5.0, 0.0, 0.0), (-5.0, 0.0, 0.0), (0.0, 0.0, -4.0), (0.0, 4.0, 0.0), (0.0, -4.0, 0.0))
MOST_VIEWS = 1 + len(_MOVES)


def disturbed(crops: NDArray[np.uint8], view: int) -> NDArray[np.uint8]:
    """Return the crops of one view.

    Args:
        crops: (n, s, s, 3).
        view: from 0 to `MOST_VIEWS` - 1; 0 mirrors, the others turn or move.
    """
    import cv2  # noqa: PLC0415 - heavy

    if view == 0:
        return np.ascontiguousarray(crops[:, :, ::-1])
    size = crops.shape[1]
    turn, right, down = _MOVES[view - 1]
    matrix = np.asarray(cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), turn, 1.0))
    matrix[:, 2] += np.array([right, down]) * size / 112
    moved = np.empty_like(crops)
    for crop, into in zip(crops, moved, strict=True):
        into[:] = cv2.warpAffine(crop, matrix, (size, size))
    return moved


def robustness(views: Sequence[Vectors]) -> NDArray[np.float32]:
    """Return (n,) twice the sigmoid of the negative mean distance of all pairs of views, 0..1.

    Args:
        views: two or more (n, d) arrays of unit vectors, that of the crops themselves among them.
    """
    apart = [np.linalg.norm(one - other, axis=1) for one, other in combinations(views, 2)]
    steady: NDArray[np.float32] = (2 / (1 + np.exp(np.mean(apart, axis=0)))).astype(np.float32)
    return steady
