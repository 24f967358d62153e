"""One photo, from its bytes to its faces and their aligned crops, at no more pixels than it takes.

A photo is first decoded just large enough for the first look. Only where faces are small it is
decoded again, in full: for the closer look, and because a crop of a small face needs every pixel.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from facesort.imaging.align import align_in, source_box
from facesort.imaging.decode import open_photo, peek
from facesort.imaging.video import open_video
from facesort.vision.measures import measure
from facesort.vision.multiscale import faces_in, merge_scales
from facesort.vision.views import checking_views, closer_views, first_views, long_side_for
from facesort.workers import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.imaging.decode import Header, OpenPhoto
    from facesort.imaging.video import Video
    from facesort.protocols import Detector
    from facesort.vision.multiscale import PhotoFace
    from facesort.vision.views import View
    from facesort.workers import StageTimes

__all__ = ["DECODED_BYTES", "Look", "Looker"]

# Photos in memory at a time, as files and decoded; a larger one is decoded alone.
DECODED_BYTES = 600 * 2**20


# Small views of a photo are searched together, up to so many pixels: each run of the detector has a
# price of its own, and large ones gain nothing.
_BATCH_PIXELS = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a look at one photo gave.

    Args:
        orientation: EXIF, 1..8.
        taken_at: ISO 8601 without zone, or empty.
        camera: model name, or empty.
        width: raster pixels, before orientation; 0 when nobody wanted to know more.
        height: likewise.
        faces: best score first, upright full-size pixels.
        crops: (len(faces), s, s, 3) RGB, aligned.
        measures: of each face, without the length of its embedding, which is not known yet.
    """

    orientation: int
    taken_at: str
    camera: str
    width: int
    height: int
    faces: tuple[PhotoFace, ...]
    crops: NDArray[np.uint8]
    measures: tuple[dict[str, float], ...]


