"""Merges what was seen at several scales: small faces need a large one, close-ups a small one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import Box
from facesort.imaging.geometry import clip_box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.protocols import Detection, Landmarks
    from facesort.vision.views import View

__all__ = ["PhotoFace", "faces_in", "merge_scales"]

# A box that ends this close to the inner edge of a view is cut there, in sides of the box.
_CUT_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class PhotoFace:
    """One face in upright, full-size pixels.

    Args:
        box: clipped to the photo.
        landmarks: (5, 2), not clipped: a face cut by the frame has its mouth outside.
        score: the detector's.
        seen_pixels: longer side of the box at the scale it was detected at.
    """

    box: Box
    landmarks: Landmarks
    score: float
    seen_pixels: float


def faces_in(
    view: View, detections: Iterable[Detection], upright_size: tuple[int, int]
) -> list[PhotoFace]:
    """Bring what a detector found in a view's picture to full-size pixels.

    Args:
        view: what was searched.
        detections: in pixels of its picture.
        upright_size: (width, height) of the photo.

    Returns:
        In the same order, without the faces that an inner edge of a tile cuts.
    """
    enlarge = np.array(
        [view.box.width / view.size[0], view.box.height / view.size[1]], dtype=np.float32
    )
    corner = np.array([view.box.left, view.box.top], dtype=np.float32)
    x, y = float(enlarge[0]), float(enlarge[1])
    left, top = view.box.left, view.box.top
    return [
        PhotoFace(
            clip_box(
                Box(
                    left + face.box.left * x,
                    top + face.box.top * y,
                    left + face.box.right * x,
                    top + face.box.bottom * y,
                ),
                *upright_size,
            ),
            (face.landmarks * enlarge + corner).astype(np.float32),
            face.score,
            max(face.box.width, face.box.height),
        )
        for face in detections
        if not _is_cut(face.box, view, upright_size)
    ]


def _is_cut(box: Box, view: View, upright_size: tuple[int, int]) -> bool:
    """Whether a box reaches an edge of the view that is not the photo's own.

    What is cut off there is seen whole in the neighbouring view, or was by the first look.
    """
    width, height = view.size
    margin = _CUT_SHARE * max(box.width, box.height)
    return (
        (view.box.left > 0 and box.left < margin)
        or (view.box.top > 0 and box.top < margin)
        or (view.box.right < upright_size[0] and box.right > width - margin)
        or (view.box.bottom < upright_size[1] and box.bottom > height - margin)
    )


def merge_scales(faces: list[PhotoFace], *, trusted_pixels: float) -> list[PhotoFace]:
    """Keep one detection of each face.

    A face above `trusted_pixels` at its scale may be half of one: it yields to whatever another
    scale saw there. Among the rest the better score wins. A box most of which lies in a kept one is
    a part of that face, unless both are of similar size (two cheeks together).

    Args:
        faces: from all scales, full-size pixels.
        trusted_pixels: YuNet: about 300 (measured on sample photos: wider faces are missed or
            split).

    Returns:
        Best score first.
    """
    kept: list[PhotoFace] = []
    order = sorted(faces, key=lambda f: (f.seen_pixels > trusted_pixels, -f.score, f.box))
    for face in order:
        if not any(_same_face(face.box, other.box) for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda f: (-f.score, f.box))


def _same_face(one: Box, other: Box) -> bool:
    if one.overlap(other) > 0.4:
        return True
    common = (
        Box(
            max(one.left, other.left),
            max(one.top, other.top),
            min(one.right, other.right),
            min(one.bottom, other.bottom),
        ).area
        if one.left < other.right and other.left < one.right
        else 0.0
    )
    smaller = min(one.area, other.area)
    return smaller > 0 and common / smaller > 0.75
