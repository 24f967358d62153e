"""One thread owns the models of an accelerator; other threads hand it pictures and crops.

While a batch runs, requests collect; those that wait for the same model become the next batch. So
batches grow with the load, and nobody waits for one to fill up. A batch of pictures holds one size
bucket only, so that what is found does not depend on who else was asking.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.vision.yunet import bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Detection, Detector, Embedder, Image, Vectors

__all__ = ["ModelOwner"]


class _Line:
    """The requests that wait for one model, oldest first.

    Args:
        run: answers several requests at once.
        most: pictures or crops in a batch, unless one request alone has more.
        kind: of a request; those of one batch are of the same.
    """

    # Any: pictures and lists of faces in one line, crops and vectors in the other.
    def __init__(
        self,
        run: Callable[[list[Any]], list[Any]],
        most: int,
        kind: Callable[[Any], object] = lambda _: None,
    ) -> None:
        self._run = run
        self._most = most
        self._kind = kind
        self.waiting: deque[tuple[Any, Future[Any]]] = deque()

    def take(self) -> list[tuple[Any, Future[Any]]]:
        """Take the next batch out of the line: the oldest request, and others of its kind."""
        first = self.waiting.popleft()
        batch, left = [first], deque[tuple[Any, Future[Any]]]()
        kind, size = self._kind(first[0]), len(first[0])
        for asked in self.waiting:
            if size + len(asked[0]) <= self._most and self._kind(asked[0]) == kind:
                batch.append(asked)
                size += len(asked[0])
            else:
                left.append(asked)
        self.waiting = left
        return batch

    def answer(self, batch: list[tuple[Any, Future[Any]]]) -> None:
        """Run a batch; what the model raises, everybody in it gets."""
        try:
            answers = self._run([request for request, _ in batch])
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is asked for
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), result in zip(batch, answers, strict=True):
            future.set_result(result)


class ModelOwner:
    """Runs a detector and an embedder on a thread of its own, for any number of other threads.

    `detector` and `embedder` stand in for them: they take what the models take, and return when the
    answer is there.

    Args:
        detector: used on that thread only.
        embedder: likewise.
        detect_batch: pictures in a batch.
        embed_batch: crops in a batch.
    """

    def __init__(
        self, detector: Detector, embedder: Embedder, *, detect_batch: int, embed_batch: int
    ) -> None:
        self._changed = threading.Condition()
        self._closed = False
        pictures = _Line(
            lambda asked: _detect(detector, asked), detect_batch, lambda images: _bucket(images[0])
        )
        crops = _Line(lambda asked: _embed(embedder, asked), embed_batch)
        self._lines = (crops, pictures)  # the later step first: it frees memory
        self.detector: Detector = _OwnedDetector(lambda images: self._ask(pictures, images))
        self.embedder: Embedder = _OwnedEmbedder(
            embedder, lambda faces: self._ask(crops, faces).result()
        )
        self._thread = threading.Thread(target=self._work, name="facesort-models", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _ask(self, line: _Line, request: Any) -> Future[Any]:  # noqa: ANN401 - see _Line
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the models' thread has ended")
            line.waiting.append((request, future))
            self._changed.notify_all()
        return future

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or any(line.waiting for line in self._lines)
                )
                line = next((line for line in self._lines if line.waiting), None)
                if line is None:
                    return
                batch = line.take()
            line.answer(batch)


def _bucket(image: Image) -> tuple[int, int]:
    return bucket(image.shape[1], image.shape[0])


def _detect(
    detector: Detector, asked: list[Sequence[Image]]
) -> list[Sequence[Sequence[Detection]]]:
    found = detector.detect([image for images in asked for image in images])
    return _split(found, [len(images) for images in asked])


def _embed(
    embedder: Embedder, asked: list[NDArray[np.uint8]]
) -> list[tuple[Vectors, NDArray[np.float32]]]:
    vectors, norms = embedder.embed(asked[0] if len(asked) == 1 else np.concatenate(asked))
    sizes = [len(crops) for crops in asked]
    return list(zip(_split(vectors, sizes), _split(norms, sizes), strict=True))


def _split(whole: Any, sizes: list[int]) -> list[Any]:  # noqa: ANN401 - a list or an array
    ends = np.cumsum(sizes).tolist()
    return [whole[end - size : end] for size, end in zip(sizes, ends, strict=True)]


class _OwnedDetector:
    # Any: what is found, in lists.
    def __init__(self, ask: Callable[[Sequence[Image]], Future[Any]]) -> None:
        self._ask = ask

    def detect(self, images: Sequence[Image]) -> Sequence[Sequence[Detection]]:
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, image in enumerate(images):
            alike[_bucket(image)].append(place)
        asked = [(places, self._ask([images[i] for i in places])) for places in alike.values()]
        found: dict[int, Sequence[Detection]] = {}
        for places, answer in asked:
            found.update(zip(places, answer.result(), strict=True))
        return [found[place] for place in range(len(images))]


class _OwnedEmbedder:
    def __init__(
        self,
        embedder: Embedder,
        ask: Callable[[NDArray[np.uint8]], tuple[Vectors, NDArray[np.float32]]],
    ) -> None:
        self.model_key = embedder.model_key
        self.crop_size = embedder.crop_size
        self._embedder = embedder
        self._ask = ask

    def embed(self, crops: NDArray[np.uint8]) -> tuple[Vectors, NDArray[np.float32]]:
        return self._ask(crops) if len(crops) else self._embedder.embed(crops)
