"""Decodes cameras' RAW files by LibRaw (rawpy): the embedded preview, or the samples. Extra [raw].

The preview is enough where it has the pixels that are wanted; that saves almost all of the time.
Whatever is decoded, one raster is meant by all boxes: what the preview shows, as it lies on the
sensor, at the sensor's resolution. Cameras leave a few rows and columns of the sensor out of their
JPEG; where there is no preview of the sensor's shape, the raster is all that is visible.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import rawpy
from PIL import Image

from facesort.errors import PhotoError, TooLarge, Unreadable, Unsupported
from facesort.imaging.colour import Colours
from facesort.imaging.exif import ExifBlock, read_camera, read_taken_at
from facesort.imaging.formats import RAW
from facesort.imaging.header import Header, check_memory, check_pixels
from facesort.imaging.jpeg import scaled_size, useful_eighths
from facesort.imaging.pictures import open_picture
from facesort.imaging.pillow import reporting
from facesort.imaging.raster import OpenPhoto
from facesort.imaging.reduce import ArrayRaster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["open_raw", "peek_raw"]

# LibRaw's flips against EXIF's orientations. Source: LibRaw, libraw_image_sizes_t.
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}

# A preview shows the whole picture if its sides have the sensor's proportions, up to the rows and
# columns that cameras leave out. Others are cut, or padded in black.
_SAME_SHAPE = 0.02

# A preview with this share of the sensor's pixels along a side is as good as all of them.
_FULL_ENOUGH = 0.9

# Measured with LibRaw 0.22 on 24 megapixels (2026-11-22): 11 and 3. The samples, four channels of
# 16 bits, the picture made of them and its copy; at half the size, a quarter of all but the first.
_BYTES_PER_PIXEL, _HALF_BYTES_PER_PIXEL = 14, 5
_JPEG_BYTES_PER_PIXEL = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Raw:
    """What is known of a RAW file without decoding its samples.

    Args:
        sensor: (width, height) of the visible samples.
        left: where the raster begins on them.
        top: likewise.
        size: (width, height) of the raster.
        orientation: EXIF's.
        preview: a JPEG that shows the raster, or b''.
        preview_size: (width, height) of it, as it lies.
        reduction: raster pixels per preview pixel.
        is_upright: whether the preview is turned upright already.
        taken_at: as in Header.
        camera: as in Header.
    """

    sensor: tuple[int, int]
    left: int
    top: int
    size: tuple[int, int]
    orientation: int
    preview: bytes = b""
    preview_size: tuple[int, int] = (0, 0)
    reduction: float = 1.0
    is_upright: bool = False
    taken_at: str = ""
    camera: str = ""

    def is_enough(self, long_side: int) -> bool:
        """Whether the preview has that longer side, or as good as all pixels."""
        return max(self.preview_size) >= min(long_side, _FULL_ENOUGH * max(self.size))

    @property
    def header(self) -> Header:
        """The same, as callers know it."""
        costs = []
        if self.preview:
            for eighths in useful_eighths(self.preview_size):
                width, height = scaled_size(self.preview_size, eighths)
                enough_for = max(self.preview_size) * eighths // 8
                costs.append((enough_for, width * height * _JPEG_BYTES_PER_PIXEL))
        if not self.is_enough(max(self.size)):
            pixels, longer = self.sensor[0] * self.sensor[1], max(self.size)
            if not self.is_enough(longer // 2):
                costs.append((longer // 2, pixels * _HALF_BYTES_PER_PIXEL))
            costs.append((longer, pixels * _BYTES_PER_PIXEL))
        return Header(
            self.orientation, *self.size, tuple(costs), taken_at=self.taken_at, camera=self.camera
        )


def open_raw(data: bytes, *, name: str, max_megapixels: float, long_side: int | None) -> OpenPhoto:
    """Decode a RAW file; see `decode.open_photo`."""
    raw = _read(data, name, max_megapixels)
    wanted = max(raw.size) if long_side is None else min(long_side, max(raw.size))
    check_memory(name, raw.header, wanted, file_bytes=len(data))
    if raw.preview and raw.is_enough(wanted):
        try:
            return _from_preview(raw, name, max_megapixels, wanted)
        except PhotoError:
            pass  # damaged: the samples may be whole
    return _from_samples(raw, data, name, halved=wanted <= max(raw.size) // 2)


def peek_raw(data: bytes, *, name: str, max_megapixels: float) -> Header:
    """Read a RAW file's header; see `decode.peek`."""
    return _read(data, name, max_megapixels).header


def _from_preview(raw: _Raw, name: str, max_megapixels: float, long_side: int) -> OpenPhoto:
    preview = open_picture(
        raw.preview, name=name, max_megapixels=max_megapixels, long_side=long_side
    )
    return replace(
        preview,
        format=RAW,
        width=raw.size[0],
        height=raw.size[1],
        orientation=raw.orientation,
        taken_at=raw.taken_at,
        camera=raw.camera,
        turn=1 if raw.is_upright else raw.orientation,
        reduction=raw.reduction * preview.reduction,
    )


