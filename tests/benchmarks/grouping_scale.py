"""How long grouping takes, and what it finds, on synthetic faces shaped like measured ones.

    python -m tests.benchmarks.grouping_scale 10000 30000 100000

In memory, without a catalog. Prints one line a size: CPU and wall seconds of each step, the peak
memory of the process, pairwise scores against the truth, and the exponent against the size before.
Each size runs in a process of its own, so that peaks are its own.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from facesort.grouping.calibration import WrongMergesRule
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.linkage import average_linkage
from facesort.grouping.moments import Moments
from facesort.grouping.phases import Part, cluster_in_phases, repeated_faces
from facesort.search.choose import EFFORTS, self_join_index
from tests.shaped import SHAPED_CALIBRATION, ShapedFaces, shaped_faces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

_MIN_QUALITY = 0.3
_REPEAT_RATE = 1e-6


class Clock:
    """Seconds of each step, CPU (of all threads) and wall."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.wall: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall


class TimedNeighbours:
    """The neighbours of `self_join_index`, with their time kept apart from the merging."""

    def __init__(self, vectors: Vectors, effort: str, clock: Clock) -> None:
        self._vectors, self._effort, self._clock = vectors, effort, clock

    def neighbours(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        with self._clock.step("neighbours"):
            return self_join_index(self._vectors, self._effort).neighbours(k)

    def nearest(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        raise NotImplementedError


def group(faces: ShapedFaces, effort: str, clock: Clock) -> NDArray[np.int64]:
    n = len(faces.vectors)
    rule = WrongMergesRule(SHAPED_CALIBRATION, 1.0)
    moments = Moments(faces.photo)
    with clock.step("repeats"):
        repeat_cosine = SHAPED_CALIBRATION.min_cosine(_REPEAT_RATE)
        repeated = repeated_faces(faces.vectors, moments, repeat_cosine)

    def cluster(part: Part) -> NDArray[np.int64]:
        index = TimedNeighbours(part.vectors, effort, clock)
        with clock.step("linkage"):
            return average_linkage(part.vectors, index, part.constraints, part.rule, repair=True)

    with clock.step("total"):
        return cluster_in_phases(
            faces.vectors,
            good=faces.quality >= _MIN_QUALITY,
            repeated=repeated,
            constraints=Constraints(moments, np.full(n, NOBODY), {}, np.zeros(n, dtype=bool)),
            rule=rule,
            cluster=cluster,
        )


def pairwise(truth: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[float, float, float]:
    """Return precision, recall and F over pairs of faces; labels below zero are alone."""
    alone = labels < 0
    labels = np.where(alone, labels.max(initial=0) + 1 + np.cumsum(alone), labels)

    def pairs(values: NDArray[np.int64]) -> float:
        sizes = np.unique(values, return_counts=True)[1].astype(np.float64)
        return float((sizes * (sizes - 1)).sum())

    both = pairs(truth * (int(labels.max(initial=0)) + 1) + labels)
    precision, recall = both / max(pairs(labels), 1.0), both / max(pairs(truth), 1.0)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def peak_mb() -> float:
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measure(n: int, effort: str) -> float:
    """Group n faces, print a line, and return the CPU seconds it took."""
    clock = Clock()
    with clock.step("make"):
        faces = shaped_faces(n)
    labels = group(faces, effort, clock)
    clock.cpu["linkage"] -= clock.cpu["neighbours"]
    clock.wall["linkage"] -= clock.wall["neighbours"]
    precision, recall, f = pairwise(faces.person, labels)
    seconds = "  ".join(f"{k} {clock.cpu[k]:.1f}/{clock.wall[k]:.1f}" for k in clock.cpu)
    say(f"{n:>9,} faces {effort}: CPU/wall s: {seconds}")
    say(
        f"{'':>9} P {precision:.4f} R {recall:.4f} F {f:.4f}, {labels.max() + 1:,} clusters of "
        f"{len(np.unique(faces.person)):,} people, {int((labels < 0).sum()):,} unassigned, "
        f"peak {peak_mb():,.0f} MB"
    )
    return clock.cpu["total"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=int, nargs="+")
    parser.add_argument("--effort", choices=EFFORTS, default="normal")
    arguments = parser.parse_args()
    if len(arguments.faces) == 1:
        seconds = measure(arguments.faces[0], arguments.effort)
        say(f"total {seconds:.3f}")
        return
    before: tuple[int, float] | None = None
    for n in arguments.faces:
        command = [sys.executable, "-m", __spec__.name, str(n), "--effort", arguments.effort]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        lines, seconds = output.splitlines(), float(output.split()[-1])
        say("\n".join(lines[:-1]))
        if before is not None:
            exponent = math.log(seconds / before[1]) / math.log(n / before[0])
            say(f"{'':>9} grows as n^{exponent:.2f}")
        before = n, seconds


if __name__ == "__main__":
    main()
