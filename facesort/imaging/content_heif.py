"""Lists the parts of a HEIF or AVIF still that make its pixels, wherever in the file they lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["boxes", "heif_parts"]

# Items that hold no pixels: EXIF, XMP (mime) and links.
_METADATA_ITEMS = frozenset((b"Exif", b"mime", b"uri "))
# Properties that pixels depend on. Not here: colr (the colour profile), rloc, udes, cclv, mdcv...
_PIXEL_PROPERTIES = frozenset(
    (
        *(b"ispe", b"irot", b"imir", b"clap", b"pixi", b"auxC", b"lsel", b"a1op", b"a1lx"),
        *(b"hvcC", b"lhvC", b"av1C", b"avcC", b"vvcC", b"jpgC", b"j2kH", b"uncC", b"cmpd"),
    )
)
# References that say how coded items make one picture: a grid's tiles, an alpha plane.
_PIXEL_REFERENCES = frozenset((b"dimg", b"auxl", b"prem"))

# Far above any real picture: a grid of 200 megapixels has about a thousand items.
_MAX_BOXES = 1 << 18


@dataclass(slots=True)
class _Item:
    """One item of the meta box: where its bytes lie and what it depends on."""

    kind: bytes = b""
    spans: list[tuple[bool, int, int]] = field(default_factory=list)  # in idat?, offset, length
    properties: list[int] = field(default_factory=list)


class _Reader:
    """Reads big-endian fields one after the other; past the end it raises struct.error."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> int:
        """Return the next unsigned number of that many bytes (0, 1, 2, 4 or 8)."""
        if size == 0:
            return 0
        code = {1: ">B", 2: ">H", 4: ">I", 8: ">Q"}[size]
        (value,) = struct.unpack_from(code, self._data, self._at)
        self._at += size
        return int(value)

    def fourcc(self) -> bytes:
        """Return the next four characters."""
        (value,) = struct.unpack_from("4s", self._data, self._at)
        self._at += 4
        return bytes(value)

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def heif_parts(data: bytes) -> Iterator[tuple[bytes, bytes | memoryview]]:
    """Yield every coded item with the properties that alter its pixels, in order of item id.

    Item ids are replaced by positions, and offsets are followed, never yielded: an editor that adds
    EXIF or XMP moves both.

    Raises:
        ValueError, IndexError, KeyError, struct.error: there is no still picture, or the structure
            makes no sense.
    """
    view = memoryview(data)
    top = dict(boxes(view))
    if b"moov" in top:
        raise ValueError("a sequence: its frames do not lie in items")
    meta = dict(boxes(top[b"meta"][4:]))
    idat = meta.get(b"idat", view[:0])
    items = _read_items(meta)
    pictures = sorted(number for number, item in items.items() if item.kind not in _METADATA_ITEMS)
    position = {number: index for index, number in enumerate(pictures)}
    properties = [(kind, body) for kind, body in boxes(dict(boxes(meta[b"iprp"]))[b"ipco"])]
    coded = 0
    for number in pictures:
        item = items[number]
        yield b"item", item.kind
        for index in item.properties:
            kind, body = properties[index - 1]
            if kind in _PIXEL_PROPERTIES:
                yield b"property " + kind, body
        for in_idat, offset, length in item.spans:
            yield b"data", (idat if in_idat else view)[offset : offset + length]
            coded += length
    yield b"primary", b"%d" % position[_read_primary(meta[b"pitm"])]
    for kind, source, targets in _read_references(meta.get(b"iref")):
        if kind in _PIXEL_REFERENCES and source in position:
            numbers = [position[target] for target in targets if target in position]
            yield b"reference " + kind, " ".join(map(str, [position[source], *numbers])).encode()
    if not coded:
        raise ValueError("a HEIF without picture data")


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield (type, body) of the boxes of ISO media that follow one another in these bytes.

    Raises:
        ValueError, struct.error: the structure makes no sense.
    """
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            header = 16
        elif size == 0:
            size = len(data) - at  # "up to the end"
        if size < header:
            raise ValueError("a box shorter than its header")
        yield bytes(kind), data[at + header : at + size]
        at += size
    else:
        raise ValueError("more boxes than any picture has")


def _read_items(meta: dict[bytes, memoryview]) -> dict[int, _Item]:
    items: dict[int, _Item] = {}
    _read_kinds(meta[b"iinf"], items)
    _read_spans(meta[b"iloc"], items)
    for kind, body in boxes(meta[b"iprp"]):
        if kind == b"ipma":
            _read_associations(body, items)
    return items


def _read_kinds(body: memoryview, items: dict[int, _Item]) -> None:
    skip = 6 if body[0] == 0 else 8  # version, flags, number of entries
    for kind, entry in boxes(body[skip:]):
        if kind != b"infe" or entry[0] < 2:
            raise ValueError("an item list of an unknown version")
        reader = _Reader(entry[4:])
        number = reader.take(2 if entry[0] == 2 else 4)
        reader.take(2)  # protection
        items[number] = _Item(kind=reader.fourcc())


def _read_spans(body: memoryview, items: dict[int, _Item]) -> None:
    """Read iloc: for each item, the stretches of the file (or of the idat box) it consists of."""
    version = body[0]
    if version > 2:
        raise ValueError("item locations of an unknown version")
    reader = _Reader(body[4:])
    sizes = reader.take(2)
    offset_size, length_size, base_size, index_size = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )
    id_size = 4 if version == 2 else 2
    for _ in range(reader.take(id_size)):
        item = items[reader.take(id_size)]
        method = reader.take(2) & 15 if version else 0
        source = reader.take(2)
        base = reader.take(base_size)
        if method > 1 or source:
            raise ValueError("an item that lies elsewhere")
        for _ in range(reader.take(2)):
            if version:
                reader.take(index_size)
            offset, length = base + reader.take(offset_size), reader.take(length_size)
            if not length:
                raise ValueError("an item without a length")
            item.spans.append((method == 1, offset, length))


def _read_associations(body: memoryview, items: dict[int, _Item]) -> None:
    """Read ipma: for each item, the 1-based indices of its properties (0 means none)."""
    id_size = 2 if body[0] == 0 else 4
    wide = bool(body[3] & 1)
    reader = _Reader(body[4:])
    for _ in range(reader.take(4)):
        item = items[reader.take(id_size)]
        for _ in range(reader.take(1)):
            index = reader.take(2) & 0x7FFF if wide else reader.take(1) & 0x7F
            if index:
                item.properties.append(index)


def _read_primary(body: memoryview) -> int:
    return _Reader(body[4:]).take(2 if body[0] == 0 else 4)


def _read_references(body: memoryview | None) -> Iterator[tuple[bytes, int, list[int]]]:
    """Yield (type, from, to) of the iref box."""
    if body is None:
        return
    id_size = 2 if body[0] == 0 else 4
    for kind, entry in boxes(body[4:]):
        reader = _Reader(entry)
        source = reader.take(id_size)
        count = reader.take(2)
        if count * id_size > reader.left:
            raise ValueError("a reference that runs past the end")
        yield kind, source, [reader.take(id_size) for _ in range(count)]
