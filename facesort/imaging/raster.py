"""A decoded photo, and the upright RGB pictures made from it.

Every box that goes in or comes out is in upright full-size pixels, also where the photo was decoded
at a reduced size: how many full-size pixels a decoded one stands for is known exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from facesort.domain import Box
from facesort.imaging.colour import from_channels, to_channels
from facesort.imaging.geometry import scale_box, to_raster, to_upright, upright_size
from facesort.imaging.pillow import reporting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.imaging.colour import Colours
    from facesort.imaging.reduce import Raster, WholeBox
    from facesort.protocols import Image as Pixels

__all__ = ["Crop", "OpenPhoto"]

# Full-size coordinates divided by a reduction are whole up to this.
_ROUNDING = 1e-6

# Pictures up to this size are made with care, which takes up to ten times as long.
_SMALL_PIXELS = 512 * 512

# Up to this interpolation blurs less than it moves edges.
_ALMOST_EQUAL = 1.05

# Pixels of the source per pixel of the picture up to which it is interpolated. On 97 photos (2026-
# 11-22) averaging areas instead found the same 232 faces.
_MOST_INTERPOLATED = 1.34


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Pixels cut out of an upright photo.

    A point (x, y) of the photo lies in it at ((x - left) * scale, (y - top) * scale).

    Args:
        pixels: (h, w, 3) upright RGB, never empty; not to be written to.
        left: upright full-size pixels.
        top: upright full-size pixels.
        scale: crop pixels per full-size photo pixel, at most 1 (exact for the longer side, within
            half a crop pixel for the shorter one).
    """

    pixels: Pixels
    left: float
    top: float
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class OpenPhoto:
    """A decoded photo, from which upright RGB pictures are made. Not for two threads at once.

    Args:
        name: for messages.
        format: "JPEG", "PNG", "TIFF"...
        width: full-size raster pixels, before orientation is applied.
        height: full-size raster pixels.
        orientation: EXIF's, 1..8: how the raster is turned upright.
        taken_at: `YYYY-MM-DDTHH:MM:SS` as the camera wrote it, or ''.
        camera: model name, or ''.
        raster: the decoded pixels.
        turn: what orientation is left to apply to `raster` (1 where the decoder has applied it).
        colours: how `raster` becomes RGB.
        reduction: how many full-size pixels a pixel of `raster` stands for, along either axis.
    """

    name: str
    format: str
    width: int
    height: int
    orientation: int
    taken_at: str
    camera: str
    raster: Raster
    turn: int
    colours: Colours
    reduction: float = 1.0

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) in upright full-size pixels."""
        return upright_size(self.width, self.height, self.orientation)

    def scaled(self, long_side: int) -> Pixels:
        """Return the whole photo, upright, averaged down to that longer side; never enlarged.

        Not to be written to.

        Raises:
            Unreadable: the pixels cannot be converted (no memory).
        """
        width, height = self.upright_size
        return self.crop(Box(0, 0, width, height), long_side).pixels

    def crop(self, box: Box, max_side: int) -> Crop:
        """Cut a box out of the photo, at the size in hand or smaller.

        Args:
            box: upright full-size pixels; grown to whole ones and cut to the photo. A box beside
                the photo gives the nearest pixels. The crop shows exactly that.
            max_side: a larger crop is averaged down to this longer side.

        Raises:
            Unreadable: the pixels cannot be converted (no memory).
        """
        width, height = self.upright_size
        left, right = _whole_pixels(box.left, box.right, width)
        top, bottom = _whole_pixels(box.top, box.bottom, height)
        longer = max(right - left, bottom - top)
        scale = max(1, min(max_side, math.floor(longer / self.reduction + _ROUNDING))) / longer
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        with reporting(self.name):
            pixels = self._render(Box(left, top, right, bottom), size)
        return Crop(pixels, left, top, scale)

    def patch(self, box: Box, max_side: int) -> Crop:
        """Cut the surroundings of a box out of the photo with more care, for somebody to resample.

        Decoded pixels keep their places: the corner of a patch is that of a decoded pixel.

        Args:
            box: upright full-size pixels; grown to whole decoded pixels, and cut to the photo. A
                box beside the photo gives the nearest pixels.
            max_side: a larger patch is averaged down to this longer side.

        Raises:
            Unreadable: the pixels cannot be converted (no memory).
        """
        outer = self._whole(self._in_raster(box))
        width, height = upright_size(outer[2] - outer[0], outer[3] - outer[1], self.turn)
        scale = min(1.0, max_side / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        factor = max(1, min(width // size[0], height // size[1]))
        with reporting(self.name):
            piece, mode = self.raster.reduced(outer, factor, self.turn)
            if (size[0] * factor, size[1] * factor) != (width, height):
                # Less than a factor of two is left.
                shown = Box(0, 0, width / factor, height / factor)
                piece = _smoothed(piece, mode, shown, size)
            pixels = self.colours.to_rgb(piece, mode)
        corner = scale_box(Box(*outer), self.reduction)
        upright = to_upright(corner, *self._full_size, self.turn)
        return Crop(pixels, upright.left, upright.top, scale / self.reduction)

    @property
    def _full_size(self) -> tuple[int, int]:
        """The raster's (width, height) in full-size pixels."""
        return upright_size(*self.upright_size, self.turn)

    def _in_raster(self, upright: Box) -> Box:
        box = to_raster(upright, *self._full_size, self.turn)
        return scale_box(box, 1.0 / self.reduction)

    def _whole(self, box: Box) -> WholeBox:
        width, height = self.raster.size
        left, right = _whole_pixels(box.left, box.right, width)
        top, bottom = _whole_pixels(box.top, box.bottom, height)
        return left, top, right, bottom

    def _render(self, upright: Box, size: tuple[int, int]) -> Pixels:
        """Show a box of whole full-size pixels at a size that has no more pixels than the raster.

        Args:
            upright: inside the photo.
            size: (width, height) of the picture.
        """
        wanted = self._in_raster(upright)
        left, top, right, bottom = outer = self._whole(wanted)
        inside = to_upright(
            Box(wanted.left - left, wanted.top - top, wanted.right - left, wanted.bottom - top),
            right - left,
            bottom - top,
            self.turn,
        )
        across, down = inside.width / size[0], inside.height / size[1]
        factor = max(1, math.floor(min(across, down) + _ROUNDING))
        piece, mode = self.raster.reduced(outer, factor, self.turn)
        inside = scale_box(inside, 1.0 / factor)
        if size[0] * size[1] <= _SMALL_PIXELS and inside.width > size[0] * _ALMOST_EQUAL:
            piece = _smoothed(piece, mode, inside, size)
        else:
            piece = _resampled(piece, inside, size)
        return self.colours.to_rgb(piece, mode)


