"""Opens a model on the provider that was asked for, or on the best one that really works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facesort.errors import ModelError, ProviderUnavailable
from facesort.inference.cuda import cuda_devices

__all__ = [
    "FP32_HINT",
    "ON_CPU",
    "Graphs",
    "MemoryFull",
    "Opening",
    "Precision",
    "Session",
    "Tensor",
    "available_providers",
    "check_available",
    "cuda_devices",
    "open_session",
]

Tensor: TypeAlias = NDArray[Any]  # of whatever numbers the graph's input takes
Graphs: TypeAlias = Callable[[str], Path]  # from a provider to the graph that suits it

ON_CPU = frozenset({"cpu", "openvino"})  # several threads may run these at once

# What `auto` tries, in order, before the CPU. TensorRT compiles for minutes for every picture size.
# CoreML is in every build for macOS and has never been tried by us; DirectML is there only for who
# installed its build. OpenVINO takes .83 of ONNX Runtime's time for SFace (9.9 to 12.0 ms of CPU a
# face, one thread) and no less for YuNet, so it runs embedders (2026.4.1 and 1.31, 2026-11-22).
_AUTO = ("cuda", "directml", "openvino")
FP32_HINT = "use the model without bf16 in its name: facesort scan --model sface"
_OPENVINO_HINT = 'Install it (pip install "facesort[openvino]"), or use --provider cpu.'


class Precision(StrEnum):
    """The numbers a model computes with; other than FP32 they make other vectors."""

    FP32 = "fp32"
    BF16 = "bf16"


class MemoryFull(ModelError):
    """A run did not fit into the accelerator's memory: a smaller batch may."""


class Session(Protocol):
    """A loaded model."""

    @property
    def provider(self) -> str:
        """Where it really runs: "cpu", "cuda", ..."""

    @property
    def remark(self) -> str:
        """Why `auto` did not take an accelerator that is there; otherwise empty."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs, in the order of `run`."""

    def run(self, inputs: Mapping[str, Tensor]) -> list[NDArray[np.float32]]:
        """Compute all outputs. Any thread may call it at any time.

        Raises:
            MemoryFull: the batch does not fit.
            ModelError: the runtime fails otherwise.
        """


@dataclass(frozen=True, slots=True)
class Opening:
    """How a session is opened.

    Args:
        threads: CPU threads of one run.
        lanes: runs at a time on the CPU.
        precision: FP32, or what the card says.
        cache_dir: where a provider may keep what it compiles; None keeps nothing.
        detects: it is a detector.
        trial: an input on which `auto` tries what it opened, before it trusts it.
    """

    threads: int = 1
    lanes: int = 1
    precision: Precision = Precision.FP32
    cache_dir: Path | None = None
    detects: bool = False
    trial: Tensor | None = None


def available_providers() -> tuple[str, ...]:
    """Name the providers of the installed runtimes; that one is listed does not mean it runs."""
    from facesort.inference import openvino, ort  # noqa: PLC0415 - heavy

    return ort.built_in() + (("openvino",) if openvino.is_installed() else ())


def open_session(
    graph: Path | Graphs, *, provider: str = "auto", opening: Opening | None = None
) -> Session:
    """Load a model.

    Args:
        graph: ONNX file, or what gives the file for a provider.
        provider: "auto" takes an accelerator when one is really there and works, and the CPU
            otherwise; any other name takes exactly that one, except that detectors of "openvino"
            run on "cpu", where they are as fast.
        opening: threads and so on.

    Raises:
        ProviderUnavailable: the provider is unknown, does not run on this machine, or cannot
            compute in the precision that the card asks for.
        WeightsCorrupt: the file is not a graph that the runtime can load.
    """
    opening = opening or Opening()
    graphs: Graphs = graph if callable(graph) else lambda _: graph
    remark = ""
    wanted = _wanted(provider, opening)
    for name in wanted[:-1]:
        try:
            session = _open(graphs, name, opening, remark=remark)
        except ProviderUnavailable as error:
            remark = remark or error.message
            continue
        trouble = _trouble(session, opening.trial)
        if not trouble:
            return session
        remark = remark or trouble
    return _open(graphs, wanted[-1], opening, remark=remark)


def _trouble(session: Session, trial: Tensor | None) -> str:
    """Say why a session cannot run, though it opened: a GPU too old for this build, or full."""
    if trial is None:
        return ""
    try:
        session.run({session.inputs[0]: trial})
    except ModelError as error:
        return error.message
    return ""


def check_available(provider: str, precision: Precision) -> None:
    """Check, without opening a model, that one could run in that precision.

    Raises:
        ProviderUnavailable: as `open_session`, as far as can be told without the model.
    """
    opening = Opening(precision=precision)
    if _wanted(provider, opening) == ["openvino"]:
        from facesort.inference.openvino import start  # noqa: PLC0415 - heavy

        start(precision)


def _wanted(provider: str, opening: Opening) -> list[str]:
    """Return the providers to try in order; only the last one's failure is an error."""
    known = available_providers()
    if provider not in {"auto", *known}:
        raise ProviderUnavailable(
            f"no runtime with the provider {provider!r} is installed; there are {', '.join(known)}",
            hint=_OPENVINO_HINT
            if provider == "openvino"
            else f"Use --provider auto, or one of {', '.join(known)}.",
        )
    if opening.precision is Precision.BF16:
        return [_bf16_provider(provider, known)]
    if provider == "openvino" and opening.detects:
        return ["cpu"]
    if provider != "auto":
        return [provider]
    here = [name for name in _AUTO if name in known and (name != "cuda" or cuda_devices() > 0)]
    if opening.detects:
        here = [name for name in here if name != "openvino"]
    return [*here, "cpu"]


def _bf16_provider(provider: str, known: tuple[str, ...]) -> str:
    if provider not in {"auto", "openvino"}:
        raise ProviderUnavailable(
            f"{provider} does not compute in bf16, as this model's card asks for",
            hint=f"Use --provider openvino, or {FP32_HINT}",
        )
    if "openvino" not in known:
        raise ProviderUnavailable(
            "this model computes in bf16, for which OpenVINO must be installed",
            hint=f'pip install "facesort[openvino]", or {FP32_HINT}',
        )
    return "openvino"


def _open(graphs: Graphs, name: str, opening: Opening, *, remark: str) -> Session:
    from facesort.inference import openvino, ort  # noqa: PLC0415 - heavy

    if name == "openvino":
        return openvino.open_openvino(graphs(name), opening, remark=remark)
    return ort.open_ort(graphs(name), name, opening, remark=remark)
