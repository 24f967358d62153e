"""Turns a photo file into upright RGB pixels. The only place that does.

A photo is decoded once; `OpenPhoto` (from `raster`) makes the pictures that are asked for. Which
code reads a file is decided here, by its bytes: suffixes lie.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Protocol

from facesort.errors import TooLarge, Unreadable, Unsupported
from facesort.imaging.content_tiff import is_tiff_raw
from facesort.imaging.formats import HEIC, JPEG_XL, RAW, format_of, unreadable_reason
from facesort.imaging.header import Header
from facesort.imaging.pillow import quiet_pillow
from facesort.imaging.raster import Crop, OpenPhoto

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Crop", "Header", "OpenPhoto", "open_photo", "peek", "quiet_pillow", "read_file"]


class _Open(Protocol):
    def __call__(
        self, data: bytes, *, name: str, max_megapixels: float, long_side: int | None
    ) -> OpenPhoto: ...


class _Peek(Protocol):
    def __call__(self, data: bytes, *, name: str, max_megapixels: float) -> Header: ...


def read_file(path: Path, *, max_bytes: int = 2**30) -> bytes:
    """Read a whole photo file.

    Raises:
        Unreadable: with the operating system's reason.
        TooLarge: it has more bytes than that; nothing was read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{path}: not a file")  # opening a pipe would wait for ever
        if status.st_size > max_bytes:
            raise TooLarge(f"{path}: larger than {max_bytes / 2**20:,.0f} MiB")
        return path.read_bytes()
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "not enough memory"
        raise Unreadable(
            f"{path}: {reason}", hint="Check the file's permissions and its drive."
        ) from error


def open_photo(
    data: bytes, *, name: str, max_megapixels: float, long_side: int | None = None
) -> OpenPhoto:
    """Decode a photo; of several pictures in a file (GIF, MPO, multi-page TIFF) the first.

    Args:
        data: the whole file.
        name: begins every message (`name: reason`); its suffix tells a RAW from other TIFF files.
        max_megapixels: larger photos are refused before a pixel is decoded.
        long_side: pixels that are enough along the longer side, where decoding fewer saves time;
            None decodes all of them.

    Raises:
        Unreadable: damaged or cut off.
        Unsupported: a format that this installation does not read, whatever the file is called.
        TooLarge: too many pixels, or pixels that need too much memory.
    """
    read, _ = _reader(data, name)
    return read(data, name=name, max_megapixels=max_megapixels, long_side=long_side)


def peek(data: bytes, *, name: str, max_megapixels: float) -> Header:
    """Read a photo's header: its EXIF block, and what decoding it will take.

    Raises:
        As `open_photo`, as far as the header tells.
    """
    _, read = _reader(data, name)
    return read(data, name=name, max_megapixels=max_megapixels)


def _reader(data: bytes, name: str) -> tuple[_Open, _Peek]:
    """Return what opens, and what peeks into, a file of this format."""
    label = format_of(data, name) or (RAW if is_tiff_raw(data) else None)
    reason = unreadable_reason(label) if label else None
    if reason is not None:
        raise Unsupported(f"{name}: {reason}", hint="Or convert it to JPEG.")
    if label == HEIC:
        from facesort.imaging.heif import open_heif, peek_heif  # noqa: PLC0415 - an extra

        return open_heif, peek_heif
    if label == RAW:
        from facesort.imaging.camera_raw import open_raw, peek_raw  # noqa: PLC0415 - an extra

        return open_raw, peek_raw
    if label == JPEG_XL:
        from facesort.imaging.jpeg_xl import open_jxl, peek_jxl  # noqa: PLC0415 - an extra

        return open_jxl, peek_jxl
    from facesort.imaging.pictures import open_picture, peek_picture  # noqa: PLC0415 - heavy

    return open_picture, peek_picture
