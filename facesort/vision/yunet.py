"""YuNet: a small anchor-free face detector.

Source: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research
20, 2023; the decoding of its outputs follows OpenCV's FaceDetectorYN.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import Box
from facesort.inference.session import MemoryFull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.inference.session import Session
    from facesort.protocols import Image, Landmarks

__all__ = ["FoundFace", "YuNet", "bucket", "suppress"]

_STRIDES = (8, 16, 32)
_MULTIPLE = _STRIDES[-1]
# Faint cells that count, the surest ones; a face is a handful of cells. Noise has thousands.
_MOST_FAINT_CELLS = 256

# Channels of a level: logits of being a face and of being an object, box, five points.
_LOGITS, _BOX, _POINTS = slice(0, 2), slice(2, 6), slice(6, 16)


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """One detection: box and (5, 2) landmarks in pixels of the picture, score 0..1."""

    box: Box
    landmarks: Landmarks
    score: float


def bucket(width: int, height: int) -> tuple[int, int]:
    """Return the size, in pixels, at which a picture is searched: padded to whole anchor cells.

    Pictures of one bucket can share a batch without changing what is found in any of them.
    """
    return -(-width // _MULTIPLE) * _MULTIPLE, -(-height // _MULTIPLE) * _MULTIPLE


class YuNet:
    """Finds faces of about 10 to 300 pixels; wider ones are missed or split (see `multiscale`).

    Args:
        session: the prepared graph: bytes in, dynamic in batch and size.
        min_score: geometric mean of classification and objectness below which a face is dropped.
        max_overlap: intersection over union above which the weaker of two boxes is dropped.
        faint_score: if given, some detections down to this score are returned too: what may be a
            face when it is seen closer (see `views`).
    """

    def __init__(
        self,
        session: Session,
        *,
        min_score: float,
        max_overlap: float,
        faint_score: float | None = None,
    ) -> None:
        self._session = session
        self._min_score = min_score
        self._faint_score = min_score if faint_score is None else min(faint_score, min_score)
        self._max_overlap = max_overlap
        # A score above s takes sigmoids whose product is above s^2, so each of them is.
        square = self._faint_score**2
        self._floor = math.log(square / (1 - square)) if 0 < square < 1 else -math.inf
        self._buffers = _Buffers()

    def detect(self, images: Sequence[Image]) -> list[list[FoundFace]]:
        """Return the faces of each image, best score first. Any thread may call it at any time.

        All are padded, in black at the right and the bottom, to the bucket of the widest and the
        highest. A face within some 30 pixels of an edge that is padded otherwise than alone may
        move by a fraction of a pixel; images of one bucket give what each gives alone.

        Args:
            images: (h, w, 3) RGB uint8, of any sizes.

        Raises:
            ModelError: the runtime fails. Where its memory is full the batch is halved first.
        """
        if not images:
            return []
        try:
            levels = self._session.run({self._session.inputs[0]: self._batch(images)})
        except MemoryFull:
            if len(images) == 1:
                raise
            middle = len(images) // 2
            return self.detect(images[:middle]) + self.detect(images[middle:])
        return [
            suppress(self._decode([level[i] for level in levels]), self._max_overlap)
            for i in range(len(images))
        ]

    def _batch(self, images: Sequence[Image]) -> NDArray[np.uint8]:
        """Return (n, height, width, 3): the image itself where it fits, otherwise padded copies."""
        width, height = bucket(
            max(image.shape[1] for image in images), max(image.shape[0] for image in images)
        )
        if len(images) == 1 and images[0].shape == (height, width, 3):
            return np.ascontiguousarray(images[0])[None]
        batch = self._buffers.take((len(images), height, width, 3))
        for row, image in zip(batch, images, strict=True):
            high, wide = image.shape[:2]
            row[:high, :wide] = image
            row[high:] = 0
            row[:high, wide:] = 0
        return batch

    def _decode(self, levels: Sequence[NDArray[np.float32]]) -> list[FoundFace]:
        channels = [level.reshape(len(level), -1) for level in levels]
        likely = [self._likely(level) for level in channels]
        lowest = self._lowest([certainty for _, certainty in likely])
        found = []
        for stride, level, channel, (cells, certainty) in zip(
            _STRIDES, levels, channels, likely, strict=True
        ):
            counted = certainty >= lowest
            chosen, columns = cells[counted], level.shape[2]
            corner = np.stack([chosen % columns, chosen // columns], axis=1)
            shape = channel[_BOX, chosen].T
            centre = (corner + shape[:, :2]) * stride
            half = np.exp(shape[:, 2:]) * stride / 2
            boxes = np.concatenate([centre - half, centre + half], axis=1).tolist()
            points = (
                channel[_POINTS, chosen].T.reshape(-1, 5, 2) + corner[:, None, :]
            ) * np.float32(stride)
            found += [
                FoundFace(Box(*box), point.astype(np.float32), float(score))
                for box, point, score in zip(boxes, points, certainty[counted], strict=True)
            ]
        return found

    def _likely(
        self, channels: NDArray[np.float32]
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the cells of a level that may count, and how sure each is, 0..1."""
        logits = channels[_LOGITS]
        cells = np.flatnonzero((logits >= self._floor).all(axis=0))
        return cells, np.sqrt(_sigmoid(logits[:, cells]).prod(axis=0))

    def _lowest(self, certainties: Sequence[NDArray[np.float32]]) -> float:
        """Return the score from which on cells count: all faces, and the surest faint ones."""
        faint = np.concatenate(
            [c[(c >= self._faint_score) & (c < self._min_score)] for c in certainties]
        )
        if len(faint) <= _MOST_FAINT_CELLS:
            return self._faint_score
        return float(np.partition(faint, -_MOST_FAINT_CELLS)[-_MOST_FAINT_CELLS])


class _Buffers(threading.local):
    """Memory for padded batches, one piece a thread: fresh pages cost more than filling them.

    A fresh batch of one 1920 x 1280 picture takes 2 of the detector's 34 ns a pixel (2026-11-22).
    """

    def __init__(self) -> None:
        self._bytes = np.empty(0, dtype=np.uint8)

    def take(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        size = math.prod(shape)
        if size > len(self._bytes):
            self._bytes = np.empty(size, dtype=np.uint8)
        return self._bytes[:size].reshape(shape)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    # Through tanh: no overflow for logits far below zero.
    half = np.float32(0.5)
    sigmoid: NDArray[np.float32] = half + half * np.tanh(half * logits)
    return sigmoid


def suppress(faces: list[FoundFace], max_overlap: float) -> list[FoundFace]:
    """Keep the best of overlapping boxes (greedy non-maximum suppression), best score first."""
    # Ties are broken by position, so that the result does not depend on the order of the cells.
    ordered = sorted(faces, key=lambda face: (-face.score, face.box))
    boxes = np.array(
        [(f.box.left, f.box.top, f.box.right, f.box.bottom) for f in ordered], dtype=np.float64
    ).reshape(-1, 4)
    areas = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1)
    kept: list[FoundFace] = []
    waiting = np.arange(len(ordered))
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(ordered[best])
        low = np.maximum(boxes[best, :2], boxes[waiting, :2])
        high = np.minimum(boxes[best, 2:], boxes[waiting, 2:])
        common = (high - low).clip(0).prod(axis=1)
        union = areas[best] + areas[waiting] - common
        waiting = waiting[common <= max_overlap * union]
    return kept
