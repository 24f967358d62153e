"""Threads that take the most advanced step first, and the memory that they share."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from queue import PriorityQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

__all__ = ["Budget", "StageTimes", "Workers"]

T = TypeVar("T")


class _Step(Generic[T]):
    """Something to do, and where its result goes."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.result: Future[T] = Future()

    def run(self) -> None:
        if not self.result.set_running_or_notify_cancel():
            return
        try:
            self.result.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self.result.set_exception(error)


class Workers:
    """Runs steps on a fixed number of threads; of those that wait, the lowest rank comes first.

    Every thread can do every step, so none is idle while there is anything to do, and what has been
    begun is finished before more is begun. Use it as a context manager: at its end, steps that have
    not begun are cancelled and the others are waited for.

    Args:
        count: threads.
        name: of the threads.
    """

    _LAST = 1 << 30  # ranks below every step's

    def __init__(self, count: int, *, name: str) -> None:
        self._numbers = itertools.count()  # equal ranks: first come, first served
        self._queue: PriorityQueue[tuple[int, int, _Step[object] | None]] = PriorityQueue()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{i}", daemon=True)
            for i in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        for _ in self._threads:
            self._queue.put((self._LAST, next(self._numbers), None))
        for thread in self._threads:
            thread.join()

    def submit(self, rank: int, work: Callable[[], T]) -> Future[T]:
        """Have a step done.

        Args:
            rank: lower ones come first.
            work: what to do; what it raises is raised by the future.
        """
        step: _Step[T] = _Step(work)
        self._queue.put((rank, next(self._numbers), step))  # type: ignore[arg-type]  # any result
        return step.result

    def _work(self) -> None:
        while True:
            _, _, step = self._queue.get()
            if step is None:
                return
            if self._closing.is_set():
                step.result.cancel()
            else:
                step.run()


class Budget:
    """Shares memory between threads; who needs more than all of it works alone.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._used = 0
        self._changed = threading.Condition()

    def acquire(self, amount: int) -> None:
        """Wait until that many bytes are free, or nobody else holds any; and hold them."""
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + amount <= self._limit)
            self._used += amount

    def release(self, amount: int) -> None:
        """Give back what was acquired, from any thread."""
        with self._changed:
            self._used -= amount
            self._changed.notify_all()

    def lift(self) -> None:
        """Let everybody pass from now on."""
        with self._changed:
            self._limit = float("inf")
            self._changed.notify_all()

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Hold that many bytes for a block."""
        self.acquire(amount)
        try:
            yield
        finally:
            self.release(amount)


class StageTimes:
    """Adds up how long each stage kept its threads busy. For any thread.

    Args:
        clock: seconds; the default counts what passes, waiting for a core included. Where one
            thread does everything, `time.process_time` counts what the processors did.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count the time of a block."""
        started = self._clock()
        try:
            yield
        finally:
            passed = self._clock() - started
            with self._lock:
                self._seconds[stage] = self._seconds.get(stage, 0.0) + passed

    @property
    def seconds(self) -> dict[str, float]:
        """Stage to seconds, over all threads."""
        with self._lock:
            return dict(self._seconds)
