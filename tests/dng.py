"""Writes small DNG files: a Bayer sensor's samples, and a preview as cameras embed it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dng"]

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _SRATIONAL = 1, 2, 3, 4, 5, 10
_CODES = {_BYTE: "B", _SHORT: "H", _LONG: "I"}


@dataclass
class _Directory:
    tags: dict[int, tuple[int, tuple[float, ...] | bytes]] = field(default_factory=dict)

    def put(self, tag: int, kind: int, *values: float) -> None:
        self.tags[tag] = (kind, values)

    def size(self) -> int:
        return 2 + 12 * len(self.tags) + 4

    def written(self, at: int) -> bytes:
        """The directory followed by the values that do not fit into it."""
        entries, rest = b"", b""
        start = at + self.size()
        for tag, (kind, values) in sorted(self.tags.items()):
            if isinstance(values, bytes):
                raw, count = values, len(values)
            elif kind in {_RATIONAL, _SRATIONAL}:
                code = "<2I" if kind == _RATIONAL else "<2i"
                raw = b"".join(struct.pack(code, round(v * 10000), 10000) for v in values)
                count = len(values)
            else:
                raw, count = struct.pack(f"<{len(values)}{_CODES[kind]}", *values), len(values)
            if len(raw) > 4:
                where = start + len(rest)
                rest += raw + bytes(len(raw) % 2)
                raw = struct.pack("<I", where)
            entries += struct.pack("<HHI", tag, kind, count) + raw.ljust(4, b"\0")
        return struct.pack("<H", len(self.tags)) + entries + bytes(4) + rest


def dng(
    picture: Image.Image,
    *,
    orientation: int = 1,
    preview: Image.Image | bytes | None = None,
    taken: str = "",
    camera: str = "Test 1",
    crop: tuple[int, int, int, int] | None = None,
) -> bytes:
    """Return a DNG.

    Args:
        picture: what the sensor sees, as it lies on the sensor; even width and height.
        orientation: EXIF's.
        preview: embedded as JPEG; bytes as they are.
        taken: EXIF's DateTime.
        camera: model name.
        crop: left, top, width, height of what the camera shows of it.
    """
    samples = _bayer(np.asarray(picture.convert("RGB")))
    height, width = samples.shape
    main = _Directory()
    main.put(254, _LONG, 0)
    main.put(256, _LONG, width)
    main.put(257, _LONG, height)
    main.put(258, _SHORT, 16)
    main.put(259, _SHORT, 1)
    main.put(262, _SHORT, 32803)
    main.tags[271] = (_ASCII, b"Maker\0")
    main.tags[272] = (_ASCII, camera.encode() + b"\0")
    main.put(274, _SHORT, orientation)
    main.put(277, _SHORT, 1)
    main.put(278, _LONG, height)
    if taken:
        main.tags[306] = (_ASCII, taken.encode() + b"\0")
    main.put(33421, _SHORT, 2, 2)
    main.put(33422, _BYTE, 0, 1, 1, 2)
    main.put(50706, _BYTE, 1, 4, 0, 0)
    main.tags[50708] = (_ASCII, b"Maker Test 1\0")
    main.put(50714, _LONG, 0)
    main.put(50717, _LONG, 65535)
    main.put(50721, _SRATIONAL, *_XYZ_TO_CAMERA)
    main.put(50728, _RATIONAL, 1.0, 1.0, 1.0)
    main.put(50778, _SHORT, 21)
    main.put(273, _LONG, 0)
    main.put(279, _LONG, samples.nbytes)
    if crop:
        main.put(50719, _LONG, *crop[:2])
        main.put(50720, _LONG, *crop[2:])
    jpeg = _jpeg(preview)
    sub = _Directory()
    if jpeg:
        main.put(330, _LONG, 0)
        size = Image.open(BytesIO(jpeg)).size
        for tag, kind, *values in (
            (254, _LONG, 1), (256, _LONG, size[0]), (257, _LONG, size[1]), (258, _SHORT, 8, 8, 8),
            (259, _SHORT, 7), (262, _SHORT, 6), (273, _LONG, 0), (277, _SHORT, 3),
            (278, _LONG, size[1]), (279, _LONG, len(jpeg)),
        ):  # fmt: skip
            sub.put(tag, kind, *values)
    # Twice: the first time finds out where everything lies.
    for _ in range(2):
        first = main.written(8)
        second = sub.written(8 + len(first)) if jpeg else b""
        at = 8 + len(first) + len(second)
        main.put(273, _LONG, at)
        if jpeg:
            main.put(330, _LONG, 8 + len(first))
            sub.put(273, _LONG, at + samples.nbytes)
    return b"II*\0" + struct.pack("<I", 8) + first + second + samples.tobytes() + jpeg


# A camera that sees in linear sRGB (D65): IEC 61966-2-1's matrix.
_XYZ_TO_CAMERA = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)


def _jpeg(preview: Image.Image | bytes | None) -> bytes:
    if preview is None or isinstance(preview, bytes):
        return preview or b""
    written = BytesIO()
    preview.save(written, "JPEG", quality=90)
    return written.getvalue()


def _bayer(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    linear = (((pixels / 255.0) ** 2.2) * 65535).astype(np.uint16)
    samples = linear[..., 1].copy()
    samples[0::2, 0::2] = linear[0::2, 0::2, 0]
    samples[1::2, 1::2] = linear[1::2, 1::2, 2]
    return samples
