"""Turns a photo file into upright RGB pixels. The only place that does.

A photo is decoded once; `OpenPhoto` (from `raster`) makes the pictures that are asked for.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

# Naming the plugins here registers them, so that Pillow never loads its thirty others to look.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    Jpeg2KImagePlugin,  # noqa: F401
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
    features,
)

from facesort.errors import TooLarge, Unreadable, Unsupported
from facesort.imaging.colour import Colours
from facesort.imaging.exif import read_camera, read_orientation, read_taken_at
from facesort.imaging.formats import unsupported_format
from facesort.imaging.geometry import upright_size
from facesort.imaging.pillow import BOMBS, quiet_pillow, reporting, without_pillows_limit
from facesort.imaging.raster import Crop, OpenPhoto

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Crop", "Header", "OpenPhoto", "open_photo", "peek", "quiet_pillow", "read_file"]

# Pillow may run no other handler: some start programs (EPS) or parse far beyond pictures.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "JPEG2000", "AVIF", "PPM")
_NAMES = {"MPO": "JPEG", "DIB": "BMP"}  # an MPO's first picture is an ordinary JPEG

# A photo may take this much memory while it is decoded; several are decoded at once.
_MAX_DECODED_BYTES = 1.5 * 2**30
_RASTER_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
# Bytes a pixel beside the raster, measured on 20 megapixels with Pillow 13.0 (AVIF: 6, and 6 more
# for 10 bits in full colour). WebP and AVIF decode whole frames apart from the raster; JPEG 2000
# holds 32 bits a sample.
_WORKSPACE_BYTES = {"WEBP": 12, "AVIF": 12, "JPEG2000": 16}


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a photo before its pixels are decoded.

    Args:
        orientation: EXIF, 1..8; None where only decoding tells.
        decoded_bytes: memory that decoding takes.
        taken_at: ISO 8601 without zone, or empty; empty too where only decoding tells.
        camera: model name, or empty; likewise.
    """

    orientation: int | None
    decoded_bytes: int
    taken_at: str = ""
    camera: str = ""


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


def open_photo(data: bytes, *, name: str, max_megapixels: float) -> OpenPhoto:
    """Decode a photo; of several pictures in a file (GIF, MPO, multi-page TIFF) the first.

    Args:
        data: the whole file.
        name: begins every message (`name: reason`).
        max_megapixels: larger photos are refused before a pixel is decoded.

    Raises:
        Unreadable: damaged or cut off.
        Unsupported: a format that this installation does not read, whatever the file is called.
        TooLarge: too many pixels, or pixels that need too much memory.
    """
    label = unsupported_format(data[:128])
    if label:
        raise Unsupported(f"{name}: {label} is not supported", hint="Convert it to JPEG.")
    try:
        return _open(data, name, max_megapixels)
    except BOMBS:
        with without_pillows_limit():
            return _open(data, name, max_megapixels)


def peek(data: bytes, *, name: str, max_megapixels: float) -> Header:
    """Read a photo's header: its EXIF block, and what decoding it will take.

    Raises:
        As `open_photo`, as far as the header tells.
    """
    label = unsupported_format(data[:128])
    if label:
        raise Unsupported(f"{name}: {label} is not supported", hint="Convert it to JPEG.")
    try:
        return _peek(data, name, max_megapixels)
    except BOMBS:
        with without_pillows_limit():
            return _peek(data, name, max_megapixels)


def _peek(data: bytes, name: str, max_megapixels: float) -> Header:
    image = _identified(data, name, max_megapixels)
    with reporting(name):
        # A PNG may carry its EXIF behind the pixels: reading it would decode them.
        if image.format == "PNG":
            return Header(None, _decoded_bytes(image, turned=False))
        orientation = read_orientation(image)
        turned = orientation != 1 and image.format == "TIFF"
        needed = _decoded_bytes(image, turned=turned)
        return Header(orientation, needed, read_taken_at(image), read_camera(image))


