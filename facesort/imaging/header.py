"""What a photo's header says, before its pixels are decoded, and which sizes are refused."""

from __future__ import annotations

from dataclasses import dataclass

from facesort.errors import TooLarge

__all__ = ["Header", "check_memory", "check_pixels", "megapixels"]

# Megapixels decide which photos are decoded: at the default limit of 300 the dearest format (JPEG
# XL, 24 bytes a pixel) takes 6.7 GiB, and a photo above the scan's budget is decoded alone. Beyond
# this much memory fails on most machines.
_MAX_DECODED_BYTES = 8 * 2**30
# A header of a few bytes may claim any size, so a file whose decoding takes more than this must
# hold something: a byte for each 5,000 pixels. Photos hold 100 times as much, and a plain grey one
# a byte for 280 (PNG) to 1,600 pixels (HEVC); only AVIF, JPEG 2000 and lossless WebP need less.
_MAX_CLAIMED_BYTES = 1.5 * 2**30
_MAX_PIXELS_PER_BYTE = 5000

_HINT = "If that is a real photo, make a smaller copy of it."


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a photo before its pixels are decoded.

    Args:
        orientation: EXIF, 1..8; None where only decoding tells.
        width: full-size raster pixels, before orientation is applied.
        height: likewise.
        costs: the sizes at which it can be decoded: longer side in pixels and the memory in bytes
            that it takes, smallest first. The last one is the full size.
        taken_at: ISO 8601 without zone, or empty; empty too where only decoding tells.
        camera: model name, or empty; likewise.
    """

    orientation: int | None
    width: int
    height: int
    costs: tuple[tuple[int, int], ...]
    taken_at: str = ""
    camera: str = ""

    def decoded_bytes_at(self, long_side: int | None) -> int:
        """Return the memory that decoding takes, with at least that longer side (None: in full)."""
        wanted = max(self.width, self.height) if long_side is None else long_side
        return next((cost for side, cost in self.costs if side >= wanted), self.costs[-1][1])


def check_pixels(name: str, size: tuple[int, int], max_megapixels: float) -> None:
    """Refuse a picture of too many pixels.

    Raises:
        TooLarge: its message begins with `name`.
    """
    if size[0] * size[1] / 1e6 > max_megapixels:
        raise TooLarge(
            f"{name}: {size[0]:,} x {size[1]:,} pixels, more than {megapixels(max_megapixels)}",
            hint=_HINT,
        )


def megapixels(limit: float) -> str:
    """Say how many megapixels, in words."""
    return f"{limit:g} megapixel{'' if limit == 1 else 's'}"


def check_memory(name: str, header: Header, long_side: int | None, *, file_bytes: int) -> None:
    """Refuse a picture that takes too much memory at that size, for any machine or for its file.

    Args:
        name: for the message.
        header: of the picture.
        long_side: pixels that are enough along the longer side; None for all of them.
        file_bytes: length of the file.

    Raises:
        TooLarge: its message begins with `name`.
    """
    needed = header.decoded_bytes_at(long_side)
    is_claim = header.width * header.height > file_bytes * _MAX_PIXELS_PER_BYTE
    if needed > (_MAX_CLAIMED_BYTES if is_claim else _MAX_DECODED_BYTES):
        claim = f", and {file_bytes:,} bytes hold no such photo" if is_claim else ""
        raise TooLarge(
            f"{name}: decoding {header.width:,} x {header.height:,} pixels would take "
            f"{needed / 2**30:.1f} GiB of memory{claim}",
            hint=_HINT,
        )
