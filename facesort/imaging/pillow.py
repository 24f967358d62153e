"""Pillow's rough edges, in one place: what it raises, what it warns of, and its global limit."""

from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from facesort.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BOMBS", "PILLOW_FAILURES", "quiet_pillow", "reporting", "without_pillows_limit"]

# Raised for sizes that Pillow finds suspicious (the second one only as a warning turned error).
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# What Pillow's decoders raise on damaged or hostile files: seen on its own collection of crashes,
# or possible by its source. `Warning` is for programs that turn warnings into errors.
PILLOW_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    EOFError,
    BufferError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Warning,
)

_ENDS_EARLY = ("truncated", "unexpected end", "end of file", "ends early", "eof")
# What Pillow says of files that end before their pixels begin, or whose headers make no sense.
_DAMAGED = ("decoder object", "cannot load this image", "broken data stream", "unrecognized data")

# See without_pillows_limit.
_LIMIT_LIFTED = threading.Lock()


def quiet_pillow() -> None:
    """Keep Pillow's warnings about odd metadata from the terminal, for the whole process.

    For a program to call once at its start. A library must not do it to its host, and
    `warnings.catch_warnings` around each photo would not be safe with threads.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    # With no handler at all, logging writes errors to stderr by itself.
    logging.getLogger("PIL").addHandler(logging.NullHandler())


@contextmanager
def without_pillows_limit() -> Iterator[None]:
    """Lift Pillow's limit of about 179 megapixels, which is global and knows no exceptions.

    A 200-megapixel photo is real, and `max_megapixels` guards against bombs. The limit is put back
    when the photo is decoded. Until then other threads of the process are without it too, so it is
    lifted for no photo that fits, and for one photo at a time (which also saves memory).
    """
    with _LIMIT_LIFTED:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def reporting(name: str) -> Iterator[None]:
    """Turn what Pillow raises into Unreadable; photo errors and BOMBS pass.

    Args:
        name: begins the message.
    """
    try:
        yield
    except BOMBS:
        raise
    except PILLOW_FAILURES as error:
        raise Unreadable(
            f"{name}: {_reason(error)}",
            hint="Look at it in a photo viewer; if it is broken there too, restore a backup.",
        ) from error


def _reason(error: BaseException) -> str:
    said = " ".join(str(error).split())[:200]
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, UnidentifiedImageError):
        return "no readable picture header: damaged, or not a picture at all"
    if isinstance(error, EOFError) or any(sign in said.lower() for sign in _ENDS_EARLY):
        return "the file ends early"
    if any(sign in said.lower() for sign in _DAMAGED):
        return "damaged, or the file ends early"
    return f"cannot be decoded ({said})" if said else "cannot be decoded"
