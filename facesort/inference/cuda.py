"""Asks NVIDIA's driver what is there, without any of its toolkits and without starting a GPU."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["CudaDevice", "cuda_devices", "describe_devices", "driver_version"]

_NAME_BYTES = 256


@dataclass(frozen=True, slots=True)
class CudaDevice:
    """One GPU.

    Args:
        name: as the driver tells it.
        total_bytes: of memory.
        free_bytes: of it, now; None where the driver's management library is not there.
    """

    name: str
    total_bytes: int
    free_bytes: int | None


class _NvmlMemory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def cuda_devices() -> int:
    """Count the NVIDIA GPUs that this process may use.

    The runtime would answer the question by printing errors to the terminal.
    """
    driver = _driver()
    count = ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def driver_version() -> str:
    """Return the newest CUDA that the driver can run, like "13.0"; empty without a driver."""
    driver = _driver()
    version = ctypes.c_int(0)
    if driver is None or driver.cuDriverGetVersion(ctypes.byref(version)) != 0:
        return ""
    return f"{version.value // 1000}.{version.value % 1000 // 10}"


def describe_devices() -> list[CudaDevice]:
    """Describe the GPUs that this process may use, in the order of their numbers."""
    driver = _driver()
    if driver is None:
        return []
    described = []
    for number in range(cuda_devices()):
        device = ctypes.c_int(0)
        name = ctypes.create_string_buffer(_NAME_BYTES)
        total = ctypes.c_size_t(0)
        bus = ctypes.create_string_buffer(_NAME_BYTES)
        if (
            driver.cuDeviceGet(ctypes.byref(device), number) == 0
            and driver.cuDeviceGetName(name, _NAME_BYTES, device) == 0
            and driver.cuDeviceTotalMem_v2(ctypes.byref(total), device) == 0
            and driver.cuDeviceGetPCIBusId(bus, _NAME_BYTES, device) == 0
        ):
            free = _free_bytes(bus.value)
            described.append(CudaDevice(name.value.decode("utf-8", "replace"), total.value, free))
    return described


def _free_bytes(bus: bytes) -> int | None:
    """Ask the management library, which needs no context on the GPU as the driver itself would."""
    library = _library("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    if library is None or library.nvmlInit_v2() != 0:
        return None
    try:
        device, memory = ctypes.c_void_p(), _NvmlMemory()
        if (
            library.nvmlDeviceGetHandleByPciBusId_v2(bus, ctypes.byref(device)) != 0
            or library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) != 0
        ):
            return None
        return int(memory.free)
    finally:
        library.nvmlShutdown()


def _driver() -> Any:  # noqa: ANN401 - a library loaded by name has no type
    driver = _library("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    return None if driver is None or driver.cuInit(0) != 0 else driver


def _library(name: str) -> Any:  # noqa: ANN401 - see above
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
