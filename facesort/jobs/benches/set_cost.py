"""What one vector of many faces costs."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain.codes import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Aggregator, Progress, Vectors

__all__ = ["Cost", "measure_cost"]

_COST_SIZES = (10, 100, 1_000, 10_000, 100_000)
_COST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What one vector of n faces costs.

    Args:
        method: the aggregator.
        n: faces.
        seconds: the quickest of five.
        peak_mb: what NumPy allocated meanwhile, beyond the faces themselves.
    """

    method: str
    n: int
    seconds: float
    peak_mb: float


def measure_cost(
    methods: Sequence[Aggregator], dimension: int, progress: Progress
) -> tuple[Cost, ...]:
    """Measure how time and memory grow with the size of a set, on made-up faces of one person.

    Args:
        methods: what to measure.
        dimension: of a vector.
        progress: told of every set.
    """
    progress.start("Measuring large sets", len(methods) * len(_COST_SIZES), "set")
    try:
        rows = []
        for n in _COST_SIZES:
            vectors, quality = _one_person(n, dimension)
            for method in methods:
                rows.append(_cost(method, vectors, quality))
                progress.advance()
        return tuple(sorted(rows, key=lambda row: [m.name for m in methods].index(row.method)))
    finally:
        progress.finish()


def _one_person(n: int, dimension: int) -> tuple[Vectors, NDArray[np.float32]]:
    """Make up n faces whose cosines are about .6, as those of one person are."""
    rng = np.random.default_rng(n)
    centre = rng.standard_normal(dimension, dtype=np.float32)
    noise = rng.standard_normal((n, dimension), dtype=np.float32)
    quality = rng.uniform(0.3, 1.0, n).astype(np.float32)
    return unit(centre + np.float32(0.8) * noise), quality


def _cost(method: Aggregator, vectors: Vectors, quality: NDArray[np.float32]) -> Cost:
    seconds = []
    for _ in range(_COST_ROUNDS):
        started = time.perf_counter()
        method.aggregate(vectors, quality)
        seconds.append(time.perf_counter() - started)
    # In a round of its own: watching allocations slows them down.
    tracemalloc.start()
    try:
        method.aggregate(vectors, quality)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Cost(method.name, len(vectors), min(seconds), peak / 1e6)
