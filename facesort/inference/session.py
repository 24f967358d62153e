"""Runs ONNX graphs, on the provider that was asked for or on the best one that really works."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from typing import TYPE_CHECKING, Any, Protocol

from facesort.errors import ModelError, ProviderUnavailable, WeightsCorrupt
from facesort.inference.runtime import load_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Session", "available_providers", "cuda_devices", "open_session"]

_SUFFIX = "ExecutionProvider"
_SHORT = {"dml": "directml"}  # other names are the runtime's own, in lower case
# What `auto` tries, in order. TensorRT is left out: it compiles for minutes per picture size.
_AUTO = ("cuda", "directml", "coreml")
_FATAL = 4  # the runtime's severity above every message that it prints


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

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Compute all outputs.

        Raises:
            ModelError: the runtime fails, for instance because its memory is full.
        """


class _OrtSession:
    # Any: onnxruntime ships no types.
    def __init__(self, session: Any, provider: str, remark: str) -> None:  # noqa: ANN401
        self._session = session
        self.provider = provider
        self.remark = remark
        self.inputs = tuple(str(entry.name) for entry in session.get_inputs())
        self.outputs = tuple(str(entry.name) for entry in session.get_outputs())

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        try:
            results: list[NDArray[np.float32]] = self._session.run(None, dict(inputs))
        except _runtime_errors() as error:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            raise ModelError(
                f"the model failed on {self.provider} with {shapes}: {_first_line(error)}",
                hint="Try a smaller --batch-size, or --provider cpu.",
            ) from error
        return results


def available_providers() -> tuple[str, ...]:
    """Name the providers of this build of the runtime; that one is listed does not mean it runs."""
    ort = load_onnxruntime()
    return tuple(_short(name) for name in ort.get_available_providers())


def cuda_devices() -> int:
    """Count the NVIDIA GPUs that this process may use; asks the driver, not the runtime.

    The runtime would answer the question by printing errors to the terminal.
    """
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
        count = ctypes.c_int(0)
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value


def open_session(path: Path, *, provider: str = "auto", threads: int) -> Session:
    """Load a graph.

    Args:
        path: ONNX file.
        provider: "auto" takes an accelerator when one is really there, and the CPU otherwise;
            any other name takes exactly that one.
        threads: CPU threads of one run.

    Raises:
        ProviderUnavailable: the provider is unknown, or does not run on this machine.
        WeightsCorrupt: the file is not a graph that the runtime can load.
    """
    built_in = available_providers()
    if provider == "auto":
        wanted = [name for name in _AUTO if name in built_in and _may_run(name)]
    elif provider in built_in:
        wanted = [provider]
    else:
        raise ProviderUnavailable(
            f"this build of onnxruntime has no provider {provider!r}; it has {', '.join(built_in)}",
            hint=f"Use --provider auto, or one of {', '.join(built_in)}.",
        )
    remark = ""
    for name in wanted:
        try:
            return _opened(path, name, threads, remark="")
        except ProviderUnavailable as error:
            if provider != "auto":
                raise
            remark = error.message
    return _opened(path, "cpu", threads, remark=remark)


def _may_run(name: str) -> bool:
    return name != "cuda" or cuda_devices() > 0


def _opened(path: Path, name: str, threads: int, *, remark: str) -> Session:
    """Open on exactly this provider; ONNX Runtime alone would fall back to the CPU in silence."""
    ort = load_onnxruntime()
    if name in {"cuda", "tensorrt"}:
        _prepare_cuda(ort, name)
    full = next(full for full in ort.get_available_providers() if _short(full) == name)
    providers: list[Any] = [(full, _provider_options(name))]
    if name != "cpu":
        providers.append(f"CPU{_SUFFIX}")  # for operators that the accelerator lacks
    # A provider that cannot start writes to the terminal through this logger, not the session's.
    ort.set_default_logger_severity(_FATAL)
    try:
        session = ort.InferenceSession(
            str(path), _options(ort, threads), providers=providers, enable_fallback=0
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
    # 159 MB at the end instead of 181, and 12 % less time. The arena stays on: 310-400 MB and 20 %
    # more time without it. (2026-11-22, onnxruntime 1.31.)
    options.enable_mem_pattern = False
    # Waiting threads sleep instead of spinning: same time for a run, a third less CPU, which the
    # decoders need meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _provider_options(name: str) -> dict[str, str]:
    if name != "cuda":
        return {}
    return {
        # The default tries every algorithm for each new shape, which is slow for dynamic shapes.
        "cudnn_conv_algo_search": "HEURISTIC",
        # TF32 rounds to 10 bits: vectors from GPU and CPU share a library and must agree.
        "use_tf32": "0",
    }


def _provider_hint(name: str) -> str:
    if name == "cuda":
        return (
            'Install the CUDA libraries (pip install "onnxruntime-gpu[cuda,cudnn]") and a recent'
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
