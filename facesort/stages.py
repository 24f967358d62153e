"""The scan pipeline: read -> decode -> detect -> align on worker threads, embed in batches on one.

Nothing here knows the catalog: tasks come in, analysed photos come out in the order of the tasks,
so that two scans of the same folder store the same things in the same order.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog.photos import NewFace, NewPhoto
from facesort.domain import FaceId, short_hash
from facesort.errors import PhotoError
from facesort.imaging.align import align, source_box
from facesort.imaging.content import content_key
from facesort.imaging.decode import open_photo, peek, read_file
from facesort.imaging.geometry import points_to_raster, to_raster
from facesort.vision.multiscale import detect_in_photo
from facesort.vision.quality import frontal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from facesort.domain import Box
    from facesort.imaging.decode import OpenPhoto
    from facesort.protocols import Detector, Embedder, Image, QualityScorer
    from facesort.vision.multiscale import PhotoFace

__all__ = ["Looked", "Pipeline", "Task", "face_id"]

# Decoded photos in memory at a time; a larger one is decoded alone.
_DECODE_BUDGET_BYTES = 600 * 2**20

# A crop is cut from at most twice its own pixels per pixel: beyond, bilinear sampling aliases.
_CROP_OVERSAMPLING = 2


@dataclass(frozen=True, slots=True)
class Task:
    """One file to look at; `number` ties the answer to the question."""

    number: int
    path: Path


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a task.

    Args:
        task: the question.
        content_key: of the file; empty when it could not be read.
        orientation: EXIF, 1..8.
        taken_at: ISO 8601 without zone as the camera wrote it, or empty.
        camera: model name, or empty.
        photo: what is to be stored; None when the content was known already, or on failure.
        error: why the photo failed or is skipped.
    """

    task: Task
    content_key: str = ""
    orientation: int = 1
    taken_at: str = ""
    camera: str = ""
    photo: NewPhoto | None = None
    error: PhotoError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A decoded and searched photo, its crops waiting for their embeddings."""

    looked: Looked
    width: int = 0
    height: int = 0
    faces: tuple[PhotoFace, ...] = ()
    crops: tuple[Image, ...] = ()


def face_id(key: str, box: Box) -> FaceId:
    """Return the id of a face: a short hash of content key and rounded raster box."""
    corners = (round(box.left), round(box.top), round(box.right), round(box.bottom))
    return FaceId("f" + short_hash(f"{key} {corners}", 12))


class Pipeline:
    """Looks at photos.

    Args:
        detector: shared by all worker threads.
        embedder: used by the calling thread only.
        quality: combines the measures of a face.
        pipeline_key: names the detector and its settings.
        scales: long sides at which a photo is searched, largest first.
        trusted_pixels: widest face the detector finds reliably.
        min_face: smallest shorter side of a face, original pixels.
        workers: threads that decode and detect.
        max_megapixels: larger photos fail.
        is_current: whether a content key needs no look any more; called on worker threads.
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        quality: QualityScorer,
        *,
        pipeline_key: str,
        scales: tuple[int, ...],
        trusted_pixels: float,
        min_face: int,
        workers: int,
        max_megapixels: float,
        is_current: Callable[[str], bool],
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._quality = quality
        self._pipeline_key = pipeline_key
        self._scales = scales
        self._trusted_pixels = trusted_pixels
        self._min_face = min_face
        self._workers = workers
        self._max_megapixels = max_megapixels
        self._is_current = is_current
        self._budget = _Budget(_DECODE_BUDGET_BYTES)
        self._batch = 32  # crops embedded together, at least, while photos keep coming

    def run(self, tasks: Iterable[Task]) -> Iterator[Looked]:
        """Answer the tasks in their order.

        Closing the generator (Ctrl-C, an error of the caller) stops the threads after the photos
        they have in hand.
        """
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="facesort-decode")
        try:
            waiting: list[_Seen] = []
            for seen in self._see_all(pool, tasks):
                waiting.append(seen)
                if sum(len(s.crops) for s in waiting) >= self._batch or len(waiting) >= 256:
                    yield from self._embed(waiting)
                    waiting = []
            yield from self._embed(waiting)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _see_all(self, pool: ThreadPoolExecutor, tasks: Iterable[Task]) -> Iterator[_Seen]:
        # Bounded: a decoded face crop is small, but 100,000 photos' crops are not.
        running: deque[Future[_Seen]] = deque()
        for task in tasks:
            running.append(pool.submit(self._see, task))
            if len(running) >= 4 * self._workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()

    def _see(self, task: Task) -> _Seen:
        """Read, decode, detect and align one photo; runs on a worker thread."""
        try:
            data = read_file(task.path)
            key = content_key(data)
            header = peek(data, name=str(task.path), max_megapixels=self._max_megapixels)
            if header.orientation is not None and self._is_current(key):
                return _Seen(Looked(task, key, header.orientation, header.taken_at, header.camera))
            with self._budget.hold(header.decoded_bytes):
                photo = open_photo(data, name=str(task.path), max_megapixels=self._max_megapixels)
                looked = Looked(task, key, photo.orientation, photo.taken_at, photo.camera)
                if self._is_current(key):
                    return _Seen(looked)
                faces = detect_in_photo(
                    photo,
                    self._detector,
                    scales=self._scales,
                    trusted_pixels=self._trusted_pixels,
                    min_face=self._min_face,
                )
                faces, crops = self._cut(photo, faces)
        except PhotoError as error:
            return _Seen(Looked(task, error=error))
        return _Seen(looked, photo.width, photo.height, tuple(faces), tuple(crops))

    def _cut(self, photo: OpenPhoto, faces: list[PhotoFace]) -> tuple[list[PhotoFace], list[Image]]:
        """Align each face from the original's pixels, however small the picture it was found in."""
        size = self._embedder.crop_size
        kept, crops = [], []
        for face in faces:
            try:
                box, pixels = source_box(face.landmarks, size)
                longest = max(box.width, box.height)
                crop = photo.crop(
                    box, max(1, round(longest / max(1.0, pixels / _CROP_OVERSAMPLING)))
                )
                offset = np.array([crop.left, crop.top], dtype=np.float32)
                points = (face.landmarks - offset) * np.float32(crop.scale)
                crops.append(align(crop.pixels, points.astype(np.float32), size))
            except ValueError:
                continue  # landmarks that coincide: no face
            kept.append(face)
        return kept, crops

    def _embed(self, waiting: list[_Seen]) -> Iterator[Looked]:
        crops = [crop for seen in waiting for crop in seen.crops]
        if crops:
            vectors, norms = self._embedder.embed(np.stack(crops))
        start = 0
        for seen in waiting:
            if seen.looked.error is not None or seen.width == 0:
                yield seen.looked
                continue
            stop = start + len(seen.faces)
            faces = (
                tuple(self._faces(seen, vectors[start:stop], norms[start:stop])) if crops else ()
            )
            start = stop
            photo = NewPhoto(
                seen.looked.content_key,
                seen.width,
                seen.height,
                seen.looked.taken_at,
                seen.looked.camera,
                self._pipeline_key,
                self._embedder.model_key,
                self._min_face,
                faces,
            )
            yield replace(seen.looked, photo=photo)

    def _faces(
        self,
        seen: _Seen,
        vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
        norms: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> Iterator[NewFace]:
        turned = (seen.width, seen.height, seen.looked.orientation)
        taken: set[FaceId] = set()
        for face, vector, norm in zip(seen.faces, vectors, norms.tolist(), strict=True):
            measures = {
                "norm": round(norm, 4),
                "pixels": round(face.box.shorter_side, 1),
                "frontal": round(frontal(face.landmarks), 4),
                "score": round(face.score, 4),
            }
            box = to_raster(face.box, *turned)
            name = face_id(seen.looked.content_key, box)
            if name in taken:
                continue  # two boxes that round to the same pixels are one face
            taken.add(name)
            yield NewFace(
                name,
                box,
                points_to_raster(face.landmarks, *turned),
                face.score,
                self._quality.score(measures),
                measures,
                vector,
            )


class _Budget:
    """Shares memory between worker threads; who needs more than all of it works alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Wait until that many bytes are free, or nobody else holds any."""
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + amount <= self._limit)
            self._used += amount
        try:
            yield
        finally:
            with self._changed:
                self._used -= amount
                self._changed.notify_all()
