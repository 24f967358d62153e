"""Runs graphs on OpenVINO's CPU plugin: faster embeddings, and bf16 where the processor has it."""

from __future__ import annotations

import queue
from importlib import util
from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.errors import ModelError, ProviderUnavailable, WeightsCorrupt
from facesort.inference.runtime import load_openvino
from facesort.inference.session import FP32_HINT, Precision

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.inference.session import Opening, Session, Tensor

__all__ = ["is_installed", "open_openvino", "start"]


class _OpenVinoSession:
    # Any: its types would have to be installed to check ours.
    def __init__(self, compiled: Any, remark: str) -> None:  # noqa: ANN401
        self._compiled = compiled
        # A request serves one run at a time; as many are made as ever run at once.
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.provider = "openvino"
        self.remark = remark
        self.inputs = tuple(str(port.any_name) for port in compiled.inputs)
        self.outputs = tuple(str(port.any_name) for port in compiled.outputs)

    def run(self, inputs: Mapping[str, Tensor]) -> list[NDArray[np.float32]]:
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            # Inputs are read where they are, outputs are copies.
            found = request.infer(dict(inputs), share_inputs=True)
            return [np.asarray(found[port]) for port in self._compiled.outputs]
        except RuntimeError as error:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            raise ModelError(
                f"the model failed on openvino with {shapes}: {_last_line(error)}",
                hint="Try --provider cpu.",
            ) from error
        finally:
            self._idle.put(request)


def is_installed() -> bool:
    """Whether the package is there; it is not loaded."""
    return util.find_spec("openvino") is not None


def start(precision: Precision) -> Any:  # noqa: ANN401 - see _OpenVinoSession
    """Load OpenVINO and return its core.

    Raises:
        ProviderUnavailable: it does not start, or the processor lacks the precision.
    """
    try:
        core = load_openvino().Core()
        capable = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except (ImportError, RuntimeError) as error:
        raise ProviderUnavailable(
            f"openvino does not start: {_last_line(error)}",
            hint='pip install "facesort[openvino]", or use --provider cpu.',
        ) from error
    if precision is Precision.BF16 and "BF16" not in capable:
        raise ProviderUnavailable(
            "this processor does not compute in bf16, as this model's card asks for",
            hint=f"Instead, {FP32_HINT}",
        )
    return core


def open_openvino(path: Path, opening: Opening, *, remark: str) -> Session:
    """Compile a graph for this processor.

    Raises:
        ProviderUnavailable: OpenVINO does not start, or the processor lacks the precision.
        WeightsCorrupt: the file is not a graph that it can read.
    """
    core = start(opening.precision)
    try:
        compiled = core.compile_model(str(path), "CPU", _options(opening))
    except RuntimeError as error:
        raise WeightsCorrupt(
            f"{path}: not a model that can be loaded ({_last_line(error)})",
            hint="facesort models pull",
        ) from error
    return _OpenVinoSession(compiled, remark)


def _options(opening: Opening) -> dict[str, object]:
    return {
        # Without it a processor with bf16 computes in bf16, and makes other vectors.
        "INFERENCE_PRECISION_HINT": {Precision.FP32: "f32", Precision.BF16: "bf16"}[
            opening.precision
        ],
        # A stream runs one request at a time, so there is one for every thread that may call.
        "NUM_STREAMS": opening.lanes,
        "INFERENCE_NUM_THREADS": opening.lanes * opening.threads,
        # Decoding shares the cores; a thread tied to a busy one would wait for it.
        "ENABLE_CPU_PINNING": False,
        # Its cache of compiled models would save 215 of 250 ms of CPU for SFace (2026.4.1,
        # 2026-11-22), but a damaged file there would make other vectors in silence.
    }


def _last_line(error: BaseException) -> str:
    """Return what went wrong; the lines before it say where in OpenVINO's source."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]
