"""A decoded photo, and the upright RGB pictures made from it.

The photo stays in its own mode and as it lies in the file. What is asked for (the whole picture at
some size, the pixels under a box) is cut out, averaged down by whole pixels, turned, brought to its
size and converted, in this order, so that each step works on less than the one before. The averaged
pixels are counted from the upright corner: the same picture gives the same numbers however it lies
in the file, and a face that is only just found is found in all eight orientations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from facesort.domain import Box
from facesort.imaging.geometry import to_raster, upright_size
from facesort.imaging.pillow import reporting

if TYPE_CHECKING:
    from facesort.imaging.colour import Colours
    from facesort.protocols import Image as Pixels

__all__ = ["Crop", "OpenPhoto"]

# Rows are cut so that a piece under conversion has about this many pixels.
_PIECE_PIXELS = 1 << 20

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Where the upright picture's left top corner lies in the raster, by orientation.
_STARTS_RIGHT, _STARTS_BOTTOM = frozenset((2, 3, 7, 8)), frozenset((3, 4, 6, 7))


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Pixels cut out of an upright photo.

    A point (x, y) of the photo lies in it at ((x - left) * scale, (y - top) * scale).

    Args:
        pixels: (h, w, 3) upright RGB, never empty.
        left: whole upright pixels.
        top: whole upright pixels.
        scale: crop pixels per photo pixel, at most 1 (exact for the longer side, within half a
            crop pixel for the shorter one).
    """

    pixels: Pixels
    left: int
    top: int
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class OpenPhoto:
    """A decoded photo, from which upright RGB pictures are made. Not for two threads at once.

    Args:
        name: for messages.
        format: "JPEG", "PNG", "TIFF"...
        width: raster pixels, before orientation is applied.
        height: raster pixels.
        orientation: EXIF's, 1..8: how the raster is turned upright.
        taken_at: `YYYY-MM-DDTHH:MM:SS` as the camera wrote it, or ''.
        camera: model name, or ''.
        raster: the decoded pixels in their own mode.
        turn: what orientation is left to apply to `raster` (1 where Pillow has applied it).
        colours: how `raster` becomes RGB.
    """

    name: str
    format: str
    width: int
    height: int
    orientation: int
    taken_at: str
    camera: str
    raster: Image.Image
    turn: int
    colours: Colours

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) in upright pixels."""
        return upright_size(self.width, self.height, self.orientation)

    def scaled(self, long_side: int) -> Pixels:
        """Return the whole photo, upright, averaged down to that longer side; never enlarged.

        Raises:
            Unreadable: the pixels cannot be converted (no memory).
        """
        width, height = self.upright_size
        scale = min(1.0, long_side / max(width, height))
        return self._render(Box(0, 0, width, height), scale)

    def crop(self, box: Box, max_side: int) -> Crop:
        """Cut a box out of the photo at its original resolution.

        Args:
            box: upright full-size pixels; grown to whole pixels and cut to the photo. A box beside
                the photo gives the nearest pixels.
            max_side: a larger crop is averaged down to this longer side.

        Raises:
            Unreadable: the pixels cannot be converted (no memory).
        """
        width, height = self.upright_size
        left, right = _whole_pixels(box.left, box.right, width)
        top, bottom = _whole_pixels(box.top, box.bottom, height)
        scale = min(1.0, max_side / max(right - left, bottom - top))
        return Crop(self._render(Box(left, top, right, bottom), scale), left, top, scale)

    def _render(self, upright: Box, scale: float) -> Pixels:
        width, height = round(upright.width), round(upright.height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        factor = max(1, min(width // size[0], height // size[1]))
        box = to_raster(upright, *self.raster.size, self.turn)
        with reporting(self.name):
            piece = self._averaged(
                (round(box.left), round(box.top), round(box.right), round(box.bottom)), factor
            )
            if self.turn in _TURNS:
                piece = piece.transpose(_TURNS[self.turn])
            if (size[0] * factor, size[1] * factor) != (width, height):
                # Less than a factor of two is left. Box weights would repeat some rows and not
                # others.
                rest = (0, 0, width / factor, height / factor)
                piece = piece.resize(size, Image.Resampling.HAMMING, box=rest)
            return np.array(self.colours.to_rgb(piece))

    def _averaged(self, box: tuple[int, int, int, int], factor: int) -> Image.Image:
        """Cut a box out of the raster, in flat colours, each `factor` x `factor` pixels made one.

        Pixels that are left over are averaged by themselves, at the upright right and bottom.
        """
        left, top, right, bottom = box
        rows = max(1, _PIECE_PIXELS // (right - left) // factor) * factor
        across = _parts(left, right, factor, right - left, from_end=self.turn in _STARTS_RIGHT)
        down = _parts(top, bottom, factor, rows, from_end=self.turn in _STARTS_BOTTOM)
        pieces = [
            (x, y, self._reduced((x, y, x2, y2), factor)) for y, y2 in down for x, x2 in across
        ]
        if len(pieces) == 1:
            return pieces[0][2]
        size = (math.ceil((right - left) / factor), math.ceil((bottom - top) / factor))
        whole = Image.new(pieces[0][2].mode, size)
        for x, y, piece in pieces:
            whole.paste(piece, (math.ceil((x - left) / factor), math.ceil((y - top) / factor)))
        return whole

    def _reduced(self, box: tuple[int, int, int, int], factor: int) -> Image.Image:
        if self.colours.is_flat(self.raster):
            return self.raster.reduce(factor, box)
        return self.colours.flatten(self.raster.crop(box)).reduce(factor)


def _whole_pixels(low: float, high: float, size: int) -> tuple[int, int]:
    """Grow an interval to whole pixels inside 0..size, at least one."""
    first = min(max(math.floor(low), 0), size - 1)
    return first, max(min(math.ceil(high), size), first + 1)


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
