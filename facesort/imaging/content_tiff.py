"""Lists the parts of a TIFF (or BigTIFF) that make its pixels, wherever in the file they lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["tiff_parts"]

_NEW_SUBFILE_TYPE, _COMPRESSION = 254, 259
_STRIP_OFFSETS, _STRIP_SIZES = 273, 279
_TILE_OFFSETS, _TILE_SIZES = 324, 325
_OLD_STYLE_JPEG = 6

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
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4].strip(b"\x00") == b"+":
        layout = _Layout(order, count="Q", word="Q")
        (offset,) = struct.unpack_from(f"{order}Q", data, 8)
    else:
        layout = _Layout(order, count="H", word="I")
        (offset,) = struct.unpack_from(f"{order}I", data, 4)
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
    data: bytes, page: dict[int, _Value], order: str
) -> Iterator[tuple[bytes, bytes | memoryview]]:
    view = memoryview(data)
    if _COMPRESSION in page and page[_COMPRESSION].numbers(order) == (_OLD_STYLE_JPEG,):
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
