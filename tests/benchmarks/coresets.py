"""Measures what choosing costs: coresets, bursts, the best pictures, looks; time and memory.

    python -m tests.benchmarks.coresets [--largest 100000]

Made-up people of 10 to 100,000 faces, with vectors of 128 and of 512 numbers. Printed are seconds
of the processor (the least of three runs, one thread of BLAS), and the MiB that were taken at most
beyond the faces themselves. Then, for one person to whom 10,000 faces come one by one, how often
the coreset had to be chosen anew.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from facesort.descriptors.arrivals import Standing
from facesort.descriptors.best import best_different
from facesort.descriptors.bursts import burst_labels
from facesort.descriptors.coreset import Rule, choose, choose_each
from facesort.descriptors.looks import find_looks
from facesort.grouping.likeness import OnePerson

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

_SIZES = (10, 100, 1_000, 10_000, 100_000)
_DIMENSIONS = (128, 512)
_RUNS = 3
_WITHIN = 0.65  # mean cosine of two faces of one look

# Where pictures have no time each is compared with each: more of one person than that are rare.
_MOST_UNTIMED = 10_000

_RULE = Rule(one_person=OnePerson(0.605, 0.0425))


class Person(NamedTuple):
    """The faces of a made-up person: three pictures a moment, an hour between moments."""

    vectors: Vectors
    quality: NDArray[np.float32]
    ids: list[str]
    seconds: NDArray[np.float64]


def person_of(n: int, dimension: int, *, looks: int = 1) -> Person:
    """Make somebody up, with as many faces of each look; looks have nothing in common but .2."""
    rng = np.random.default_rng(n + dimension)
    shared, *apart = np.linalg.qr(rng.standard_normal((dimension, looks + 1)))[0].T
    middles = np.array([0.2**0.5 * shared + (_WITHIN - 0.2) ** 0.5 * one for one in apart])
    spread = ((1 - _WITHIN) / dimension) ** 0.5
    noise = rng.standard_normal((n, dimension), dtype=np.float32) * np.float32(spread)
    vectors = noise + middles[np.arange(n) * looks // max(n, 1)].astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    number = np.arange(n, dtype=np.float64)
    seconds = 3600.0 * (number // 3) + number % 3
    quality = rng.uniform(0.3, 1.0, n).astype(np.float32)
    return Person(vectors, quality, [f"{number:08}" for number in range(n)], seconds)


def _cost(run: Callable[[], object]) -> tuple[float, float]:
    """Return the least seconds of the processor, and the most MiB beyond what was there."""
    run()
    seconds = []
    for _ in range(_RUNS):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(seconds), peak / 2**20


def _rows(n: int, dimension: int) -> list[tuple[str, Callable[[], object]]]:
    one, two = person_of(n, dimension), person_of(n, dimension, looks=2)
    unknown = np.full(n, np.nan)
    many = np.arange(n, dtype=np.int64) // 10
    rows: list[tuple[str, Callable[[], object]]] = [
        ("coreset of 5, no odd faces", lambda: _chosen(one, Rule(size=5).unguarded())),
        ("coreset of 5", lambda: _chosen(one, Rule(size=5, one_person=_RULE.one_person))),
        ("coreset of 8", lambda: _chosen(one, _RULE)),
        (
            "coreset of 8 and bursts by time",
            lambda: choose(one.vectors, one.quality, _RULE, moments=one.seconds),
        ),
        (
            "coresets of people of 10 faces",
            lambda: choose_each(one.vectors, one.quality, many, _RULE),
        ),
        ("bursts by time", lambda: burst_labels(one.vectors, one.seconds, quality=one.quality)),
        ("the 10 best different", lambda: _best(one, one.seconds)),
        ("looks: one", lambda: find_looks(one.vectors, one.quality)),
        ("looks: two", lambda: find_looks(two.vectors, two.quality)),
    ]
    if n <= _MOST_UNTIMED:
        rows.append(("the 10 best different, no times", lambda: _best(one, unknown)))
    return rows


def _chosen(person: Person, rule: Rule) -> object:
    return choose(person.vectors, person.quality, rule, ids=person.ids)


def _best(person: Person, seconds: NDArray[np.float64]) -> object:
    return best_different(
        person.vectors, person.quality, 10, ids=person.ids, seconds=seconds, rule=_RULE
    )


def _arrivals(faces: int, dimension: int) -> tuple[int, float]:
    """Return how often a coreset was chosen anew, and seconds, as faces come one by one."""
    person, rule = person_of(faces, dimension), Rule().unguarded()
    order = np.random.default_rng(1).permutation(faces)
    vectors, quality = person.vectors[order], person.quality[order]
    start, anew = time.process_time(), 0
    stood = Standing.of(vectors[:1], quality[:1], rule)
    for n in range(1, faces):
        one = slice(n, n + 1)
        if stood.may_enter(vectors[one], quality[one], rule)[0]:
            stood, anew = Standing.of(vectors[: n + 1], quality[: n + 1], rule), anew + 1
        else:
            stood = stood.joined_by(vectors[one], quality[one], rule)
    return anew, time.process_time() - start


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--largest", type=int, default=_SIZES[-1], help="faces of the largest")
    largest = parser.parse_args().largest
    sizes = [size for size in _SIZES if size <= largest]
    with threadpool_limits(limits=1):
        for dimension in _DIMENSIONS:
            table: dict[str, list[str]] = {}
            for size in sizes:
                for name, run in _rows(size, dimension):
                    seconds, mebibytes = _cost(run)
                    told = f"{seconds * 1000:9.1f} ms {mebibytes:6.1f}"
                    table.setdefault(name, []).append(told)
            _tell(f"\n{dimension} numbers" + "".join(f"{size:>20,}" for size in sizes))
            for name, cells in table.items():
                _tell(f"{name:33s}" + "".join(f"{cell:>20s}" for cell in cells))
        faces = min(largest, 10_000)
        anew, seconds = _arrivals(faces, _DIMENSIONS[0])
        _tell(f"\n{faces:,} faces one by one: chosen anew {anew:,} times, {seconds:.2f} s in all")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
