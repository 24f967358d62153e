"""What a scan's times say: how fast it was, and how fast this machine could have been.

Each stage alone, on one thread, says what the work costs. No order of the work is faster than all
cores busy with it all the time, nor than the slowest part that only one thread can do: the larger
of the two is the possible, and its share of the scan's own time is how good the pipeline is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["STAGES", "Measured", "SpeedResult", "StageSpeed"]

STAGES = ("read", "decode", "detect", "align", "embed", "store")

# Where the models run on the processors themselves, on as many threads as there are cores.
_ON_CORES = frozenset({"cpu", "openvino", "none"})
# On an accelerator one thread owns the models; only it can do these.
_MODEL_STAGES = frozenset({"detect", "embed"})
_BYTES_PER_MB = 1e6


@dataclass(frozen=True, slots=True)
class Measured:
    """How much of something was measured: files, their bytes, megapixels and faces."""

    files: int
    bytes: int
    megapixels: float
    faces: int

    def times_in(self, whole: Measured, stage: str) -> float:
        """Say how many times this fits into the whole, in what the stage's work grows with."""
        part, full = {
            "read": (self.bytes, whole.bytes),
            "decode": (self.megapixels, whole.megapixels),
            "align": (self.faces, whole.faces),
            "embed": (self.faces, whole.faces),
        }.get(stage, (self.files, whole.files))
        return full / part if part else 1.0


@dataclass(frozen=True, slots=True)
class StageSpeed:
    """One stage.

    Args:
        name: one of `STAGES`.
        cpu_seconds: of all processors, alone on one thread, for all photos.
        seconds: the same by the clock on the wall.
        busy_seconds: how long it kept threads busy in the scan, those that waited for a core
            included; summed over threads.
    """

    name: str
    cpu_seconds: float
    seconds: float
    busy_seconds: float


@dataclass(frozen=True, slots=True)
class SpeedResult:
    """What `bench speed` found.

    Args:
        measured: the scanned photos: what was opened, once each.
        sampled: what the single stages were measured on, before scaling to all.
        failed: of the photos: those that could not be read.
        seconds: of the scan, without loading the models and grouping.
        load_seconds: loading the models, before it.
        group_seconds: grouping, after it.
        cpu_seconds: of all processors, for the scan with loading and grouping.
        stages: in the order of the work.
        cores: that this process may use.
        provider: where the models ran; joined by " + " where they differ.
        models: role to model key.
        peak_bytes: the most main memory the process held until the scan's end; 0: unknown.
        remark: why an accelerator that is there was not used; else empty.
    """

    measured: Measured
    sampled: Measured
    failed: int
    seconds: float
    load_seconds: float
    group_seconds: float
    cpu_seconds: float
    stages: tuple[StageSpeed, ...]
    cores: int
    provider: str
    models: dict[str, str]
    peak_bytes: int
    remark: str = ""

    @property
    def limits(self) -> dict[str, float]:
        """What takes how many seconds at least, however the work is ordered."""
        if set(self.provider.split(" + ")) <= _ON_CORES:
            on_cores, owned = list(self.stages), 0.0
        else:
            # Its threads' processor time is mostly spent waiting for the accelerator.
            on_cores = [stage for stage in self.stages if stage.name not in _MODEL_STAGES]
            owned = _total(s.seconds for s in self.stages if s.name in _MODEL_STAGES)
        limits = {"processor": _total(stage.cpu_seconds for stage in on_cores) / self.cores}
        if owned:
            limits["accelerator"] = owned
        limits["store"] = _total(s.seconds for s in self.stages if s.name == "store")
        return limits

    @property
    def possible_seconds(self) -> float:
        """Return the least time that the scan could take on this machine."""
        return max(self.limits.values())

    @property
    def limit(self) -> str:
        """Name what sets the possible: "processor", "accelerator" or "store"."""
        limits = self.limits
        return max(limits, key=lambda name: limits[name])

    @property
    def share_of_possible(self) -> float:
        """1.0 where the scan took no longer than possible; 0 where there was nothing to do."""
        return self.possible_seconds / self.seconds if self.seconds > 0 else 0.0

    def rate(self, amount: float) -> float:
        """Return an amount per second of the scan."""
        return amount / self.seconds if self.seconds > 0 else 0.0

    def to_json(self) -> dict[str, object]:
        """Return the documented JSON form."""
        whole = self.measured
        return {
            "photos": whole.files,
            "failed": self.failed,
            "faces": whole.faces,
            "megapixels": round(whole.megapixels, 2),
            "seconds": round(self.seconds, 3),
            "photos_per_s": round(self.rate(whole.files), 3),
            "megapixels_per_s": round(self.rate(whole.megapixels), 3),
            "faces_per_s": round(self.rate(whole.faces), 3),
            "share_of_possible": round(self.share_of_possible, 4),
            "possible_seconds": round(self.possible_seconds, 3),
            "limit": self.limit,
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_mb": round(self.peak_bytes / _BYTES_PER_MB, 1),
            "provider": self.provider,
            "remark": self.remark,
            "models": self.models,
            "cores": self.cores,
            "sampled": self.sampled.files,
            "stages": {
                "load": {"seconds": round(self.load_seconds, 3)},
                **{
                    stage.name: {
                        "cpu_seconds": round(stage.cpu_seconds, 3),
                        "seconds": round(stage.seconds, 3),
                        "busy_seconds": round(stage.busy_seconds, 3),
                    }
                    for stage in self.stages
                },
                "group": {"seconds": round(self.group_seconds, 3)},
            },
        }


def _total(seconds: Iterable[float]) -> float:
    return sum(seconds, 0.0)
