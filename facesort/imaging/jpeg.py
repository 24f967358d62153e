"""JPEG decoded as small as will do: the inverse transform itself makes fewer pixels.

simplejpeg (libjpeg-turbo) writes straight into an array, and gives the same pixels as Pillow at
three quarters of its time and half of its memory (docs/performance.md). It is asked only for what
it decodes without any complaint: everything else is left to Pillow, whose word on damage counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

try:
    import simplejpeg
except ImportError:  # no wheel for a few platforms: Pillow decodes the same, slower
    simplejpeg = None

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "decode_jpeg",
    "draft_size",
    "keeps_coefficients",
    "scaled_size",
    "smallest_eighths",
    "useful_eighths",
]

# How many pixels are made of eight. Measured (24 megapixels, 2026-11-22): 1/8 to 4/8 take 66 to 87
# ms, 5/8 to 8/8 take 116 to 135, but 7/8 161. What is decoded smaller is also resized faster.
_EIGHTHS = (1, 2, 3, 4, 5, 6, 8)

# Pictures with a longer side up to this are not worth reducing.
_SMALL_PIXELS = 256

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = frozenset((0xC0, 0xC1, 0xC9))
_START_OF_SCAN = 0xDA


def smallest_eighths(size: tuple[int, int], long_side: int | None) -> int:
    """Return how many eighths of a JPEG's pixels to decode: the fewest that have that longer side.

    Args:
        size: (width, height) in full.
        long_side: pixels wanted; None wants all.
    """
    longer = max(size)
    if long_side is None:
        return 8
    return next((n for n in useful_eighths(size) if longer * n >= long_side * 8), 8)


def useful_eighths(size: tuple[int, int]) -> tuple[int, ...]:
    """Return how many eighths of a JPEG's pixels may be decoded, the fewest first."""
    return (8,) if max(size) <= _SMALL_PIXELS else _EIGHTHS


def scaled_size(size: tuple[int, int], eighths: int) -> tuple[int, int]:
    """Return the (width, height) of a JPEG decoded to so many eighths; the last pixels may be part.

    One decoded pixel stands for exactly 8 / `eighths` full ones: blocks of 8 pixels become
    `eighths` pixels wherever they lie.
    """
    return -(-size[0] * eighths // 8), -(-size[1] * eighths // 8)


def draft_size(size: tuple[int, int], eighths: int) -> tuple[int, int] | None:
    """Return what Pillow's `draft` must be asked for to decode at least so many eighths.

    None where it would decode in full. Pillow knows 1/2, 1/4 and 1/8 only, and picks one by the
    size that is wanted: a longer side shorter than that is safe from its rounding.
    """
    if eighths > 4:
        return None
    divisor = 8 // eighths  # 3/8: Pillow's next is 1/2
    wanted = (size[0] // divisor, size[1] // divisor)
    return wanted if min(wanted) > 0 else None


def decode_jpeg(
    data: bytes, size: tuple[int, int], eighths: int, *, grey: bool
) -> NDArray[np.uint8] | None:
    """Decode a flawless JPEG of one or three components.

    Args:
        data: the whole file; of several pictures (MPO) the first is decoded.
        size: (width, height) in full.
        eighths: from `smallest_eighths`.
        grey: whether it has one component.

    Returns:
        (h, w, 3) RGB, or (h, w) grey, of `scaled_size`; None where it is for Pillow to decode or to
        refuse: damaged or odd in any way.
    """
    if simplejpeg is None:
        return None
    width, height = scaled_size(size, eighths)
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data,
            "GRAY" if grey else "RGB",
            min_factor=8 / eighths,
            min_width=width,
            min_height=height,
            strict=True,
        )
    except (ValueError, MemoryError):  # any warning of the decoder included
        return None
    if pixels.shape[:2] != (height, width):
        return None
    pixels.setflags(write=False)  # pictures made of it may share its memory
    return pixels[..., 0] if grey else pixels


def keeps_coefficients(data: bytes) -> bool:
    """Whether decoding holds all coefficients in memory: progressive, or a scan per component.

    Two bytes a sample at full size, however small the picture is decoded.
    """
    at, components = 2, 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _FRAMES:
            if marker not in _SEQUENTIAL:
                return True
            components = data[at + 9] if at + 9 < len(data) else 0
        if marker == _START_OF_SCAN:
            return at + 4 < len(data) and data[at + 4] < components
        at += 2 + max(2, length)
    return False
