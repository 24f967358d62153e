"""Decodes HEIC and HEIF by libheif (pi-heif). Extra [heic].

libheif turns and mirrors the picture itself, as the file's own properties say; those are part of
the content key. The orientation in a HEIC's EXIF block only repeats them: it is never applied.
"""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pi_heif

from facesort.imaging.colour import Colours
from facesort.imaging.exif import ExifBlock, read_camera, read_taken_at
from facesort.imaging.header import Header, check_memory, check_pixels
from facesort.imaging.pillow import reporting
from facesort.imaging.raster import OpenPhoto
from facesort.imaging.reduce import ArrayRaster, PillowRaster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pi_heif import HeifFile, HeifImage

    from facesort.imaging.reduce import Raster

__all__ = ["open_heif", "peek_heif"]

# Measured with libheif 1.23 on 12 megapixels (2026-11-22): see docs/performance.md. Planes at
# half colour, the RGB picture made of them, and its copy for Python.
_BYTES_PER_PIXEL = 10


def open_heif(data: bytes, *, name: str, max_megapixels: float, long_side: int | None) -> OpenPhoto:
    """Decode the primary picture of a file, in full; see `decode.open_photo`."""
    with _reporting(name):
        picture = _primary(data)
        header = _header(picture)
        check_pixels(name, picture.size, max_megapixels)
        check_memory(name, header, long_side, file_bytes=len(data))
        raster, colours = _decoded(picture)
        width, height = raster.size
        return OpenPhoto(
            name=name,
            format="HEIC",
            width=width,
            height=height,
            orientation=1,
            taken_at=header.taken_at,
            camera=header.camera,
            raster=raster,
            turn=1,
            colours=colours,
        )


def peek_heif(data: bytes, *, name: str, max_megapixels: float) -> Header:
    """Read a file's header; see `decode.peek`."""
    with _reporting(name):
        picture = _primary(data)
        check_pixels(name, picture.size, max_megapixels)
        return _header(picture)


def _primary(data: bytes) -> HeifImage:
    file: HeifFile = pi_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=True)
    return file[file.primary_index]


def _header(picture: HeifImage) -> Header:
    width, height = picture.size
    exif = ExifBlock(picture.info.get("exif") or b"")
    cost = (max(width, height), width * height * _BYTES_PER_PIXEL)
    return Header(1, width, height, (cost,), taken_at=read_taken_at(exif), camera=read_camera(exif))


def _decoded(picture: HeifImage) -> tuple[Raster, Colours]:
    picture.load()
    if picture.mode == "RGB":
        # A copy: libheif's memory goes with the picture, whoever still looks at it.
        pixels = np.array(picture, dtype=np.uint8)[:, : picture.size[0]]
        pixels.setflags(write=False)
        return ArrayRaster(pixels), Colours.with_profile(picture.info.get("icc_profile"))
    image = picture.to_pillow()
    colours = Colours.of(image)
    return PillowRaster(image, colours), colours


@contextmanager
def _reporting(name: str) -> Iterator[None]:
    """Turn what libheif raises into Unreadable."""
    with reporting(name):
        yield
