"""Lists the parts of a TIFF (or BigTIFF) that make its pixels, wherever in the file they lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_tiff_raw", "raw_parts", "tiff_parts"]

_SIGNATURES = frozenset((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"))

_NEW_SUBFILE_TYPE, _COMPRESSION = 254, 259
_STRIP_OFFSETS, _STRIP_SIZES = 273, 279
_TILE_OFFSETS, _TILE_SIZES = 324, 325
_OLD_STYLE_JPEG = 6
_PHOTOMETRIC, _SUB_DIRECTORIES = 262, 330

# Samples of a sensor, before and after interpolation. Source: TIFF/EP, DNG 1.7.
_SENSOR_SAMPLES = frozenset(((32803,), (34892,)))
# Canon's own header says where its samples are described.
_CANON, _CANON_SAMPLES = b"CR\x02", 12
_MAX_DIRECTORIES = 64

# A million tiles of 16 x 16 are 268 megapixels. More would cost 40 bytes of memory for each.
_MAX_NUMBERS = 1 << 20

# Tags without which the stored bytes mean other pixels. Not here: Orientation (274), resolution,
# dates, names, XMP (700), IPTC (33723), Photoshop (34377), EXIF (34665), ICC (34675), GPS.
_RASTER_TAGS = frozenset(
    (
        256,  # ImageWidth
        257,  # ImageLength
        258,  # BitsPerSample
        259,  # Compression
        262,  # PhotometricInterpretation
        266,  # FillOrder
        277,  # SamplesPerPixel
        278,  # RowsPerStrip
        284,  # PlanarConfiguration
        290,  # GrayResponseUnit
        291,  # GrayResponseCurve
        292,  # T4Options
        293,  # T6Options
        317,  # Predictor
        320,  # ColorMap
        322,  # TileWidth
        323,  # TileLength
        332,  # InkSet
        338,  # ExtraSamples
        339,  # SampleFormat
        347,  # JPEGTables
        529,  # YCbCrCoefficients
        530,  # YCbCrSubSampling
        531,  # YCbCrPositioning
        532,  # ReferenceBlackWhite
    )
)

_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_BIG_TYPE_SIZES = {**_TYPE_SIZES, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How this file writes numbers: classic or BigTIFF, in either byte order."""

    order: str
    count: str  # struct code of an IFD's number of entries
    word: str  # struct code of offsets and value counts

    @property
    def word_size(self) -> int:
        return struct.calcsize(self.word)


@dataclass(frozen=True, slots=True)
class _Value:
    """One tag's value: its type and its bytes, in the file's byte order."""

    kind: int
    raw: memoryview

    def numbers(self, order: str) -> tuple[int, ...]:
        code = _WHOLE_NUMBERS[self.kind]
        count = len(self.raw) // struct.calcsize(code)
        if count > _MAX_NUMBERS:
            raise ValueError("a TIFF with more strips than any picture has")
        return struct.unpack(f"{order}{count}{code}", self.raw)

    def canonical(self, order: str) -> bytes | memoryview:
        """Whole numbers as text: editors may rewrite a SHORT as a LONG of the same value."""
        if self.kind in _WHOLE_NUMBERS and self.kind != 1:
            return " ".join(map(str, self.numbers(order))).encode()
        return self.raw


def tiff_parts(data: bytes) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """Yield, page by page, the tags that define the raster and the strips or tiles themselves.

    Offsets are followed, never yielded: an editor may move everything. Reduced copies (previews)
    after the first page are left out, since editors add and drop them.

    Raises:
        ValueError: there is no picture, or the structure makes no sense.
    """
    layout, offset = _begin(data)
    order = layout.order
    # The byte order belongs to the picture: samples of 16 bits are stored in it.
    yield b"order", order.encode()
    seen: set[int] = set()
    structure = 0
    while offset and offset not in seen:
        page, following, size = _read_directory(data, offset, layout)
        structure += size
        if structure > 2 * len(data):
            raise ValueError("a TIFF whose directories overlap")  # else they cost time squared
        if not seen or not _is_preview(page, order):
            yield from _page_parts(data, page, order)
        seen.add(offset)
        offset = following
    if not seen:
        raise ValueError("a TIFF without a page")


def is_tiff_raw(data: bytes) -> bool:
    """Whether it is a TIFF that holds a sensor's samples; its first picture is a thumbnail mostly.

    False for a damaged one.
    """
    if data[:4] not in _SIGNATURES:
        return False
    if data[8:11] == _CANON:
        return True
    try:
        return any(_holds_samples(page, order) for page, order in _pages(data))
    except (ValueError, KeyError, IndexError, OverflowError, struct.error):
        return False


