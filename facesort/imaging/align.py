"""The five-point crop that embedders are trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import Box
from facesort.imaging.geometry import fit_similarity

if TYPE_CHECKING:
    from facesort.imaging.raster import OpenPhoto
    from facesort.protocols import Image, Landmarks

__all__ = ["TEMPLATE", "TEMPLATE_SIZE", "align", "align_in", "source_box"]

# Where the eyes, nose tip and mouth corners of a 112 x 112 crop lie: the ArcFace template
# (insightface, utils/face_align.py), which SFace is trained on too.
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ],
    dtype=np.float32,
)
TEMPLATE_SIZE = 112

# A crop is sampled from at most twice its own pixels per pixel: beyond, bilinear sampling aliases.
_OVERSAMPLING = 2


def source_box(landmarks: Landmarks, size: int = TEMPLATE_SIZE) -> tuple[Box, float]:
    """Say which part of the photo a crop is made from.

    Args:
        landmarks: (5, 2) upright pixels.
        size: side of the crop in pixels.

    Returns:
        The upright box that holds all four corners of the crop, and the photo's pixels per crop
        pixel.

    Raises:
        ValueError: the landmarks coincide.
    """
    matrix = fit_similarity(landmarks, TEMPLATE * (size / TEMPLATE_SIZE))
    inverse = np.linalg.inv(matrix[:, :2])
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], dtype=np.float64)
    x, y = (inverse @ (corners - matrix[:, 2]).T).tolist()
    pixels = float(1.0 / np.sqrt(np.linalg.det(matrix[:, :2])))
    return Box(min(x) - pixels, min(y) - pixels, max(x) + pixels, max(y) + pixels), pixels


def align(image: Image, landmarks: Landmarks, size: int = TEMPLATE_SIZE) -> Image:
    """Cut an upright, scaled face out of a picture.

    The picture should hold between one and two of its own pixels per pixel of the crop: bilinear
    sampling of a larger one aliases. Beyond its edges the picture is continued in black, as in
    training.

    Args:
        image: (h, w, 3) RGB.
        landmarks: (5, 2) pixels of that image.
        size: side of the crop in pixels.

    Returns:
        (size, size, 3) RGB uint8.

    Raises:
        ValueError: the landmarks coincide.
    """
    import cv2  # noqa: PLC0415 - heavy

    matrix = fit_similarity(landmarks, TEMPLATE * (size / TEMPLATE_SIZE))
    crop: Image = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    ).astype(np.uint8, copy=False)
    return crop


def align_in(photo: OpenPhoto, landmarks: Landmarks, size: int = TEMPLATE_SIZE) -> Image:
    """Cut an upright, scaled face out of a photo, from as many of its pixels as the crop can use.

    Args:
        photo: decoded with at least a pixel for each of the crop's.
        landmarks: (5, 2) upright full-size pixels.
        size: side of the crop in pixels.

    Returns:
        (size, size, 3) RGB uint8.

    Raises:
        ValueError: the landmarks coincide.
        Unreadable: the pixels cannot be converted (no memory).
    """
    box, pixels = source_box(landmarks, size)
    longest = max(box.width, box.height) / max(1.0, pixels / _OVERSAMPLING)
    patch = photo.patch(box, max(1, round(longest)))
    corner = np.array([patch.left, patch.top])
    points = ((landmarks - corner) * patch.scale).astype(np.float32)
    return align(patch.pixels, points, size)