def _open(data: bytes, name: str, max_megapixels: float) -> OpenPhoto:
    image = _identified(data, name, max_megapixels)
    with reporting(name):
        return _decode(image, name)


def _identified(data: bytes, name: str, max_megapixels: float) -> Image.Image:
    """Open a file whose size is accepted; no pixel is decoded."""
    if not data:
        raise Unreadable(f"{name}: the file is empty", hint="Restore it from a backup.")
    with reporting(name):
        _check_pixels(name, _webp_canvas(data), max_megapixels)
        try:
            image = Image.open(BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError:
            if data[4:8] == b"ftyp" and not features.check("avif"):
                raise Unsupported(f"{name}: AVIF is not supported by this Pillow") from None
            raise
        _check_pixels(name, image.size, max_megapixels)
    return image


def _decode(image: Image.Image, name: str) -> OpenPhoto:
    """Decode the pixels of an opened file whose size is accepted."""
    image_format = image.format or ""
    is_png = image_format == "PNG"  # reading its EXIF would decode it unchecked
    # TIFF: Pillow turns the pixels itself while it loads them, and then forgets the tag.
    tagged = 1 if is_png else read_orientation(image)
    _check_memory(name, image, turned=tagged != 1 and image_format == "TIFF")
    taken_at, camera = ("", "") if is_png else (read_taken_at(image), read_camera(image))
    image.load()
    turn = read_orientation(image)
    if is_png:
        tagged, taken_at, camera = turn, read_taken_at(image), read_camera(image)
    width, height = upright_size(*image.size, tagged if turn == 1 else 1)
    if image_format in {"WEBP", "AVIF"}:
        image = image.copy()  # leaves behind the decoder with its canvases
    return OpenPhoto(
        name=name,
        format=_NAMES.get(image_format, image_format),
        width=width,
        height=height,
        orientation=tagged,
        taken_at=taken_at,
        camera=camera,
        raster=image,
        turn=turn,
        colours=Colours.of(image),
    )


def _check_pixels(name: str, size: tuple[int, int], max_megapixels: float) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > max_megapixels:
        raise TooLarge(
            f"{name}: {size[0]:,} x {size[1]:,} pixels, more than {max_megapixels:g} megapixels",
            hint="If that is a real photo, make a smaller copy of it.",
        )


def _check_memory(name: str, image: Image.Image, *, turned: bool) -> None:
    needed = _decoded_bytes(image, turned=turned)
    if needed > _MAX_DECODED_BYTES:
        raise TooLarge(
            f"{name}: decoding {image.width:,} x {image.height:,} pixels would take "
            f"{needed / 2**30:.1f} GiB of memory",
            hint="If that is a real photo, make a smaller copy of it.",
        )


def _decoded_bytes(image: Image.Image, *, turned: bool) -> int:
    each: float = _RASTER_BYTES.get(image.mode, 4) * (2 if turned else 1)
    each += _WORKSPACE_BYTES.get(image.format or "", 0)
    if image.info.get("progressive"):
        each += 2 * _samples_per_pixel(image)  # all coefficients are kept, two bytes each
    return int(image.width * image.height * each)


def _samples_per_pixel(image: Image.Image) -> float:
    """Return the samples per pixel of a JPEG: 3 in full colour, 1.5 with the usual subsampling."""
    factors = [h * v for _, h, v, _ in getattr(image, "layer", ())]
    return sum(factors) / max(factors) if factors and max(factors) else 3.0


def _webp_canvas(data: bytes) -> tuple[int, int]:
    """Return an extended WebP's canvas, (0, 0) for anything else.

    Pillow's decoder takes the memory for its canvas before the size can be asked for.
    """
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X" or len(data) < 30:
        return (0, 0)
    width, height = data[24:27] + b"\0", data[27:30] + b"\0"
    return (int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1)