def raw_parts(data: bytes) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """Yield the tags that define a RAW's samples and the samples themselves.

    Thumbnails and previews are left out: RAW converters write them anew.

    Raises:
        ValueError, KeyError, struct.error: there are no samples, or the structure makes no sense.
    """
    found = 0
    for page, order in _pages(data):
        if _holds_samples(page, order):
            yield b"order", order.encode()
            yield from _page_parts(data, page, order)
            found += 1
    if not found and data[8:11] == _CANON:
        layout, _ = _begin(data)
        (offset,) = struct.unpack_from(f"{layout.order}I", data, _CANON_SAMPLES)
        page, _, _ = _read_directory(data, offset, layout)
        yield b"order", layout.order.encode()
        yield from _page_parts(data, page, layout.order, lone_strips=True)
    elif not found:
        raise ValueError("a RAW without samples")


def _begin(data: bytes) -> tuple[_Layout, int]:
    """Return how a file writes numbers, and where its first directory lies."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4].strip(b"\x00") == b"+":
        layout = _Layout(order, count="Q", word="Q")
        (offset,) = struct.unpack_from(f"{order}Q", data, 8)
    else:
        layout = _Layout(order, count="H", word="I")
        (offset,) = struct.unpack_from(f"{order}I", data, 4)
    return layout, int(offset)


def _pages(data: bytes) -> Iterator[tuple[dict[int, _Value], str]]:
    """Yield all directories, those below others included, and the file's byte order.

    Raises:
        ValueError, struct.error: the structure makes no sense.
    """
    layout, first = _begin(data)
    waiting, seen = [first], set[int]()
    while waiting:
        offset = waiting.pop(0)
        if not offset or offset in seen:
            continue
        seen.add(offset)
        if len(seen) > _MAX_DIRECTORIES:
            raise ValueError("more directories than any RAW has")
        page, following, _ = _read_directory(data, offset, layout)
        if _SUB_DIRECTORIES in page:
            waiting += page[_SUB_DIRECTORIES].numbers(layout.order)[:_MAX_DIRECTORIES]
        waiting.append(following)
        yield page, layout.order


def _holds_samples(page: dict[int, _Value], order: str) -> bool:
    kind = page.get(_PHOTOMETRIC)
    return (
        kind is not None and kind.numbers(order) in _SENSOR_SAMPLES and not _is_preview(page, order)
    )


def _read_directory(
    data: bytes, offset: int, layout: _Layout
) -> tuple[dict[int, _Value], int, int]:
    """Read one IFD.

    Returns:
        The values that matter here, by tag; the offset of the next IFD, or 0; the bytes read.
    """
    view = memoryview(data)
    (entries,) = struct.unpack_from(layout.order + layout.count, data, offset)
    offset += struct.calcsize(layout.count)
    entry = struct.Struct(f"{layout.order}HH{layout.word}")
    entry_size = entry.size + layout.word_size
    if offset + entries * entry_size > len(data):
        raise ValueError("a TIFF directory that runs past the end")
    sizes = _BIG_TYPE_SIZES if layout.word == "Q" else _TYPE_SIZES
    page: dict[int, _Value] = {}
    end = offset + entries * entry_size
    read = entries * entry_size
    for start in range(offset, end, entry_size):
        tag, kind, count = entry.unpack_from(data, start)
        if tag not in _WANTED or kind not in sizes:
            continue
        length = count * sizes[kind]
        at = start + entry.size
        if length > layout.word_size:
            (at,) = struct.unpack_from(layout.order + layout.word, data, at)
        if at + length > len(data):
            raise ValueError("a TIFF value that runs past the end")
        page[tag] = _Value(kind, view[at : at + length])
        read += length
    if end + layout.word_size > len(data):
        return page, 0, read  # some writers leave out the link after the last page
    (following,) = struct.unpack_from(layout.order + layout.word, data, end)
    return page, int(following), read


_WANTED = _RASTER_TAGS | {
    _SUB_DIRECTORIES,
    _NEW_SUBFILE_TYPE,
    _STRIP_OFFSETS,
    _STRIP_SIZES,
    _TILE_OFFSETS,
    _TILE_SIZES,
}


def _is_preview(page: dict[int, _Value], order: str) -> bool:
    kind = page.get(_NEW_SUBFILE_TYPE)
    return kind is not None and bool(kind.numbers(order)[0] & 1)


def _page_parts(
    data: bytes, page: dict[int, _Value], order: str, *, lone_strips: bool = False
) -> Iterator[tuple[bytes, bytes | memoryview]]:
    view = memoryview(data)
    if (
        not lone_strips
        and _COMPRESSION in page
        and page[_COMPRESSION].numbers(order) == (_OLD_STYLE_JPEG,)
    ):
        raise ValueError("an old-style JPEG in TIFF, whose tables lie anywhere")
    yield b"page", b""
    for tag in sorted(page.keys() & _RASTER_TAGS):
        yield b"tag %d" % tag, page[tag].canonical(order)
    tiled = _TILE_OFFSETS in page
    offsets = page[_TILE_OFFSETS if tiled else _STRIP_OFFSETS].numbers(order)
    sizes = page[_TILE_SIZES if tiled else _STRIP_SIZES].numbers(order)
    if not offsets or len(offsets) != len(sizes):
        raise ValueError("a TIFF page without picture data")
    for offset, size in zip(offsets, sizes, strict=True):
        # A cut-off strip has another length, hence another key than the whole one.
        yield b"data", view[offset : offset + size]
