"""The most memory that this process has held."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["peak_bytes"]


def peak_bytes() -> int:
    """Return the largest resident set of this process so far, in bytes; 0 where nobody knows.

    Main memory only: what an accelerator holds is not in it.
    """
    if sys.platform == "win32":
        return _windows_peak()
    return _linux_peak() or _unix_peak()


def _linux_peak() -> int:
    # Not getrusage: its number starts with what the parent held when it made this process.
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _unix_peak() -> int:
    import resource  # noqa: PLC0415 - not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS alone counts bytes


def _windows_peak() -> int:
    import ctypes  # noqa: PLC0415 - only here
    from ctypes import wintypes  # noqa: PLC0415

    class Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = (
            ("cb", wintypes.DWORD),
            ("page_faults", wintypes.DWORD),
            ("peak_working_set", ctypes.c_size_t),
            *((f"other_{i}", ctypes.c_size_t) for i in range(7)),
        )

    counters = Counters()
    counters.cb = ctypes.sizeof(counters)
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]  # only there on Windows
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    ask = kernel.K32GetProcessMemoryInfo
    ask.argtypes = (wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)
    done = ask(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb)
    return int(counters.peak_working_set) if done else 0
