"""Boxes, points and similarity transforms. Pure numpy.

Orientation is EXIF's, 1..8: how the raster must be turned to stand upright.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from facesort.domain import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.protocols import Landmarks

__all__ = [
    "clip_box",
    "fit_similarity",
    "points_to_raster",
    "points_to_upright",
    "scale_box",
    "swaps_axes",
    "to_raster",
    "to_upright",
    "upright_size",
]

_Coordinate = TypeVar("_Coordinate", float, "NDArray[np.float32]")

# Orientation that undoes each orientation: only the two quarter turns differ from themselves.
_INVERSE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def swaps_axes(orientation: int) -> bool:
    """Whether width and height change places when the raster is turned upright."""
    return orientation in {5, 6, 7, 8}


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return (width, height) of the upright picture made from a raster of that size.

    Being its own inverse, it also maps upright sizes to raster sizes.
    """
    return (height, width) if swaps_axes(orientation) else (width, height)


def points_to_upright(
    points: NDArray[np.float32], width: float, height: float, orientation: int
) -> NDArray[np.float32]:
    """Turn (n, 2) x, y points of a raster of that size into upright pixels."""
    x, y = points[:, 0], points[:, 1]
    return np.stack(_turn(x, y, width, height, orientation), axis=1).astype(np.float32)


def points_to_raster(
    points: NDArray[np.float32], width: float, height: float, orientation: int
) -> NDArray[np.float32]:
    """Turn (n, 2) upright points back; `width` and `height` are the raster's."""
    up_width, up_height = (height, width) if swaps_axes(orientation) else (width, height)
    return points_to_upright(points, up_width, up_height, _INVERSE[orientation])


def _turn(
    x: _Coordinate, y: _Coordinate, width: float, height: float, orientation: int
) -> tuple[_Coordinate, _Coordinate]:
    """Turn x and y, numbers or arrays, of a raster of that size.

    Source: the eight cases of EXIF 2.3, tag 0x0112, in continuous coordinates (a pixel's area, not
    its centre), so that half-open boxes map onto half-open boxes.
    """
    return {
        1: (x, y),
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }[orientation]


def _turn_box(box: Box, width: float, height: float, orientation: int) -> Box:
    # Not by way of float32 points: a stored box would differ from the one that was found.
    left, top = _turn(box.left, box.top, width, height, orientation)
    right, bottom = _turn(box.right, box.bottom, width, height, orientation)
    return Box(min(left, right), min(top, bottom), max(left, right), max(top, bottom))


def to_upright(box: Box, width: float, height: float, orientation: int) -> Box:
    """Turn a box of a raster of that size into upright pixels."""
    return _turn_box(box, width, height, orientation)


def to_raster(box: Box, width: float, height: float, orientation: int) -> Box:
    """Turn an upright box back into raster pixels; `width` and `height` are the raster's."""
    up_width, up_height = (height, width) if swaps_axes(orientation) else (width, height)
    return _turn_box(box, up_width, up_height, _INVERSE[orientation])


def clip_box(box: Box, width: float, height: float) -> Box:
    """Cut a box to the picture; the result may be empty."""
    return Box(
        min(max(box.left, 0.0), width),
        min(max(box.top, 0.0), height),
        min(max(box.right, 0.0), width),
        min(max(box.bottom, 0.0), height),
    )


def scale_box(box: Box, factor: float) -> Box:
    """Multiply all coordinates."""
    return Box(box.left * factor, box.top * factor, box.right * factor, box.bottom * factor)


def fit_similarity(source: Landmarks, target: Landmarks) -> NDArray[np.float64]:
    """Fit the rotation, uniform scale and shift that best map source onto target.

    Args:
        source: (n, 2) points.
        target: (n, 2) points.

    Returns:
        (2, 3) affine matrix, as cv2.warpAffine takes it; it never mirrors.

    Raises:
        ValueError: all source points coincide, so that no scale can be found.

    Source: Umeyama, IEEE TPAMI 13(4), 1991, eq. 38-43.
    """
    src = np.asarray(source, dtype=np.float64)
    dst = np.asarray(target, dtype=np.float64)
    src_mean, dst_mean = src.mean(axis=0), dst.mean(axis=0)
    src_centred, dst_centred = src - src_mean, dst - dst_mean
    variance = float((src_centred**2).sum()) / len(src)
    if variance < 1e-12:
        raise ValueError("the landmarks coincide")
    u, singular, vt = np.linalg.svd(dst_centred.T @ src_centred / len(src))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = (u * sign) @ vt
    scale = float((singular * sign).sum()) / variance
    matrix = np.empty((2, 3))
    matrix[:, :2] = scale * rotation
    matrix[:, 2] = dst_mean - scale * rotation @ src_mean
    return matrix
