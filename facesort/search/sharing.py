"""Shares blocks of work out to the processor's cores, one BLAS thread each."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["share"]

T = TypeVar("T")

_MOST_THREADS = 8  # what the interpreter does between two products leaves no work for more


def share(work: Callable[[T], None], tasks: Sequence[T]) -> None:
    """Do all tasks, some at a time, in any order; the first error is raised.

    A product on several BLAS threads waits for all of them, which on a busy machine takes longer
    than the product; and its last digits depend on how many there are. With one thread a product
    and a core for each task, neither happens, and what follows a product is shared out too.
    """
    threads = min(_MOST_THREADS, _cores(), len(tasks))
    with threadpool_limits(limits=1, user_api="blas"):
        if threads < 2:
            for task in tasks:
                work(task)
            return
        pool = ThreadPoolExecutor(threads, thread_name_prefix="neighbours")
        try:
            for _ in pool.map(work, tasks):
                pass
        finally:  # after an error or Ctrl-C, what has not begun never does
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # what this process may use: a container's share
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