def _smoothed(
    piece: NDArray[np.uint8], mode: str, inside: Box, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Show a part of a picture at a size, by a filter as wide as the pixels that become one.

    Args:
        piece: (h, w) or (h, w, channels).
        mode: what it is, see `colour`.
        inside: which part, in its pixels; less than twice as many as wanted.
        size: (width, height).
    """
    height, width = piece.shape[:2]
    if _is_all_of(inside, piece) and (width, height) == size:
        return piece
    box = (
        max(0.0, inside.left),
        max(0.0, inside.top),
        min(float(width), inside.right),
        min(float(height), inside.bottom),
    )
    # Box weights would repeat some rows and not others.
    shown = from_channels(piece, mode).resize(size, Image.Resampling.HAMMING, box=box)
    return to_channels(shown)


def _resampled(piece: NDArray[np.uint8], inside: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Do the same quickly: by interpolation as far as that will do, else by averaging areas.

    Args:
        piece: (h, w) or (h, w, channels).
        inside: which part, in its pixels; at least as many as wanted, less than twice as many.
        size: (width, height).
    """
    import cv2  # noqa: PLC0415 - heavy

    if max(inside.width / size[0], inside.height / size[1]) > _MOST_INTERPOLATED:
        piece, inside = _averaged_to(piece, inside, size)
    if _is_all_of(inside, piece):
        if (piece.shape[1], piece.shape[0]) == size:
            return piece
        resized = cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR)
        return resized.astype(np.uint8, copy=False)
    # Pixels are areas here, and points at their centres for OpenCV.
    across, down = inside.width / size[0], inside.height / size[1]
    matrix = np.array(
        [
            [across, 0.0, inside.left + across / 2 - 0.5],
            [0.0, down, inside.top + down / 2 - 0.5],
        ]
    )
    shown = cv2.warpAffine(
        piece,
        matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return shown.astype(np.uint8, copy=False)


def _averaged_to(
    piece: NDArray[np.uint8], inside: Box, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], Box]:
    """Average areas, so that a part gets about its size; return it and where the part lies now.

    Five times as slow as interpolation, which would leave pixels out.
    """
    import cv2  # noqa: PLC0415 - heavy

    height, width = piece.shape[:2]
    across, down = inside.width / size[0], inside.height / size[1]
    whole = _is_all_of(inside, piece)
    target = size if whole else (math.ceil(width / across), math.ceil(height / down))
    averaged = cv2.resize(piece, target, interpolation=cv2.INTER_AREA)
    across, down = width / target[0], height / target[1]
    shown = Box(
        inside.left / across, inside.top / down, inside.right / across, inside.bottom / down
    )
    return averaged.astype(np.uint8, copy=False), shown


def _is_all_of(inside: Box, piece: NDArray[np.uint8]) -> bool:
    height, width = piece.shape[:2]
    beside = (inside.left, inside.top, inside.right - width, inside.bottom - height)
    return bool(max(map(abs, beside)) < _ROUNDING)


def _whole_pixels(low: float, high: float, size: int) -> tuple[int, int]:
    """Grow an interval to whole pixels inside 0..size, at least one."""
    first = min(max(math.floor(low + _ROUNDING), 0), size - 1)
    return first, max(min(math.ceil(high - _ROUNDING), size), first + 1)