class Looker:
    """Looks at photos. For any number of threads at once.

    Args:
        detector: may be called from several threads.
        crop_size: side of the crops that the embedder takes, pixels.
        trusted_pixels: widest face the detector finds reliably.
        min_score: from which on a detection is a face; fainter ones are looked at again.
        min_face: smallest shorter side of a face, original pixels.
        max_megapixels: larger photos fail.
        times: is told how long decoding, detecting, and aligning with measuring take.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        crop_size: int,
        trusted_pixels: float,
        min_score: float,
        min_face: int,
        max_megapixels: float,
        times: StageTimes,
    ) -> None:
        self._detector = detector
        self._crop_size = crop_size
        self._trusted_pixels = trusted_pixels
        self._min_score = min_score
        self.min_face = min_face
        self._max_megapixels = max_megapixels
        self._budget = Budget(DECODED_BYTES)
        self._times = times

    def peek(self, data: bytes, *, name: str) -> Header:
        """Read a photo's header; see `imaging.decode.peek`."""
        return peek(data, name=name, max_megapixels=self._max_megapixels)

    def look(self, data: bytes, header: Header, *, name: str, wanted: Callable[[], bool]) -> Look:
        """Decode a photo, find its faces, align and measure them.

        Args:
            data: the whole file.
            header: from `peek`.
            name: for messages.
            wanted: asked once the photo is decoded: whether its faces are still of interest.

        Raises:
            Unreadable, Unsupported, TooLarge: as `imaging.decode.open_photo`.
        """
        size = (header.width, header.height)
        first = long_side_for(first_views(size, min_face=self.min_face), size)
        with self._budget.hold(len(data) + header.decoded_bytes_at(first)):
            photo = self._open(data, name, first)
            if not wanted():
                return self._answer(photo, 0, 0, [])
            found, checks = self._first(photo)
            needed = max(size) if checks else self._side_for_crops(size, self._real(found))
            if photo.reduction <= 1 or needed * photo.reduction <= max(size):
                return self._closer(photo, size, found, checks)
            del photo
        with self._budget.hold(len(data) + header.decoded_bytes_at(needed)):
            return self._closer(self._open(data, name, needed), size, found, checks)

    @contextmanager
    def open_video(self, path: Path) -> Iterator[Video]:
        """Open a video, and hold the memory that looking at its frames takes.

        Raises:
            Unreadable, Unsupported, TooLarge: as `imaging.video.open_video`.
        """
        with (
            open_video(path, max_megapixels=self._max_megapixels) as video,
            self._budget.hold(video.decoded_bytes),
        ):
            yield video

    def look_at(self, photo: OpenPhoto) -> Look:
        """Find and align the faces of a picture that is decoded in full."""
        return self._closer(photo, (photo.width, photo.height), *self._first(photo))

    def _first(self, photo: OpenPhoto) -> tuple[list[PhotoFace], list[View]]:
        """Search the views of the first look; return what was found, and what is to be checked."""
        size = photo.upright_size
        found = self._search(photo, first_views(size, min_face=self.min_face))
        return found, checking_views(size, found, min_face=self.min_face)

    def _closer(
        self,
        photo: OpenPhoto,
        size: tuple[int, int],
        found: list[PhotoFace],
        checks: Sequence[View],
    ) -> Look:
        """Look closer where there may be small faces, and end the look."""
        checked = self._search(photo, checks)
        tiles = closer_views(
            photo.upright_size, checked, min_face=self.min_face, min_score=self._min_score
        )
        faces = self._real(found + checked + self._search(photo, tiles))
        return self._answer(photo, *size, faces)

    def _open(self, data: bytes, name: str, long_side: int | None) -> OpenPhoto:
        with self._times.measure("decode"):
            return open_photo(
                data, name=name, max_megapixels=self._max_megapixels, long_side=long_side
            )

    def _search(self, photo: OpenPhoto, views: Sequence[View]) -> list[PhotoFace]:
        found: list[PhotoFace] = []
        for alike in _batches(views):
            with self._times.measure("decode"):
                pictures = [photo.crop(view.box, max(view.size)).pixels for view in alike]
            with self._times.measure("detect"):
                detected = self._detector.detect(pictures)
            for view, detections in zip(alike, detected, strict=True):
                found += faces_in(view, detections, photo.upright_size)
        return found

    def _real(self, found: list[PhotoFace]) -> list[PhotoFace]:
        """Return each face once, without those that are too small to count."""
        sure = [face for face in found if face.score >= self._min_score]
        merged = merge_scales(sure, trusted_pixels=self._trusted_pixels)
        return [face for face in merged if face.box.shorter_side >= self.min_face]

    def _side_for_crops(self, size: tuple[int, int], faces: Sequence[PhotoFace]) -> int:
        """Say how large a photo must be decoded to have a pixel for each of its crops' pixels."""
        finest = float("inf")
        for face in faces:
            try:
                finest = min(finest, source_box(face.landmarks, self._crop_size)[1])
            except ValueError:
                continue  # landmarks that coincide: no face
        return math.ceil(max(size) / max(1.0, finest))

    def _answer(
        self, photo: OpenPhoto, width: int, height: int, faces: Sequence[PhotoFace]
    ) -> Look:
        with self._times.measure("align"):
            kept, crops = self._cut(photo, faces)
            measures = tuple(
                measure(crop, face.landmarks, face.box, face.score)
                for face, crop in zip(kept, crops, strict=True)
            )
        size = (width, height)
        return Look(
            photo.orientation, photo.taken_at, photo.camera, *size, tuple(kept), crops, measures
        )

    def _cut(
        self, photo: OpenPhoto, faces: Sequence[PhotoFace]
    ) -> tuple[list[PhotoFace], NDArray[np.uint8]]:
        """Align each face from the largest picture in hand, however small it was found in."""
        size = self._crop_size
        kept: list[PhotoFace] = []
        crops = np.empty((len(faces), size, size, 3), dtype=np.uint8)
        for face in faces:
            try:
                crops[len(kept)] = align_in(photo, face.landmarks, self._crop_size)
            except ValueError:
                continue  # landmarks that coincide: no face
            kept.append(face)
        return kept, crops[: len(kept)]


def _batches(views: Sequence[View]) -> Iterator[list[View]]:
    """Put neighbours of one size together, as many as are small enough."""
    for (width, height), alike in groupby(views, key=lambda view: view.size):
        most = max(1, _BATCH_PIXELS // (width * height))
        rest = list(alike)
        for start in range(0, len(rest), most):
            yield rest[start : start + most]
