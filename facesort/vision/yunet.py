"""YuNet: a small anchor-free face detector.

Source: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research
20, 2023; the decoding of its outputs follows OpenCV's FaceDetectorYN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.inference.session import Session
    from facesort.protocols import Image, Landmarks

__all__ = ["FoundFace", "YuNet", "suppress"]

_STRIDES = (8, 16, 32)
_MULTIPLE = (
    32  # of the coarsest stride: other sizes are padded in black at the right and the bottom
)


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """One detection: box and (5, 2) landmarks in pixels of the picture, score 0..1."""

    box: Box
    landmarks: Landmarks
    score: float


class YuNet:
    """Finds faces of about 10 to 300 pixels; wider ones are missed or split (see `multiscale`).

    Args:
        session: the prepared graph, dynamic in batch and size.
        min_score: geometric mean of classification and objectness below which a face is dropped.
        max_overlap: intersection over union above which the weaker of two boxes is dropped.
    """

    def __init__(self, session: Session, *, min_score: float, max_overlap: float) -> None:
        self._session = session
        self._min_score = min_score
        self._max_overlap = max_overlap

    def detect(self, images: Sequence[Image]) -> list[list[FoundFace]]:
        """Return the faces of each image, best score first.

        Args:
            images: (h, w, 3) RGB uint8, all of one size.

        Raises:
            ValueError: the images differ in size.
        """
        if not images:
            return []
        height, width = images[0].shape[:2]
        if any(image.shape[:2] != (height, width) for image in images):
            raise ValueError("a batch holds images of one size")
        padded_height = -(-height // _MULTIPLE) * _MULTIPLE
        padded_width = -(-width // _MULTIPLE) * _MULTIPLE
        batch = np.zeros((len(images), 3, padded_height, padded_width), dtype=np.float32)
        for row, image in zip(batch, images, strict=True):
            row[:, :height, :width] = image[:, :, ::-1].transpose(2, 0, 1)  # trained on BGR
        outputs = dict(
            zip(
                self._session.outputs,
                self._session.run({self._session.inputs[0]: batch}),
                strict=True,
            )
        )
        return [
            suppress(
                self._decode({k: v[i] for k, v in outputs.items()}, padded_width),
                self._max_overlap,
            )
            for i in range(len(images))
        ]

    def _decode(self, outputs: Mapping[str, NDArray[np.float32]], width: int) -> list[FoundFace]:
        found = []
        for stride in _STRIDES:
            certainty = np.sqrt(
                outputs[f"cls_{stride}"][:, 0].clip(0, 1)
                * outputs[f"obj_{stride}"][:, 0].clip(0, 1)
            )
            cells = np.flatnonzero(certainty >= self._min_score)
            if not len(cells):
                continue
            corner = np.stack([cells % (width // stride), cells // (width // stride)], axis=1)
            shape = outputs[f"bbox_{stride}"][cells]
            centre = (corner + shape[:, :2]) * stride
            half = np.exp(shape[:, 2:]) * stride / 2
            boxes = np.concatenate([centre - half, centre + half], axis=1).tolist()
            points = (
                outputs[f"kps_{stride}"][cells].reshape(-1, 5, 2) + corner[:, None, :]
            ) * np.float32(stride)
            found += [
                FoundFace(Box(*box), point.astype(np.float32), float(score))
                for box, point, score in zip(boxes, points, certainty[cells], strict=True)
            ]
        return found


def suppress(faces: list[FoundFace], max_overlap: float) -> list[FoundFace]:
    """Keep the best of overlapping boxes (greedy non-maximum suppression), best score first."""
    kept: list[FoundFace] = []
    # Ties are broken by position, so that the result does not depend on the order of the cells.
    for face in sorted(faces, key=lambda face: (-face.score, face.box)):
        if all(face.box.overlap(other.box) <= max_overlap for other in kept):
            kept.append(face)
    return kept
