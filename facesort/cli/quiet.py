"""Keeps image libraries' own messages about odd files off the terminal."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

__all__ = ["quiet_libraries"]

_NATIVE_STDERR = 2  # where C writes, whatever sys.stderr is


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Run a job that decodes photos; what is wrong with one, facesort says itself.

    libtiff prints its opinion of a damaged file from C, straight to file descriptor 2. Until the
    job ends that leads nowhere, while `sys.stderr` (messages, the progress bar, a traceback) writes
    to a copy of the real one. Where `sys.stderr` is not descriptor 2 (in tests, without a console)
    nothing is redirected.
    """
    from facesort.imaging.pillow import quiet_pillow  # noqa: PLC0415 - `--help` loads no Pillow

    quiet_pillow()
    stream = sys.stderr
    if not _is_native(stream):
        yield
        return
    stream.flush()
    terminal = os.dup(_NATIVE_STDERR)
    try:
        with (
            Path(os.devnull).open("wb") as nowhere,
            # As Python opens it: by lines, so that a message is seen when it is written.
            open(
                terminal,
                "w",
                buffering=1,
                encoding=stream.encoding,
                errors=stream.errors,
                closefd=False,
            ) as own,
        ):
            os.dup2(nowhere.fileno(), _NATIVE_STDERR)
            sys.stderr = own
            yield
    finally:
        sys.stderr = stream
        os.dup2(terminal, _NATIVE_STDERR)
        os.close(terminal)


def _is_native(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == _NATIVE_STDERR
    except (OSError, ValueError):  # a stream without a descriptor, or a closed one
        return False
