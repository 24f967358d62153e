"""Runs graphs on ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
import threading
from typing import TYPE_CHECKING, Any

from facesort.errors import ModelError, ProviderUnavailable, WeightsCorrupt
from facesort.inference.cuda import cuda_devices, describe_devices
from facesort.inference.runtime import load_onnxruntime
from facesort.inference.session import MemoryFull

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from facesort.inference.session import Opening, Session, Tensor

__all__ = ["BoundRuns", "built_in", "open_ort"]

_SUFFIX = "ExecutionProvider"
_SHORT = {"dml": "directml"}  # other names are the runtime's own, in lower case
# Of another build that overwrites the usual one; the package `openvino` is used instead.
_NOT_OURS = frozenset({"openvino"})
_FATAL = 4  # the runtime's severity above every message that it prints
_MEMORY_WORDS = ("out of memory", "outofmemory", "failed to allocate", "alloc_failed", "bad_alloc")
# Of the memory that is free, for each of the two models; the rest is for what libraries take.
_GPU_SHARE = 0.45
_BUFFERS = 8  # shapes whose input stays on the accelerator


class _OrtSession:
    # Any: onnxruntime ships no types.
    def __init__(self, session: Any, provider: str, remark: str) -> None:  # noqa: ANN401
        self._run = (
            BoundRuns(session, "cuda").run
            if provider in {"cuda", "tensorrt"}
            else lambda inputs: session.run(None, inputs)
        )
        self.provider = provider
        self.remark = remark
        self.inputs = tuple(str(entry.name) for entry in session.get_inputs())
        self.outputs = tuple(str(entry.name) for entry in session.get_outputs())

    def run(self, inputs: Mapping[str, Tensor]) -> list[NDArray[np.float32]]:
        try:
            results: list[NDArray[np.float32]] = self._run(dict(inputs))
        except _runtime_errors() as error:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            full = any(word in str(error).lower() for word in _MEMORY_WORDS)
            raise (MemoryFull if full else ModelError)(
                f"the model failed on {self.provider} with {shapes}: {_first_line(error)}",
                hint="Try a smaller --batch-size, or --provider cpu.",
            ) from error
        return results


class BoundRuns:
    """Runs a session with inputs in memory of the accelerator that is kept from run to run.

    Args:
        session: of ONNX Runtime.
        device: what it calls the memory: "cuda", or "cpu" in tests.
    """

    def __init__(self, session: Any, device: str) -> None:  # noqa: ANN401 - no types
        self._session = session
        self._device = device
        self._binding = session.io_binding()
        self._buffers: dict[tuple[object, ...], Any] = {}
        self._lock = threading.Lock()

    def run(self, inputs: Mapping[str, Tensor]) -> list[NDArray[np.float32]]:
        """Compute all outputs; threads take turns."""
        with self._lock:
            self._binding.clear_binding_inputs()
            for name, array in inputs.items():
                self._binding.bind_ortvalue_input(name, self._on_device(name, array))
            self._binding.clear_binding_outputs()
            for output in self._session.get_outputs():
                self._binding.bind_output(output.name, "cpu")
            self._session.run_with_iobinding(self._binding)
            results: list[NDArray[np.float32]] = self._binding.copy_outputs_to_cpu()
        return results

    def _on_device(self, name: str, array: Tensor) -> Any:  # noqa: ANN401 - no types
        import numpy as np  # noqa: PLC0415

        array = np.ascontiguousarray(array)
        key = (name, array.shape, array.dtype.str)
        value = self._buffers.pop(key, None)
        if value is None:
            value = load_onnxruntime().OrtValue.ortvalue_from_shape_and_type(
                list(array.shape), array.dtype, self._device, 0
            )
        value.update_inplace(array)
        self._buffers[key] = value  # the last one used is the last in order
        if len(self._buffers) > _BUFFERS:
            del self._buffers[next(iter(self._buffers))]
        return value


def built_in() -> tuple[str, ...]:
    """Name the providers of this build of the runtime; none if it is not installed."""
    try:
        ort = load_onnxruntime()
    except ImportError:
        return ()
    names = (_short(name) for name in ort.get_available_providers())
    return tuple(name for name in names if name not in _NOT_OURS)


def open_ort(path: Path, name: str, opening: Opening, *, remark: str) -> Session:
    """Open on exactly this provider; ONNX Runtime alone would fall back to the CPU in silence.

    Raises:
        ProviderUnavailable: the provider does not run on this machine.
        WeightsCorrupt: the file is not a graph that the runtime can load.
    """
    ort = load_onnxruntime()
    if name in {"cuda", "tensorrt"}:
        _prepare_cuda(ort, name)
    full = next(full for full in ort.get_available_providers() if _short(full) == name)
    providers: list[Any] = [(full, _provider_options(name, opening))]
    if name == "tensorrt":
        providers.append((f"CUDA{_SUFFIX}", _provider_options("cuda", opening)))
    if name != "cpu":
        providers.append(f"CPU{_SUFFIX}")  # for operators that the accelerator lacks
    # A provider that cannot start writes to the terminal through this logger, not the session's.
    ort.set_default_logger_severity(_FATAL)
    try:
        session = ort.InferenceSession(
            str(path), _options(ort, opening.threads), providers=providers, enable_fallback=0
        )
    except _runtime_errors() as error:
        if name == "cpu" or isinstance(error, _graph_errors()):
            raise WeightsCorrupt(
                f"{path}: not a model that can be loaded ({_first_line(error)})",
                hint="facesort models pull",
            ) from error
        raise ProviderUnavailable(
            f"{name} does not start: {_first_line(error)}", hint=_provider_hint(name)
        ) from error
    if session.get_providers()[0] != full:
        raise ProviderUnavailable(
            f"{name} does not start: a library that it needs is missing or too old",
            hint=_provider_hint(name),
        )
    return _OrtSession(session, name, remark)


def _prepare_cuda(ort: Any, name: str) -> None:  # noqa: ANN401  # onnxruntime ships no types
    """Check for a GPU and load the CUDA libraries that came as Python packages, if any did."""
    if cuda_devices() == 0:
        raise ProviderUnavailable(
            f"{name} does not start: no NVIDIA GPU or driver is visible to this process",
            hint="Use --provider auto or cpu.",
        )
    if hasattr(ort, "preload_dlls"):
        # It prints what it does not find, on stdout, where --json must stay alone.
        with contextlib.redirect_stdout(io.StringIO()):
            ort.preload_dlls()


def _options(ort: Any, threads: int) -> Any:  # noqa: ANN401  # onnxruntime ships no types
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A memory pattern is kept for every picture size ever seen. YuNet on two cores over 60 sizes:
    # 159 MB at the end instead of 181, and 12 % less time. The arena stays on: twice the time
    # without it, for fresh pages are dear. (2026-11-22, onnxruntime 1.31.)
    options.enable_mem_pattern = False
    # Waiting threads sleep instead of spinning: same time for a run, a third less CPU, which the
    # decoders need meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _provider_options(name: str, opening: Opening) -> dict[str, str]:
    if name == "cuda":
        return _cuda_options()
    if opening.cache_dir is None or name not in {"tensorrt", "coreml"}:
        return {}
    folder = opening.cache_dir / name
    folder.mkdir(parents=True, exist_ok=True)
    if name == "tensorrt":
        return {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(folder),
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": str(folder),
            "trt_fp16_enable": "0",  # vectors must agree with those of the CPU
        }
    # Apple's neural engine computes in half precision only, so it is left out.
    return {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": "CPUAndGPU",
        "ModelCacheDirectory": str(folder),
    }


def _cuda_options() -> dict[str, str]:
    options = {
        # The default tries every algorithm for each new shape, which is slow for dynamic shapes.
        "cudnn_conv_algo_search": "HEURISTIC",
        # TF32 rounds to 10 bits: vectors from GPU and CPU share a library and must agree.
        "use_tf32": "0",
        # The default doubles what it holds whenever it is short.
        "arena_extend_strategy": "kSameAsRequested",
    }
    free = [device.free_bytes for device in describe_devices()[:1]]
    if free and free[0] is not None:
        options["gpu_mem_limit"] = str(int(free[0] * _GPU_SHARE))
    return options


def _provider_hint(name: str) -> str:
    if name in {"cuda", "tensorrt"}:
        own = ", TensorRT's own libraries (pip install tensorrt)" if name == "tensorrt" else ""
        return (
            f'Install the CUDA libraries (pip install "facesort[cuda]"){own} and a recent'
            " NVIDIA driver, or use --provider cpu."
        )
    return "Use --provider auto or cpu."


def _graph_errors() -> tuple[type[Exception], ...]:
    """Return what the runtime raises when it cannot make sense of the file."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415

    return (state.InvalidProtobuf, state.InvalidGraph, state.NoModel, state.NoSuchFile)


def _runtime_errors() -> tuple[type[Exception], ...]:
    """Return everything the runtime raises: its exceptions have no common base below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415

    own = (value for value in vars(state).values() if isinstance(value, type))
    return (RuntimeError, *(error for error in own if issubclass(error, Exception)))


def _short(full: str) -> str:
    name = full.removesuffix(_SUFFIX).lower()
    return _SHORT.get(name, name)


def _first_line(error: BaseException) -> str:
    lines: Sequence[str] = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]
