"""The scan pipeline: read -> decode -> detect -> align -> embed, many photos at a time.

    reader     reads the files to come, in order            at most _READ_BYTES waiting
    workers    take one photo each from bytes to crops      at most DECODED_BYTES in hand
               (`vision.look`); or, which comes first,
               a batch of crops to vectors
    caller     gets the answers in the order of the tasks,  at most _AHEAD photos a worker
               and stores them

Every worker does either, whatever is further along, so no core waits for another. On an accelerator
the models belong to one thread of their own (`vision.owner`), to which workers hand pictures.

Nothing here knows the catalog: tasks come in, looked-at photos come out in the order of the tasks,
so that two scans of the same folder store the same things in the same order.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from facesort.catalog.photos import NewPhoto
from facesort.errors import PhotoError
from facesort.imaging.ahead import ReadAhead
from facesort.imaging.content import content_key
from facesort.imaging.decode import read_file
from facesort.imaging.formats import is_video
from facesort.imaging.video import video_key
from facesort.vision.batches import Batches, Embedded
from facesort.vision.found import faces_of_photo, faces_of_video, sightings
from facesort.vision.robustness import disturbed, robustness
from facesort.vision.tracks import find_appearances
from facesort.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.catalog.photos import NewFace
    from facesort.imaging.raster import OpenPhoto
    from facesort.imaging.video import Frame, Video
    from facesort.protocols import Embedder, QualityScorer
    from facesort.vision.found import Turned
    from facesort.vision.look import Looker
    from facesort.vision.multiscale import PhotoFace
    from facesort.vision.tracks import LinkRule, Sighting
    from facesort.workers import StageTimes

__all__ = ["Looked", "Pipeline", "Task"]

T = TypeVar("T")

# Files read ahead that no worker has taken yet; a larger one is alone.
_READ_BYTES = 64 * 2**20

# Photos begun before the answer to the first is taken, for each worker; a slow one holds back no
# more than that.
_AHEAD = 8

_EMBED, _LOOK = 0, 1  # ranks: what is further along comes first


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
    """A photo whose faces are found and aligned, waiting for their vectors.

    `width` is 0 where nothing is to be stored.
    """

    looked: Looked
    width: int = 0
    height: int = 0
    faces: tuple[PhotoFace, ...] = ()
    measures: tuple[dict[str, float], ...] = ()
    crops: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 0, 3), np.uint8))


class Pipeline:
    """Looks at photos.

    Args:
        looker: finds and aligns the faces of one photo.
        embedder: may be called from several threads.
        quality: combines the measures of a face.
        links: which faces of successive frames of a video are one person.
        pipeline_key: names the detector and its settings.
        workers: threads.
        batch: crops embedded together.
        is_current: whether a content key needs no look any more; called on worker threads.
        times: is told how long each stage keeps its threads busy.
        on_close: frees the models.
    """

    def __init__(
        self,
        looker: Looker,
        embedder: Embedder,
        quality: QualityScorer,
        *,
        links: LinkRule,
        pipeline_key: str,
        workers: int,
        batch: int,
        is_current: Callable[[str], bool],
        times: StageTimes,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._looker = looker
        self._embedder = embedder
        self._quality = quality
        self._links = links
        self._stopped = threading.Event()
        self._pipeline_key = pipeline_key
        self._workers = workers
        self._batch = batch
        self._is_current = is_current
        self._times = times
        self._on_close = on_close

    def close(self) -> None:
        """Free the models; nothing may run any more."""
        self._on_close()

    def run(self, tasks: Iterable[Task]) -> Generator[Looked, None, None]:
        """Answer the tasks in their order.

        Closing the generator (Ctrl-C, an error of the caller) stops the threads after the photos
        they have in hand.
        """
        self._stopped.clear()
        with (
            ReadAhead(_READ_BYTES, self._times) as files,
            Workers(self._workers, name="facesort") as workers,
        ):
            batches = Batches[_Seen](
                self._batch, lambda crops: workers.submit(_EMBED, partial(self._embed, crops))
            )
            # Bounded: aligned crops are small, but those of 100,000 photos are not.
            begun: deque[tuple[Task, Future[_Seen]]] = deque()
            try:
                for task in tasks:
                    begun.append((task, self._begin(task, files, workers)))
                    if len(begun) >= _AHEAD * self._workers:
                        yield from self._next(*begun.popleft(), batches)
                while begun:
                    yield from self._next(*begun.popleft(), batches)
                yield from self._answers(batches, all_of_them=True)
            finally:
                self._stopped.set()  # else a video would keep its thread for minutes

    def run_alone(self, tasks: Iterable[Task]) -> Generator[Looked, None, None]:
        """Answer the tasks on the calling thread, one step after the other.

        The answers are those of `run`; the times are those of each stage on its own.
        """
        self._stopped.clear()
        batches = Batches[_Seen](self._batch, lambda crops: _done(self._embed(crops)))
        for task in tasks:
            if is_video(task.path.name):
                yield from self._next(task, _done(self._see_video(task)), batches)
            else:
                seen = self._see(task, partial(self._read, task.path))
                yield from self._next(task, _done(seen), batches)
        yield from self._answers(batches, all_of_them=True)

    def _begin(self, task: Task, files: ReadAhead, workers: Workers) -> Future[_Seen]:
        if is_video(task.path.name):  # reads by itself: it may exceed all memory
            return workers.submit(_LOOK, partial(self._see_video, task))
        return workers.submit(_LOOK, partial(self._see, task, files.begin(task.path).take))

    def _next(self, task: Task, coming: Future[_Seen], batches: Batches[_Seen]) -> Iterator[Looked]:
        """Take in the next photo, and answer those whose vectors are there."""
        if is_video(task.path.name):
            # It may take minutes: nobody waits that long for a batch to fill up.
            yield from self._answers(batches, all_of_them=True)
        seen = coming.result()
        batches.add(seen, seen.crops)
        yield from self._answers(batches, all_of_them=False)

    def _answers(self, batches: Batches[_Seen], *, all_of_them: bool) -> Iterator[Looked]:
        if all_of_them:
            batches.flush()
        while answer := batches.next_answer(wait=all_of_them):
            yield self._looked(*answer)

    def _read(self, path: Path) -> bytes:
        with self._times.measure("read"):
            return read_file(path)

    def _see(self, task: Task, read: Callable[[], bytes]) -> _Seen:
        """Take one photo from its bytes to its crops."""
        try:
            return self._seen(task, read())
        except PhotoError as error:
            return _Seen(Looked(task, error=error))

    def _seen(self, task: Task, data: bytes) -> _Seen:
        name = str(task.path)
        with self._times.measure("read"):
            key = content_key(data)
            header = self._looker.peek(data, name=name)
        if header.orientation is not None and self._is_current(key):
            return _Seen(Looked(task, key, header.orientation, header.taken_at, header.camera))
        look = self._looker.look(data, header, name=name, wanted=lambda: not self._is_current(key))
        looked = Looked(task, key, look.orientation, look.taken_at, look.camera)
        return _Seen(looked, look.width, look.height, look.faces, look.measures, look.crops)

    def _see_video(self, task: Task) -> _Seen:
        """Take one video from its frames to the vectors of all who appear in it."""
        try:
            with self._times.measure("read"):
                key = video_key(task.path, self._stopped.is_set)
            with self._looker.open_video(task.path) as video:
                looked = Looked(task, key, video.orientation, video.taken_at, video.camera)
                if self._is_current(key):
                    return _Seen(looked)
                found = find_appearances(self._frames(video), self._sightings, self._links)
                turned = (video.width, video.height, video.orientation)
                return _Seen(self._with_faces(looked, turned, faces_of_video(key, turned, found)))
        except PhotoError as error:
            return _Seen(Looked(task, error=error))

    def _frames(self, video: Video) -> Iterator[Frame]:
        frames = video.frames()
        while True:
            if self._stopped.is_set():
                raise CancelledError
            with self._times.measure("decode"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def _sightings(self, photo: OpenPhoto) -> list[Sighting]:
        look = self._looker.look_at(photo)
        if not look.faces:
            return []
        return sightings(look.faces, look.measures, self._embed(look.crops), self._quality)

    def _embed(self, crops: NDArray[np.uint8]) -> Embedded:
        with self._times.measure("embed"):
            found = Embedded(*self._embedder.embed(crops))
            views = range(self._quality.robustness_views)
            others = [self._embedder.embed(disturbed(crops, view))[0] for view in views]
            if not others:
                return found
            return found._replace(robustness=robustness([found.vectors, *others]))

    def _looked(self, seen: _Seen, embedded: Embedded) -> Looked:
        looked = seen.looked
        if seen.width == 0:
            return looked
        turned = (seen.width, seen.height, looked.orientation)
        found = sightings(seen.faces, seen.measures, embedded, self._quality)
        return self._with_faces(looked, turned, faces_of_photo(looked.content_key, turned, found))

    def _with_faces(self, looked: Looked, turned: Turned, faces: tuple[NewFace, ...]) -> Looked:
        photo = NewPhoto(
            looked.content_key,
            *turned[:2],
            looked.taken_at,
            looked.camera,
            self._pipeline_key,
            self._embedder.model_key,
            self._looker.min_face,
            faces,
        )
        return replace(looked, photo=photo)


def _done(result: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(result)
    return future
