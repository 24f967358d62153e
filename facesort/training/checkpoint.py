"""The state of a training on disk: whole or absent, and used only where it fits."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from facesort.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Checkpoint"]


class Checkpoint:
    """Arrays of one training, replaced as a whole.

    The first line of the file says whose they are and what their bytes should hash to. A file of
    another training, or a damaged one, counts as none: the training then begins anew.

    Args:
        path: its file; the folder exists.
        key: names the training: data, recipe and seed.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = hashlib.sha256(key.encode()).hexdigest()

    def save(self, arrays: Mapping[str, NDArray[np.float32]], step: int) -> None:
        """Replace what is stored.

        Raises:
            OSError: it cannot be written; what was there is still there.
        """
        packed = io.BytesIO()
        np.savez(packed, **arrays)  # type: ignore[arg-type]  # names never collide with its own
        data = packed.getvalue()
        header = {"key": self._key, "step": step, "sha256": hashlib.sha256(data).hexdigest()}
        atomic_write(self._path, json.dumps(header).encode() + b"\n" + data, mode=0o600)

    def load(self) -> tuple[dict[str, NDArray[np.float32]], int] | None:
        """Return the arrays and the step; None where there is nothing to go on from."""
        try:
            line, _, data = self._path.read_bytes().partition(b"\n")
            header = json.loads(line)
            if header["key"] != self._key or header["sha256"] != hashlib.sha256(data).hexdigest():
                return None
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}, int(header["step"])
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return None
