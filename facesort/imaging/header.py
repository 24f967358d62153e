"""What a photo's header says, before its pixels are decoded, and which sizes are refused."""

from __future__ import annotations

from dataclasses import dataclass

from facesort.errors import TooLarge

__all__ = ["Header", "check_memory", "check_pixels"]

# A photo may take this much memory while it is decoded; several are decoded at once.
_MAX_DECODED_BYTES = 1.5 * 2**30

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
            f"{name}: {size[0]:,} x {size[1]:,} pixels, more than {max_megapixels:g} megapixels",
            hint=_HINT,
        )


def check_memory(name: str, header: Header, long_side: int | None) -> None:
    """Refuse a picture that takes too much memory at that size.

    Raises:
        TooLarge: its message begins with `name`.
    """
    needed = header.decoded_bytes_at(long_side)
    if needed > _MAX_DECODED_BYTES:
        raise TooLarge(
            f"{name}: decoding {header.width:,} x {header.height:,} pixels would take "
            f"{needed / 2**30:.1f} GiB of memory",
            hint=_HINT,
        )
