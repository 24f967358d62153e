"""Names a picture by its coded pixels, so that editing metadata leaves the name alone.

The key is what every decision hangs on, so what goes into it may never change under one algorithm
name: a better rule needs a new name (`jpeg2`). Each format's parser is a generator of labelled
parts; what is not yielded (keywords, dates, captions, orientation tag, colour profile) may change
freely. Parts are hashed with their labels and lengths: no two different lists of parts look alike.
"""

from __future__ import annotations

import re
import struct
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

from facesort.imaging.content_heif import heif_parts
from facesort.imaging.content_tiff import is_tiff_raw, raw_parts, tiff_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Part: TypeAlias = tuple[bytes, bytes | memoryview]

__all__ = ["content_key"]

# Far above any real picture (a 100 MB PNG in pieces of 8 KiB has 12,800), low enough that a file
# made of nothing but tiny parts costs a second, not a minute.
_MAX_PARTS = 1 << 20
_TOO_MANY = "more parts than any picture has"

# What a parser meets in a damaged file. Parsers raise ValueError by themselves.
_DAMAGE = (ValueError, IndexError, KeyError, OverflowError, struct.error)

# A marker that begins a segment or ends the file. Everything else after 0xFF belongs to coded data
# (a stuffed zero, a restart), is padding, or stands alone (TEM, SOI).
_JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
_EOI, _SOS, _COM = 0xD9, 0xDA, 0xFE

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"))
_WEBP_CHUNKS = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
_WEBP_PICTURES = frozenset((b"VP8 ", b"VP8L", b"ANMF"))


def content_key(data: bytes) -> str:
    """Hash the coded picture without its metadata.

    Args:
        data: a whole file.

    Returns:
        `algo:hash`, 40 hex digits; `file1:` and the hash of all bytes where the format has no
        parser or the file is too damaged for it. Never raises; takes time linear in the size.
    """
    for algorithm, starts, parts in _PARSERS:
        if not starts(data):
            continue
        try:
            return f"{algorithm}:{_hash_parts(parts(data), limit=2 * len(data) + 4096)}"
        except _DAMAGE:
            break
    return f"file1:{blake2b(data, digest_size=20).hexdigest()}"


def _hash_parts(parts: Iterator[Part], *, limit: int) -> str:
    """Hash labels, lengths and payloads, refusing more parts or bytes than an honest file has.

    Else a few kilobytes of TIFF offsets could ask for the same megabytes over and over.
    """
    digest = blake2b(digest_size=20)
    total = 0
    for count, (label, payload) in enumerate(parts):
        total += len(payload)
        if count >= _MAX_PARTS or total > limit:
            raise ValueError(_TOO_MANY)
        digest.update(struct.pack(">BQ", len(label), len(payload)))
        digest.update(label)
        digest.update(payload)
    return digest.hexdigest()


def _jpeg_parts(data: bytes) -> Iterator[Part]:
    """Yield every segment but APPn and COM, and the coded data of every scan.

    What follows the end marker (a motion photo's video, an MPF's second picture) is left out.
    """
    view = memoryview(data)
    position, scans = 2, 0
    for _ in range(_MAX_PARTS):
        found = _JPEG_MARKER.search(data, position)
        if not found:
            break
        marker, position = data[found.start() + 1], found.end()
        if marker == _EOI:
            yield b"EOI", b""  # tells a whole file from one that lost its end
            break
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise ValueError("a JPEG segment shorter than its length field")
        if not (0xE0 <= marker <= 0xEF or marker == _COM):
            yield bytes((marker,)), view[position + 2 : position + length]
        position += length
        if marker == _SOS:
            scans += 1
            found = _JPEG_MARKER.search(data, position)
            end = found.start() if found else len(data)
            yield b"scan", view[position:end]
            position = end
    else:
        raise ValueError(_TOO_MANY)
    if not scans:
        raise ValueError("a JPEG without a scan")


def _png_parts(data: bytes) -> Iterator[Part]:
    """Yield the chunks that make pixels, APNG's frames included; all others are metadata."""
    view = memoryview(data)
    position, pictures = len(_PNG_SIGNATURE), 0
    for _ in range(_MAX_PARTS):
        if position + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            yield kind, b""
            break
        if kind in _PNG_CHUNKS:
            yield kind, view[position + 8 : position + 8 + length]
            pictures += kind == b"IDAT"
        position += 12 + length
    else:
        raise ValueError(_TOO_MANY)
    if not pictures:
        raise ValueError("a PNG without picture data")


def _webp_parts(data: bytes) -> Iterator[Part]:
    """Yield the chunks that make pixels, and the canvas size of an animation.

    A still's canvas is the size of its only frame, and VP8X exists only where there is metadata or
    transparency: hashing it would give another key to a photo that got its first keyword.
    """
    view = memoryview(data)
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = min(len(data), 8 + riff_size)
    position, pictures, canvas, animated = 12, 0, b"", False
    for _ in range(_MAX_PARTS):
        if position + 8 > end:
            break
        kind, length = struct.unpack_from("<4sI", data, position)
        start, stop = position + 8, min(position + 8 + length, end)
        if kind == b"VP8X":
            canvas = data[start + 4 : start + 10]
        elif kind in _WEBP_CHUNKS:
            yield kind, view[start:stop]
            pictures += kind in _WEBP_PICTURES
            animated = animated or kind == b"ANMF"
        position = start + length + (length & 1)
    else:
        raise ValueError(_TOO_MANY)
    if animated:
        yield b"canvas", canvas
    if not pictures:
        raise ValueError("a WebP without picture data")


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _is_tiff(data: bytes) -> bool:
    return data[:4] in {b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"}


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp"


_PARSERS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], Iterator[Part]]], ...] = (
    ("jpeg1", lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg_parts),
    ("png1", lambda data: data.startswith(_PNG_SIGNATURE), _png_parts),
    ("webp1", _is_webp, _webp_parts),
    ("raw1", is_tiff_raw, raw_parts),
    ("tiff1", _is_tiff, tiff_parts),
    ("heif1", _is_heif, heif_parts),
)
