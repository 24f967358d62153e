"""Finds the batch at which an accelerator works best."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from facesort.inference.session import MemoryFull

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["best_batch", "seconds_of"]

# A larger batch must do this much more a second to be worth its memory.
_GAIN = 1.05


def best_batch(seconds: Callable[[int], float], *, smallest: int, largest: int) -> int:
    """Double the batch for as long as it pays.

    Args:
        seconds: runs a batch of that size and says how long it took.
        smallest: what is tried first.
        largest: what is never exceeded.

    Returns:
        The size with the best throughput of those tried; less than `smallest` only where that did
        not fit into memory.

    Raises:
        MemoryFull: not even a batch of one fits.
    """
    size = smallest
    while True:
        try:
            best, rate = size, size / seconds(size)
            break
        except MemoryFull:
            if size == 1:
                raise
            size = max(1, size // 2)
    if size < smallest:
        return best  # twice as much did not fit
    while 2 * best <= largest:
        try:
            faster = 2 * best / seconds(2 * best)
        except MemoryFull:
            break
        if faster < rate * _GAIN:
            break
        best, rate = 2 * best, faster
    return best


def seconds_of(run: Callable[[], object], *, turns: int = 2) -> float:
    """Time something: the best of some turns, after one in which the runtime prepares itself."""
    run()
    taken = []
    for _ in range(turns):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return max(min(taken), 1e-9)
