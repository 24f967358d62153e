"""Reads files before they are needed, so that no core waits for the drive."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.imaging.decode import read_file
from facesort.workers import Budget, StageTimes

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType
    from typing import Self

__all__ = ["ComingFile", "ReadAhead"]


@dataclass(frozen=True, slots=True)
class ComingFile:
    """A file that is being read, or will be."""

    content: Future[tuple[bytes, int]]
    budget: Budget

    def take(self) -> bytes:
        """Wait for the file; from then on its bytes are the caller's. To be called once.

        Raises:
            Unreadable, TooLarge: as `imaging.decode.read_file`.
        """
        data, held = self.content.result()
        self.budget.release(held)
        return data


class ReadAhead:
    """Reads files on a thread of its own, in the order in which they are asked for.

    One thread: were there two, a large file could wait for memory that holds later ones, while
    everybody waits for it. Use it as a context manager; at its end, nobody may wait for a file.

    Args:
        limit: bytes that wait to be taken; a larger file waits alone.
        times: is told how long reading takes.
    """

    def __init__(self, limit: int, times: StageTimes) -> None:
        self._budget = Budget(limit)
        self._times = times
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="facesort-read")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._budget.lift()  # what was read for nobody holds its bytes for ever
        self._thread.shutdown(wait=True, cancel_futures=True)

    def begin(self, path: Path) -> ComingFile:
        """Have a file read when its turn comes."""
        return ComingFile(self._thread.submit(self._read, path), self._budget)

    def _read(self, path: Path) -> tuple[bytes, int]:
        size = 0
        with contextlib.suppress(OSError):  # reading says why
            size = path.stat().st_size
        self._budget.acquire(size)
        try:
            with self._times.measure("read"):
                return read_file(path), size
        except BaseException:
            self._budget.release(size)
            raise
