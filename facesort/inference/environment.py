"""What could run models here: the installed runtimes, and the providers that really start."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from facesort.errors import FacesortError, ProviderUnavailable
from facesort.inference.cuda import CudaDevice, describe_devices, driver_version
from facesort.inference.session import available_providers, open_session

__all__ = ["Environment", "ProviderState", "Runtime", "conflict", "report"]

# Every distribution below but the last installs the package `onnxruntime`: one overwrites another.
_ONNX_RUNTIMES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-silicon",
    "onnxruntime-training",
    "ort-nightly",
)
_OTHERS = ("openvino",)


@dataclass(frozen=True, slots=True)
class Runtime:
    """An installed distribution that runs models."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ProviderState:
    """Whether a provider really starts; if not, why, and what helps."""

    name: str
    starts: bool
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """All of it.

    Args:
        runtimes: installed.
        conflict: what is wrong with them, or None.
        providers: of the installed runtimes, and whether each starts.
        gpus: NVIDIA GPUs that this process may use.
        cuda_version: the newest CUDA that their driver runs; empty without one.
    """

    runtimes: tuple[Runtime, ...]
    conflict: FacesortError | None
    providers: tuple[ProviderState, ...]
    gpus: tuple[CudaDevice, ...] = ()
    cuda_version: str = ""


def report() -> Environment:
    """Look around; each provider is started with a model of one operator."""
    runtimes = _installed()
    trouble = conflict(runtimes)
    providers = () if trouble is not None or not runtimes else _tried()
    return Environment(runtimes, trouble, providers, tuple(describe_devices()), driver_version())


def conflict(runtimes: tuple[Runtime, ...]) -> FacesortError | None:
    """Say what is wrong where two distributions install the same package."""
    rivals = [runtime.name for runtime in runtimes if runtime.name in _ONNX_RUNTIMES]
    if len(rivals) < 2:
        return None
    return ProviderUnavailable(
        f"{' and '.join(rivals)} are both installed, and each overwrites files of the other",
        hint=f"pip uninstall --yes {' '.join(rivals)} && pip install --force-reinstall facesort",
    )


def _installed() -> tuple[Runtime, ...]:
    found = []
    for name in (*_ONNX_RUNTIMES, *_OTHERS):
        try:
            found.append(Runtime(name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


def _tried() -> tuple[ProviderState, ...]:
    with tempfile.TemporaryDirectory(prefix="facesort-doctor-") as folder:
        graph = Path(folder) / "identity.onnx"
        graph.write_bytes(_smallest_graph())
        return tuple(_try(name, graph) for name in available_providers())


def _try(name: str, graph: Path) -> ProviderState:
    try:
        open_session(graph, provider=name)
    except FacesortError as error:
        return ProviderState(name, starts=False, reason=error.message, hint=error.hint)
    return ProviderState(name, starts=True)


def _smallest_graph() -> bytes:
    from onnx import TensorProto, helper  # noqa: PLC0415 - heavy

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    node = helper.make_node("Relu", ["x"], ["y"])
    graph = helper.make_graph([node], "smallest", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return bytes(model.SerializeToString())
