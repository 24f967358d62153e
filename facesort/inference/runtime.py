"""The one door to ONNX Runtime and OpenVINO: imported here and nowhere else, they stay silent.

ONNX Runtime: since 1.29 its published builds report usage to their maker by default: merely opening
a session writes a device id and a queue of events below the home folder, for later upload. facesort
makes no network call but for weights, so this is switched off before the first import, which
latches it.

OpenVINO: its import alone sends an event to Google Analytics and writes a number for this user
below the home folder, unless the user has opted out (2026.4.1). It does so through a package of its
own, and takes a stub where that is not installed; so while it is imported, that is not there.
"""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["load_onnxruntime", "load_openvino"]

# Read by the runtime when it is loaded; on Windows it is not, hence the call as well.
_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_OPENVINO_TELEMETRY = "openvino_telemetry"


def load_onnxruntime() -> Any:  # noqa: ANN401  # onnxruntime ships no types
    """Return the `onnxruntime` module, its telemetry off.

    Raises:
        ImportError: it is not installed, or cannot be loaded.
    """
    os.environ[_NO_TELEMETRY] = "1"
    import onnxruntime  # noqa: PLC0415 - heavy, and only after the variable is set

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def load_openvino() -> Any:  # noqa: ANN401 - its types would have to be installed to check ours
    """Return the `openvino` module, loaded without its telemetry.

    Raises:
        ImportError: it is not installed, or cannot be loaded.
    """
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    hidden = _OPENVINO_TELEMETRY not in sys.modules
    if hidden:
        sys.modules[_OPENVINO_TELEMETRY] = None  # type: ignore[assignment]  # fails its import
    try:
        import openvino  # noqa: PLC0415 - heavy, optional, and only while that is hidden
    finally:
        if hidden:
            del sys.modules[_OPENVINO_TELEMETRY]
    return openvino
