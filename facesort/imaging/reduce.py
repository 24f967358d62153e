"""Rasters as they were decoded, and what is cut out of them: averaged by whole pixels, upright.

What a decoder gives stays as it lies in the file and in its own mode. A piece of it is cut out,
brought to flat colours, averaged down and turned, in this order, so that each step works on less
than the one before. The averaged pixels are counted from the upright corner: the same picture gives
the same numbers however it lies in the file, and a face that is only just found is found in all
eight orientations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from facesort.imaging.colour import to_channels
from facesort.imaging.geometry import swaps_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image

    from facesort.imaging.colour import Colours

__all__ = ["ArrayRaster", "PillowRaster", "Raster", "WholeBox"]

WholeBox = tuple[int, int, int, int]  # left, top, right, bottom: whole pixels, half-open

# Rows are cut so that a piece under conversion has about this many pixels.
_PIECE_PIXELS = 1 << 20

# Where the upright picture's left top corner lies in the raster, by orientation.
_STARTS_RIGHT, _STARTS_BOTTOM = frozenset((2, 3, 7, 8)), frozenset((3, 4, 6, 7))


class Raster(Protocol):
    """Decoded pixels, before orientation is applied."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""

    def reduced(self, box: WholeBox, factor: int, turn: int) -> tuple[NDArray[np.uint8], str]:
        """Cut a box out, make each `factor` x `factor` pixels one, and turn it upright.

        Pixels that are left over become pixels of their own, at the upright right and bottom.

        Args:
            box: inside the raster, not empty.
            factor: at least 1.
            turn: the orientation to apply, EXIF's 1..8.

        Returns:
            (h, w) or (h, w, channels), perhaps the raster's own memory; and its mode (L, RGB, CMYK
            or LAB).
        """


@dataclass(frozen=True, slots=True, eq=False)
class ArrayRaster:
    """Pixels in a numpy array: what the fast decoders give.

    Args:
        pixels: (h, w, 3) RGB or (h, w) grey.
    """

    pixels: NDArray[np.uint8]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def reduced(self, box: WholeBox, factor: int, turn: int) -> tuple[NDArray[np.uint8], str]:
        """See `Raster.reduced`."""
        left, top, right, bottom = box
        piece = self.pixels[top:bottom, left:right]
        if factor > 1:
            piece = _averaged(piece, factor, turn)
        return _turned(piece, turn), "L" if piece.ndim == 2 else "RGB"


@dataclass(frozen=True, slots=True, eq=False)
class PillowRaster:
    """A picture of any mode that Pillow has; only pieces of it are ever converted.

    Args:
        image: loaded.
        colours: how it becomes RGB.
    """

    image: Image.Image
    colours: Colours

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.size

    def reduced(self, box: WholeBox, factor: int, turn: int) -> tuple[NDArray[np.uint8], str]:
        """See `Raster.reduced`."""
        left, top, right, bottom = box
        rows = max(1, _PIECE_PIXELS // (right - left) // factor) * factor
        across = _parts(left, right, factor, right - left, from_end=turn in _STARTS_RIGHT)
        down = _parts(top, bottom, factor, rows, from_end=turn in _STARTS_BOTTOM)
        size = (math.ceil((bottom - top) / factor), math.ceil((right - left) / factor))
        whole: NDArray[np.uint8] | None = None
        mode = ""
        for y, y2 in down:
            for x, x2 in across:
                piece = self._flat((x, y, x2, y2), factor)
                pixels, mode = to_channels(piece), piece.mode
                if len(across) == len(down) == 1:
                    return _turned(pixels, turn), mode
                if whole is None:
                    whole = np.empty((*size, *pixels.shape[2:]), dtype=np.uint8)
                row, column = math.ceil((y - top) / factor), math.ceil((x - left) / factor)
                whole[row : row + pixels.shape[0], column : column + pixels.shape[1]] = pixels
        assert whole is not None  # noqa: S101 - the box is not empty
        return _turned(whole, turn), mode

    def _flat(self, box: WholeBox, factor: int) -> Image.Image:
        if self.colours.is_flat(self.image):
            return self.image.reduce(factor, box) if factor > 1 else self.image.crop(box)
        piece = self.colours.flatten(self.image.crop(box))
        return piece.reduce(factor) if factor > 1 else piece


def _averaged(pixels: NDArray[np.uint8], factor: int, turn: int) -> NDArray[np.uint8]:
    """Make each `factor` x `factor` pixels one, counted from the upright corner."""
    height, width = pixels.shape[:2]
    across = _whole_and_rest(width, factor, from_end=turn in _STARTS_RIGHT)
    down = _whole_and_rest(height, factor, from_end=turn in _STARTS_BOTTOM)
    if len(across) == len(down) == 1 and width % factor == height % factor == 0:
        return _blocks(pixels, factor)
    size = (math.ceil(height / factor), math.ceil(width / factor))
    whole = np.empty((*size, *pixels.shape[2:]), dtype=np.uint8)
    for y, y2 in down:
        for x, x2 in across:
            piece = _blocks(pixels[y:y2, x:x2], factor)
            row, column = math.ceil(y / factor), math.ceil(x / factor)
            whole[row : row + piece.shape[0], column : column + piece.shape[1]] = piece
    return whole


def _whole_and_rest(length: int, factor: int, *, from_end: bool) -> list[tuple[int, int]]:
    return _parts(0, length, factor, max(factor, length // factor * factor), from_end=from_end)


def _blocks(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks; sides are multiples of `factor`, or less than it: then there is one block."""
    import cv2  # noqa: PLC0415 - heavy

    height, width = pixels.shape[:2]
    steps = [factor] if width % factor or height % factor else _steps(factor)
    for step in steps:
        size = (max(1, pixels.shape[1] // step), max(1, pixels.shape[0] // step))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return pixels


def _steps(factor: int) -> Iterator[int]:
    """Split a factor into twos and a rest: OpenCV averages 2 x 2 four times as fast as others."""
    while factor > 2 and factor % 2 == 0:
        yield 2
        factor //= 2
    yield factor


def _turned(pixels: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Turn a raster's pixels upright."""
    import cv2  # noqa: PLC0415 - heavy

    if swaps_axes(turn):
        pixels = cv2.transpose(pixels).astype(np.uint8, copy=False)
    # Left-right, top-bottom or both, by EXIF's eight cases (a quarter turn is a transposed flip).
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(turn)
    return pixels if flip is None else cv2.flip(pixels, flip).astype(np.uint8, copy=False)


def _parts(
    start: int, stop: int, factor: int, length: int, *, from_end: bool
) -> list[tuple[int, int]]:
    """Cut an interval into parts that are multiples of `factor`, save for one remainder.

    Args:
        start: of the interval.
        stop: its end, outside.
        factor: pixels that become one.
        length: of the longest part; rounded up to a multiple of `factor`.
        from_end: the remainder is the first part instead of belonging to the last.
    """
    odd = (stop - start) % factor if from_end else 0
    cuts = [start] * bool(odd) + list(range(start + odd, stop, -(-length // factor) * factor))
    return list(zip(cuts, [*cuts[1:], stop], strict=True))
