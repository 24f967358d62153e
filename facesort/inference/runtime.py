"""The one door to ONNX Runtime: it is imported here and nowhere else, and it stays silent.

Since 1.29 its published builds report usage to their maker by default: merely opening a session
writes a device id and a queue of events below the home folder, for later upload. facesort makes no
network call but for weights, so this is switched off before the first import, which latches it.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = ["load_onnxruntime"]

# Read by the runtime when it is loaded; on Windows it is not, hence the call as well.
_NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"


def load_onnxruntime() -> Any:  # noqa: ANN401  # onnxruntime ships no types
    """Return the `onnxruntime` module, its telemetry off.

    Raises:
        ImportError: it is not installed, or cannot be loaded.
    """
    os.environ[_NO_TELEMETRY] = "1"
    import onnxruntime  # noqa: PLC0415 - heavy, and only after the variable is set

    onnxruntime.disable_telemetry_events()
    return onnxruntime
