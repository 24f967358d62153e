"""Writes small HEIC files: one HEVC frame (x265, by way of PyAV) in the boxes of a still."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

__all__ = ["heic"]


def heic(
    picture: Image.Image,
    *,
    quarter_turns: int = 0,
    mirror: int | None = None,
    exif: bytes = b"",
    icc: bytes = b"",
) -> bytes:
    """Return a HEIC; skip the test where there is no HEVC encoder.

    Args:
        picture: as it is coded; even width and height.
        quarter_turns: to the left, by the property `irot`.
        mirror: axis of the property `imir`: 0 vertical flip, 1 horizontal flip (of what is shown).
        exif: an EXIF block.
        icc: a colour profile.
    """
    parameters, frame = _coded(picture)
    properties = [
        (b"ispe", bytes(4) + struct.pack(">II", *picture.size)),
        (b"hvcC", _configuration(parameters)),
    ]
    if icc:
        properties.append((b"colr", b"prof" + icc))
    if quarter_turns:
        properties.append((b"irot", bytes((quarter_turns,))))
    if mirror is not None:
        properties.append((b"imir", bytes((mirror,))))
    block = bytes(4) + exif if exif else b""
    meta = b""
    # Twice: the first time finds out where the data begins.
    for _ in range(2):
        at = 24 + len(meta) + 8
        spans = [(1, at, len(frame))]
        if block:
            spans.append((2, at + len(frame), len(block)))
        meta = _meta(properties, spans)
    brands = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    return brands + meta + _box(b"mdat", frame + block)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _meta(properties: list[tuple[bytes, bytes]], spans: list[tuple[int, int, int]]) -> bytes:
    kinds = {1: b"hvc1", 2: b"Exif"}
    entries = b"".join(
        _box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", number, 0, kinds[number]) + b"\0")
        for number, _, _ in spans
    )
    places = b"".join(
        struct.pack(">HHHII", number, 0, 1, at, length) for number, at, length in spans
    )
    used = bytes(range(1, len(properties) + 1))
    links = bytes(4) + struct.pack(">IHB", 1, 1, len(used)) + used
    boxes = [
        _box(b"hdlr", bytes(8) + b"pict" + bytes(13)),
        _box(b"pitm", bytes(4) + struct.pack(">H", 1)),
        _box(b"iloc", bytes(4) + b"\x44\0" + struct.pack(">H", len(spans)) + places),
        _box(b"iinf", bytes(4) + struct.pack(">H", len(spans)) + entries),
    ]
    if len(spans) > 1:
        boxes.append(_box(b"iref", bytes(4) + _box(b"cdsc", struct.pack(">HHH", 2, 1, 1))))
    held = _box(b"ipco", b"".join(_box(kind, body) for kind, body in properties))
    boxes.append(_box(b"iprp", held + _box(b"ipma", links)))
    return _box(b"meta", bytes(4) + b"".join(boxes))


def _coded(picture: Image.Image) -> tuple[list[bytes], bytes]:
    """Return the parameter sets, and the frame with its length before it."""
    av = pytest.importorskip("av")
    if "libx265" not in av.codecs_available:
        pytest.skip("this PyAV has no HEVC encoder")
    encoder = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height = picture.size
    encoder.pix_fmt = "yuv444p"
    encoder.framerate = 1
    encoder.options = {"x265-params": "log-level=none:keyint=1:crf=4:info=0:range=full"}
    frame = av.VideoFrame.from_image(picture.convert("RGB"))
    packets = [
        *encoder.encode(frame.reformat(format="yuv444p", dst_color_range="JPEG")),
        *encoder.encode(None),
    ]
    stream = b"".join(bytes(packet) for packet in packets)
    units = [unit for piece in stream.split(b"\0\0\1") if (unit := piece.rstrip(b"\0"))]
    parameters = [unit for unit in units if unit[0] >> 1 in {32, 33, 34}]
    pictures = [unit for unit in units if unit[0] >> 1 < 32]
    return parameters, b"".join(struct.pack(">I", len(unit)) + unit for unit in pictures)


def _configuration(parameters: list[bytes]) -> bytes:
    """Return hvcC. Source: ISO/IEC 14496-15, 8.3.3.1."""
    sequence = next(unit for unit in parameters if unit[0] >> 1 == 33).replace(b"\0\0\3", b"\0\0")
    profile_tier_level = sequence[3:15]
    head = b"\1" + profile_tier_level + b"\xf0\0\xfc\xff\xf8\xf8\0\0\x0f"
    arrays = b"".join(
        bytes((0x80 | unit[0] >> 1,)) + struct.pack(">HH", 1, len(unit)) + unit
        for unit in parameters
    )
    return head + bytes((len(parameters),)) + arrays
