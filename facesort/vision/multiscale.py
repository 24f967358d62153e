"""Detection at two scales, merged: small faces need the large one, close-ups the small one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from facesort.domain import Box
from facesort.imaging.geometry import clip_box

if TYPE_CHECKING:
    from facesort.protocols import Detection, Detector, Image, Landmarks

__all__ = ["PhotoFace", "detect_in_photo", "merge_scales"]


class Scalable(Protocol):
    """A photo that can be had at any size (`imaging.decode.OpenPhoto`)."""

    @property
    def upright_size(self) -> tuple[int, int]: ...
    def scaled(self, long_side: int) -> Image: ...


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


def detect_in_photo(
    photo: Scalable,
    detector: Detector,
    *,
    scales: tuple[int, ...],
    trusted_pixels: float,
    min_face: float,
) -> list[PhotoFace]:
    """Find the faces of a photo at several scales.

    Args:
        photo: the source of scaled pictures.
        detector: finds faces in one picture.
        scales: long sides in pixels, largest first; a photo is never enlarged.
        trusted_pixels: the detector's largest reliable face, see `merge_scales`.
        min_face: smallest shorter side of a box in full-size pixels.

    Returns:
        Faces in reading order of nothing but their score, best first.
    """
    width, height = photo.upright_size
    found: list[PhotoFace] = []
    for i, long_side in enumerate(scales):
        if i > 0 and max(width, height) <= long_side:
            continue  # the larger scale already showed the photo at this size
        picture = photo.scaled(long_side)
        enlarge = np.array([width / picture.shape[1], height / picture.shape[0]], dtype=np.float32)
        found += [
            _to_full_size(face, enlarge, (width, height)) for face in detector.detect([picture])[0]
        ]
    merged = merge_scales(found, trusted_pixels=trusted_pixels)
    return [face for face in merged if face.box.shorter_side >= min_face]


def _to_full_size(
    face: Detection,
    enlarge: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    size: tuple[int, int],
) -> PhotoFace:
    x, y = float(enlarge[0]), float(enlarge[1])
    box = Box(face.box.left * x, face.box.top * y, face.box.right * x, face.box.bottom * y)
    return PhotoFace(
        clip_box(box, *size),
        (face.landmarks * enlarge).astype(np.float32),
        face.score,
        max(face.box.width, face.box.height),
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
