"""Decodes the formats that the core installation reads: JPEG by libjpeg-turbo, all by Pillow."""

from __future__ import annotations

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

from facesort.errors import Unreadable, Unsupported
from facesort.imaging.colour import Colours
from facesort.imaging.exif import read_camera, read_orientation, read_taken_at
from facesort.imaging.geometry import upright_size
from facesort.imaging.header import Header, check_memory, check_pixels
from facesort.imaging.jpeg import (
    decode_jpeg,
    draft_size,
    keeps_coefficients,
    scaled_size,
    smallest_eighths,
    useful_eighths,
)
from facesort.imaging.pillow import BOMBS, reporting, without_pillows_limit
from facesort.imaging.raster import OpenPhoto
from facesort.imaging.reduce import ArrayRaster, PillowRaster

if TYPE_CHECKING:
    from facesort.imaging.reduce import Raster

__all__ = ["open_picture", "peek_picture"]

# Pillow may run no other handler: some start programs (EPS) or parse far beyond pictures.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "JPEG2000", "AVIF", "PPM")
_NAMES = {"DIB": "BMP"}
_JPEGS = frozenset(("JPEG", "MPO"))  # an MPO's first picture is an ordinary JPEG
_ORIENTATION = 0x0112  # a TIFF tag

_RASTER_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
# Bytes a pixel beside the raster, measured on 20 megapixels with Pillow 13.0 (AVIF: 6, and 6 more
# for 10 bits in full colour). WebP and AVIF decode whole frames apart from the raster; JPEG 2000
# holds 32 bits a sample.
_WORKSPACE_BYTES = {"WEBP": 12, "AVIF": 12, "JPEG2000": 16}


def open_picture(
    data: bytes, *, name: str, max_megapixels: float, long_side: int | None
) -> OpenPhoto:
    """Decode a picture; see `decode.open_photo`."""
    try:
        return _open(data, name, max_megapixels, long_side)
    except BOMBS:
        with without_pillows_limit():
            return _open(data, name, max_megapixels, long_side)


def peek_picture(data: bytes, *, name: str, max_megapixels: float) -> Header:
    """Read a picture's header; see `decode.peek`."""
    try:
        return _peek(data, name, max_megapixels)
    except BOMBS:
        with without_pillows_limit():
            return _peek(data, name, max_megapixels)


def _peek(data: bytes, name: str, max_megapixels: float) -> Header:
    image = _identified(data, name, max_megapixels)
    with reporting(name):
        return _header(image, data)


def _open(data: bytes, name: str, max_megapixels: float, long_side: int | None) -> OpenPhoto:
    image = _identified(data, name, max_megapixels)
    with reporting(name):
        header = _header(image, data)
        check_memory(name, header, long_side, file_bytes=len(data))
        if image.format in _JPEGS:
            return _decode_jpeg(image, data, name, header, long_side)
        return _decode(image, name, header)


def _header(image: Image.Image, data: bytes) -> Header:
    """Describe an opened file whose pixels are not decoded yet."""
    kind = image.format or ""
    # A PNG may carry its EXIF behind the pixels: reading it would decode them.
    tagged = None if kind == "PNG" else read_orientation(image)
    # TIFF: Pillow turns the pixels itself while it loads them, and then forgets the tag. It says
    # the upright size before it has, if the tag is TIFF's own.
    turned = kind == "TIFF" and tagged != 1
    swapped = turned and getattr(image, "tag_v2", {}).get(_ORIENTATION) in {5, 6, 7, 8}
    size = (image.height, image.width) if swapped else image.size
    return Header(
        tagged,
        *size,
        _jpeg_costs(image, data) if kind in _JPEGS else _whole_cost(image, turned=turned),
        taken_at="" if tagged is None else read_taken_at(image),
        camera="" if tagged is None else read_camera(image),
    )


