"""Decodes JPEG XL by libjxl (pillow-jxl-plugin, GPL-3.0-or-later). Extra [jxl].

libjxl turns the picture upright itself. A JPEG that was packed into a JPEG XL without loss comes
out as that JPEG, and is decoded like any other.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

from PIL import Image
from pillow_jxl import Decoder

from facesort.errors import Unreadable
from facesort.imaging.colour import Colours
from facesort.imaging.content_heif import boxes
from facesort.imaging.exif import ExifBlock, read_camera, read_taken_at
from facesort.imaging.header import Header, check_memory, check_pixels
from facesort.imaging.pictures import open_picture
from facesort.imaging.pillow import reporting
from facesort.imaging.raster import OpenPhoto
from facesort.imaging.reduce import PillowRaster

__all__ = ["open_jxl", "peek_jxl"]

# Measured with pillow-jxl-plugin 1.3.8 on 21 megapixels (2026-11-22): libjxl's floats, the picture
# made of them, and its copies for Python and for Pillow.
_BYTES_PER_PIXEL = 24

_HINT = "Look at it in a picture viewer; if it is broken there too, restore a backup."
_CODESTREAM = b"\xff\x0a"
_START_BYTES = 32  # enough for the size and the orientation
# Widths as parts of the height. Source: ISO/IEC 18181-1, D.3.2 (SizeHeader).
_RATIOS = {1: (1, 1), 2: (6, 5), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


@dataclass(frozen=True, slots=True)
class _Start:
    """What the first bytes of the codestream and the boxes around it say.

    Args:
        size: (width, height) as coded, before orientation.
        orientation: EXIF's numbers.
        is_jpeg: whether it holds a JPEG to be restored.
        exif: its EXIF block, empty where it has none; None where only decoding unpacks it.
    """

    size: tuple[int, int]
    orientation: int
    is_jpeg: bool
    exif: bytes | None

    @property
    def decoded_size(self) -> tuple[int, int]:
        """(width, height) of the raster that comes out."""
        if self.is_jpeg or self.orientation < 5:
            return self.size
        return self.size[1], self.size[0]


class _SideBox(Protocol):
    """A box of the container, unpacked: EXIF, XMP..."""

    box_type: bytes
    data: bytes


def open_jxl(data: bytes, *, name: str, max_megapixels: float, long_side: int | None) -> OpenPhoto:
    """Decode the first frame of a file, in full; see `decode.open_photo`."""
    header = peek_jxl(data, name=name, max_megapixels=max_megapixels)
    check_memory(name, header, None, file_bytes=len(data))
    with reporting(name):
        try:
            is_jpeg, info, pixels, icc, side_boxes = Decoder(num_threads=1)(data)
        except RuntimeError as error:  # its message is advice on building libjxl
            raise Unreadable(f"{name}: damaged or cut off", hint=_HINT) from error
    if is_jpeg:
        return open_picture(pixels, name=name, max_megapixels=max_megapixels, long_side=long_side)
    with reporting(name):
        image = Image.frombytes(info.mode, (info.width, info.height), pixels)
        if icc:
            image.info["icc_profile"] = icc
        block = next((box.data for box in side_boxes if bytes(box.box_type) == b"Exif"), b"")
        exif = ExifBlock(_exif_block(bytes(block)))
        colours = Colours.of(image)
        return OpenPhoto(
            name=name,
            format="JPEG XL",
            width=image.width,
            height=image.height,
            orientation=1,
            taken_at=read_taken_at(exif),
            camera=read_camera(exif),
            raster=PillowRaster(image, colours),
            turn=1,
            colours=colours,
        )


def peek_jxl(data: bytes, *, name: str, max_megapixels: float) -> Header:
    """Read a file's header; see `decode.peek`."""
    start = _start(data, name, max_megapixels)
    width, height = start.decoded_size
    cost = (max(width, height), width * height * _BYTES_PER_PIXEL)
    if start.is_jpeg or start.exif is None:
        return Header(None, width, height, (cost,))
    exif = ExifBlock(start.exif)
    return Header(1, width, height, (cost,), taken_at=read_taken_at(exif), camera=read_camera(exif))


def _start(data: bytes, name: str, max_megapixels: float) -> _Start:
    try:
        start = _read_start(data)
    except (ValueError, IndexError, KeyError, struct.error) as error:
        raise Unreadable(
            f"{name}: no readable picture header: damaged, or not a picture at all",
            hint=_HINT,
        ) from error
    check_pixels(name, start.size, max_megapixels)
    return start


def _read_start(data: bytes) -> _Start:
    """Read the size before anything is decoded: libjxl would take the memory for any size.

    Raises:
        ValueError, IndexError, KeyError, struct.error: the structure makes no sense.
    """
    stream, is_jpeg = data[:_START_BYTES], False
    exif: bytes | None = b""
    if not data.startswith(_CODESTREAM):
        stream = b""
        for kind, body in boxes(memoryview(data)):
            is_jpeg |= kind == b"jbrd"
            if kind in {b"jxlc", b"jxlp"} and len(stream) < _START_BYTES:
                stream += bytes(body[4 if kind == b"jxlp" else 0 :][:_START_BYTES])
            elif kind == b"Exif":
                exif = _exif_block(bytes(body))
            elif kind == b"brob" and bytes(body[:4]) == b"Exif":
                exif = None
    size, orientation = _read_codestream(stream)
    return _Start(size, orientation, is_jpeg, exif)


def _exif_block(body: bytes) -> bytes:
    """Return the EXIF block in the body of its box: four bytes say where it begins.

    Some writers leave these out.
    """
    if body.startswith((b"II*\0", b"MM\0*")):
        return body
    return body[4 + int.from_bytes(body[:4], "big") :]


def _read_codestream(stream: bytes) -> tuple[tuple[int, int], int]:
    """Return size and orientation.

    Source: ISO/IEC 18181-1, D.2 and D.3 (SizeHeader, ImageMetadata).
    """
    if not stream.startswith(_CODESTREAM):
        raise ValueError("no JPEG XL codestream")
    bits = _Bits(stream[len(_CODESTREAM) :])
    small = bits.take(1)
    height = _read_side(bits, small=small)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        width = height * across // down
    else:
        width = _read_side(bits, small=small)
    plain = bits.take(1)
    orientation = 1 + bits.take(3) if not plain and bits.take(1) else 1
    return (width, height), orientation


def _read_side(bits: _Bits, *, small: int) -> int:
    if small:
        return (bits.take(5) + 1) * 8
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1


class _Bits:
    """Reads numbers from the lowest bit on; past the end it raises IndexError."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        """Return the next unsigned number of that many bits."""
        if count > self._left:
            raise IndexError("the header ends early")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return value
