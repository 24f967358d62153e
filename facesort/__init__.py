"""facesort finds the people in photo folders, remembers their names, and writes named albums.

The public names load on first use, so that `import facesort` stays light: no OpenCV, ONNX Runtime
or scikit-learn is imported until a photo is scanned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.config import Settings
    from facesort.errors import FacesortError
    from facesort.library import Library

__all__ = ["FacesortError", "Library", "Settings", "__version__"]
__version__ = "0.1.0"

_HOMES = {
    "FacesortError": "facesort.errors",
    "Library": "facesort.library",
    "Settings": "facesort.config",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - keeps the bare import light

    return getattr(import_module(home), name)