def _whole_cost(image: Image.Image, *, turned: bool) -> tuple[tuple[int, int], ...]:
    each = _RASTER_BYTES.get(image.mode, 4) * (2 if turned else 1)
    each += _WORKSPACE_BYTES.get(image.format or "", 0)
    return ((max(image.size), image.width * image.height * each),)


def _jpeg_costs(image: Image.Image, data: bytes) -> tuple[tuple[int, int], ...]:
    # All coefficients are kept, two bytes each, at whatever size.
    kept = 2 * _samples_per_pixel(image) if keeps_coefficients(data) else 0.0
    coefficients = int(image.width * image.height * kept)
    each = _RASTER_BYTES.get(image.mode, 4)
    costs = []
    for eighths in useful_eighths(image.size):
        width, height = scaled_size(image.size, eighths)
        # Rounded down, as `smallest_eighths` chooses: a last pixel that is part does not count.
        enough_for = max(image.size) * eighths // 8
        costs.append((enough_for, width * height * each + coefficients))
    return tuple(costs)


def _identified(data: bytes, name: str, max_megapixels: float) -> Image.Image:
    """Open a file whose size is accepted; no pixel is decoded."""
    if not data:
        raise Unreadable(f"{name}: the file is empty", hint="Restore it from a backup.")
    with reporting(name):
        check_pixels(name, _webp_canvas(data), max_megapixels)
        try:
            image = Image.open(BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError:
            if data[4:8] == b"ftyp" and not features.check("avif"):
                raise Unsupported(f"{name}: AVIF is not supported by this Pillow") from None
            raise
        check_pixels(name, image.size, max_megapixels)
    return image


def _decode_jpeg(
    image: Image.Image, data: bytes, name: str, header: Header, long_side: int | None
) -> OpenPhoto:
    eighths = smallest_eighths(image.size, long_side)
    colours = Colours.of(image)
    raster: Raster | None = None
    reduction = 8 / eighths
    if image.mode in {"L", "RGB"}:
        pixels = decode_jpeg(data, image.size, eighths, grey=image.mode == "L")
        if pixels is not None:
            raster = ArrayRaster(pixels)
    if raster is None:
        draft = draft_size(image.size, eighths)
        reduction = _draft(image, draft) if draft else 1.0
        image.load()
        raster = PillowRaster(image, colours)
    return OpenPhoto(
        name=name,
        format="JPEG",
        width=header.width,
        height=header.height,
        orientation=header.orientation or 1,
        taken_at=header.taken_at,
        camera=header.camera,
        raster=raster,
        turn=header.orientation or 1,
        colours=colours,
        reduction=reduction,
    )


def _draft(image: Image.Image, size: tuple[int, int]) -> float:
    """Tell Pillow to decode a JPEG smaller; return how many full pixels each will stand for."""
    full = image.size
    image.draft(None, size)
    # Pillow rounds sizes up: of 1, 2, 4 and 8, only one gives this longer side.
    longer, reduced = max(full), max(image.size)
    return float(next(k for k in (1, 2, 4, 8) if -(-longer // k) == reduced))


def _decode(image: Image.Image, name: str, header: Header) -> OpenPhoto:
    """Decode the pixels of an opened file whose size is accepted."""
    kind = image.format or ""
    image.load()
    turn = read_orientation(image)
    tagged, taken_at, camera = header.orientation, header.taken_at, header.camera
    if tagged is None:
        tagged, taken_at, camera = turn, read_taken_at(image), read_camera(image)
    width, height = upright_size(*image.size, tagged if turn == 1 else 1)
    if kind in {"WEBP", "AVIF"}:
        image = image.copy()  # leaves behind the decoder with its canvases
    colours = Colours.of(image)
    return OpenPhoto(
        name=name,
        format=_NAMES.get(kind, kind),
        width=width,
        height=height,
        orientation=tagged,
        taken_at=taken_at,
        camera=camera,
        raster=PillowRaster(image, colours),
        turn=turn,
        colours=colours,
    )


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
