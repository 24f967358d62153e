"""Full batches of crops, from photos that have a few each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["Batches", "Embedded"]

# Photos whose crops wait for a batch to fill up; beyond, it is run as it is.
_MOST_WAITING = 16

P = TypeVar("P")


class Embedded(NamedTuple):
    """What embedding gives for n crops.

    Args:
        vectors: (n, d) unit length.
        norms: (n,) lengths before scaling.
        robustness: (n,) 0..1 where the card asks for it (`vision.robustness`).
    """

    vectors: Vectors
    norms: NDArray[np.float32]
    robustness: NDArray[np.float32] | None = None

    def take(self, rows: slice) -> Embedded:
        """Return some of them."""
        steady = None if self.robustness is None else self.robustness[rows]
        return Embedded(self.vectors[rows], self.norms[rows], steady)

    @classmethod
    def joined(cls, parts: Sequence[Embedded]) -> Embedded:
        """Return them one after the other."""
        if not parts:
            return cls(np.empty((0, 0), np.float32), np.empty(0, np.float32))
        steady = [part.robustness for part in parts if part.robustness is not None]
        return cls(
            np.concatenate([part.vectors for part in parts]),
            np.concatenate([part.norms for part in parts]),
            np.concatenate(steady) if len(steady) == len(parts) else None,
        )


class Batches(Generic[P]):
    """Gathers crops of successive photos into full batches, and hands each photo its vectors.

    Which crops share a batch depends on the photos alone, not on which thread was faster.

    Args:
        size: crops in a batch.
        start: begins to embed one.
    """

    def __init__(self, size: int, start: Callable[[NDArray[np.uint8]], Future[Embedded]]) -> None:
        self._size = size
        self._start = start
        self._photos: deque[tuple[P, list[_Part]]] = deque()  # oldest first
        self._open: list[_Part] = []  # of the batch that is not full yet
        self._unbatched = 0  # photos since that batch was begun

    def add(self, photo: P, crops: NDArray[np.uint8]) -> None:
        """Take in the next photo and its crops, (n, s, s, 3)."""
        parts: list[_Part] = []
        start = 0
        while start < len(crops):
            room = self._size - sum(len(part.crops) for part in self._open)
            part = _Part(crops[start : start + room])
            parts.append(part)
            self._open.append(part)
            start += len(part.crops)
            if len(part.crops) == room:
                self.flush()
        self._photos.append((photo, parts))
        self._unbatched += bool(self._open)
        if self._unbatched >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Embed what there is, although the batch is not full."""
        self._unbatched = 0
        if not self._open:
            return
        parts = [part.crops for part in self._open]
        batch = self._start(parts[0] if len(parts) == 1 else np.concatenate(parts))
        row = 0
        for part in self._open:
            part.batch, part.row = batch, row
            row += len(part.crops)
        self._open = []

    def next_answer(self, *, wait: bool) -> tuple[P, Embedded] | None:
        """Return the oldest photo with its vectors; None when there is none, or not yet.

        Args:
            wait: for its batches.
        """
        if not self._photos:
            return None
        photo, parts = self._photos[0]
        if not wait and not all(part.is_done for part in parts):
            return None
        self._photos.popleft()
        return photo, Embedded.joined([part.rows() for part in parts])


@dataclass(slots=True, eq=False)
class _Part:
    """Crops of one photo in one batch."""

    crops: NDArray[np.uint8]
    batch: Future[Embedded] | None = None
    row: int = 0

    @property
    def is_done(self) -> bool:
        return self.batch is not None and self.batch.done()

    def rows(self) -> Embedded:
        if self.batch is None:
            raise RuntimeError("its batch has not been begun: flush first")
        return self.batch.result().take(slice(self.row, self.row + len(self.crops)))