def _from_samples(raw: _Raw, data: bytes, name: str, *, halved: bool) -> OpenPhoto:
    with _reporting(name, data), rawpy.RawPy() as file:
        file.open_buffer(BytesIO(data))
        pixels = file.postprocess(
            half_size=halved,
            user_flip=0,
            use_camera_wb=True,
            # Quick, and as good as others once the pixels are averaged down.
            demosaic_algorithm=rawpy.DemosaicAlgorithm.LINEAR,
        )
        each = 2 if halved else 1
        pixels = _of_size(pixels, (-(-raw.sensor[0] // each), -(-raw.sensor[1] // each)))
        width, height = (-(-side // each) for side in raw.size)
        left, top = raw.left // each, raw.top // each
        shown = np.ascontiguousarray(pixels[top : top + height, left : left + width])
        shown.setflags(write=False)
    return OpenPhoto(
        name=name,
        format=RAW,
        width=raw.size[0],
        height=raw.size[1],
        orientation=raw.orientation,
        taken_at=raw.taken_at,
        camera=raw.camera,
        raster=ArrayRaster(shown),
        turn=raw.orientation,
        colours=Colours.with_profile(None),
        reduction=float(each),
    )


def _of_size(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring pixels that LibRaw has stretched or turned (few old cameras) to the sensor's size."""
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    import cv2  # noqa: PLC0415 - heavy

    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _read(data: bytes, name: str, max_megapixels: float) -> _Raw:
    if not data:
        raise Unreadable(f"{name}: the file is empty", hint="Restore it from a backup.")
    with _reporting(name, data), rawpy.RawPy() as file:
        file.open_buffer(BytesIO(data))
        sizes = file.sizes
        check_pixels(name, (sizes.width, sizes.height), max_megapixels)
        preview, preview_size = _preview(file)
        raw = _with_preview(_without_preview(sizes), preview, preview_size)
        moment = file.other.timestamp  # an unset clock counts from 1970
    has_own_exif = data[:4] in {b"II*\0", b"MM\0*"}
    exif = ExifBlock(data if has_own_exif else _exif_of(preview))
    return replace(
        raw,
        taken_at=read_taken_at(exif)
        or (moment.isoformat() if moment and moment.year > 1970 else ""),
        camera=read_camera(exif),
    )


def _preview(file: rawpy.RawPy) -> tuple[bytes, tuple[int, int]]:
    """Return the largest embedded JPEG and its size, or nothing."""
    try:
        thumbnail = file.extract_thumb()
        if thumbnail.format is not rawpy.ThumbFormat.JPEG:
            return b"", (0, 0)
        preview = bytes(thumbnail.data)
        with Image.open(BytesIO(preview), formats=("JPEG",)) as image:
            return preview, image.size
    except (rawpy.LibRawError, NotImplementedError, OSError, SyntaxError, ValueError):
        return b"", (0, 0)


def _without_preview(sizes: rawpy.ImageSizes) -> _Raw:
    sensor = (sizes.width, sizes.height)
    # What the camera itself shows of the samples, counted from the first of all.
    left, top = sizes.crop_left_margin - sizes.left_margin, sizes.crop_top_margin - sizes.top_margin
    size = (sizes.crop_width, sizes.crop_height)
    if min(left, top) < 0 or min(size) < sensor[0] // 2 or left + size[0] > sensor[0]:
        left, top, size = 0, 0, sensor
    if top + size[1] > sensor[1]:
        left, top, size = 0, 0, sensor
    return _Raw(sensor, left, top, size, _ORIENTATIONS.get(sizes.flip, 1))


def _with_preview(raw: _Raw, preview: bytes, preview_size: tuple[int, int]) -> _Raw:
    """Give the raster the shape of its preview, in the middle of what the camera shows."""
    lying, is_upright = preview_size, False
    if raw.orientation in {6, 8} and not _has_shape(lying, raw.size):
        lying, is_upright = (lying[1], lying[0]), True
    if not preview or not _has_shape(lying, raw.size):
        return raw
    reduction = min(raw.size[0] / lying[0], raw.size[1] / lying[1])
    if reduction < 1 - _SAME_SHAPE:
        return raw  # larger than what it shows
    reduction = max(1.0, reduction)
    size = (round(lying[0] * reduction), round(lying[1] * reduction))
    # Even, so that it is whole at half the size.
    left = max(0, raw.left + (raw.size[0] - size[0]) // 2) // 2 * 2
    top = max(0, raw.top + (raw.size[1] - size[1]) // 2) // 2 * 2
    return replace(
        raw,
        left=left,
        top=top,
        size=size,
        preview=preview,
        preview_size=preview_size,
        reduction=reduction,
        is_upright=is_upright,
    )


def _has_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    if not min(size):
        return False
    return abs(math.log(size[0] / size[1] * other[1] / other[0])) < _SAME_SHAPE


def _exif_of(preview: bytes) -> bytes:
    if not preview:
        return b""
    try:
        with Image.open(BytesIO(preview), formats=("JPEG",)) as image:
            block = image.info.get("exif", b"")
            return block if isinstance(block, bytes) else b""
    except (OSError, SyntaxError, ValueError):
        return b""


@contextmanager
def _reporting(name: str, data: bytes) -> Iterator[None]:
    """Turn what LibRaw raises into photo errors."""
    try:
        with reporting(name):
            yield
    except rawpy.LibRawFileUnsupportedError as error:
        if data[:2] in {b"II", b"MM"} or data[4:8] == b"ftyp":
            raise Unsupported(
                f"{name}: RAW of this camera is not supported", hint="Convert it to DNG or JPEG."
            ) from error
        raise Unreadable(
            f"{name}: no readable picture header: damaged, or not a picture at all", hint=_HINT
        ) from error
    except rawpy.LibRawTooBigError as error:
        raise TooLarge(f"{name}: too large for LibRaw", hint="Convert it to JPEG.") from error
    except rawpy.LibRawError as error:
        raise Unreadable(f"{name}: {_said(error)}", hint=_HINT) from error


_HINT = "Look at it in a RAW converter; if it is broken there too, restore a backup."


def _said(error: rawpy.LibRawError) -> str:
    words = error.args[0] if error.args else b""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    if isinstance(error, rawpy.LibRawIOError | rawpy.LibRawDataError):
        return "damaged, or the file ends early"
    return f"cannot be decoded ({text})" if text else "cannot be decoded"
