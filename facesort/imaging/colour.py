"""Turns pieces of a decoded raster, of whatever mode and colour space, into opaque 8-bit sRGB.

Two steps, because averaging comes between them: `flatten` makes a piece of the raster averageable
(8 bits a channel, no palette, no transparency), `to_rgb` gives the averaged piece its colours. Only
pieces are ever converted: a 100-megapixel file costs its one decoded raster.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Colours", "from_channels", "to_channels"]

# The modes that Pillow averages as they are.
_FLAT_MODES = frozenset(("L", "RGB", "CMYK", "LAB"))
# Source: ICC.1:2022, table 19 (colour space signatures), against Pillow's mode names.
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}

_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
_ROWS_AT_ONCE = 256

# What a damaged or unsuitable profile raises; the picture is then converted without it.
_PROFILE_FAILURES = (ImageCms.PyCMSError, OSError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """How one photo's raster becomes RGB; decided once for the photo.

    Args:
        gain: grey level per sample unit, for the modes I;16, I and F.
        offset: grey level of sample 0, for the same.
        transform: to sRGB, or None where none is needed or possible.
    """

    gain: float
    offset: float
    transform: ImageCms.ImageCmsTransform | None

    @classmethod
    def of(cls, raster: Image.Image) -> Colours:
        """Decide from a decoded raster (its samples' range, its colour profile)."""
        gain, offset = _grey_scale(raster)
        return cls(gain, offset, _transform_to_srgb(raster.info.get("icc_profile"), raster.mode))

    @classmethod
    def with_profile(cls, icc: bytes | None) -> Colours:
        """Return those of 8-bit grey or RGB pixels with that colour profile, if any."""
        return cls(1.0, 0.0, _transform_to_srgb(icc, "RGB"))

    def is_flat(self, raster: Image.Image) -> bool:
        """Whether pieces of this raster may be averaged without `flatten`."""
        return raster.mode in _FLAT_MODES and "transparency" not in raster.info

    def flatten(self, piece: Image.Image) -> Image.Image:
        """Convert to L, RGB, CMYK or LAB: 8 bits a channel, transparency laid over white."""
        if piece.mode.startswith("I") or piece.mode == "F":
            samples = np.asarray(piece).astype(np.float32) * self.gain + self.offset
            grey = np.nan_to_num(samples, nan=0.0, posinf=255.0, neginf=0.0).clip(0, 255)
            return Image.fromarray((grey + 0.5).astype(np.uint8))
        if piece.mode in {"LA", "La"}:
            return _over_white(piece if piece.mode == "LA" else piece.convert("LA"), "L")
        if piece.has_transparency_data:
            return _over_white(piece.convert("RGBA"), "RGB")
        if piece.mode in _FLAT_MODES:
            return piece
        return piece.convert("L" if piece.mode == "1" else "RGB")

    def to_rgb(self, pixels: NDArray[np.uint8], mode: str) -> NDArray[np.uint8]:
        """Convert flat pixels to sRGB, by their profile where that is possible.

        Args:
            pixels: (h, w) or (h, w, channels).
            mode: what they are: L, RGB, CMYK or LAB.

        Returns:
            (h, w, 3), not to be written to; the pixels themselves where they are sRGB already.
        """
        if self.transform is None and mode == "RGB":
            return np.ascontiguousarray(pixels)
        if self.transform is None and mode == "L":
            return np.repeat(pixels[..., np.newaxis], 3, axis=2)
        return np.asarray(self._converted(from_channels(pixels, mode)), dtype=np.uint8)

    def _converted(self, piece: Image.Image) -> Image.Image:
        """Convert a piece that nobody else needs."""
        if self.transform is not None:
            wanted = self.transform.input_mode
            if wanted == "RGB" and piece.mode == "L":
                piece = piece.convert("RGB")
            if piece.mode == wanted:
                in_place = wanted == "RGB"  # saves a fifth of the time
                try:
                    converted = ImageCms.applyTransform(piece, self.transform, inPlace=in_place)
                except _PROFILE_FAILURES:
                    converted, in_place = None, False
                if in_place:
                    return piece
                if converted is not None:
                    return converted
        if piece.mode == "LAB":
            piece = piece.getchannel(0)  # Pillow converts LAB by profile only: keep the lightness
        return piece.convert("RGB")


def to_channels(piece: Image.Image) -> NDArray[np.uint8]:
    """Return a flat picture's pixels: (h, w) or (h, w, channels)."""
    if piece.mode in {"L", "RGB"}:
        return np.asarray(piece, dtype=np.uint8)
    # Not as one: Pillow hands out LAB's two colours with their sign, which cannot be averaged.
    return np.stack([np.asarray(channel, dtype=np.uint8) for channel in piece.split()], axis=2)


def from_channels(pixels: NDArray[np.uint8], mode: str) -> Image.Image:
    """Return the picture that has these pixels; undoes `to_channels`."""
    if mode in {"L", "RGB"}:
        return Image.fromarray(pixels)
    channels = [
        Image.fromarray(np.ascontiguousarray(channel)) for channel in np.rollaxis(pixels, 2)
    ]
    return Image.merge(mode, channels)


def _over_white(piece: Image.Image, mode: str) -> Image.Image:
    white = Image.new(mode, piece.size, "white")
    white.paste(piece.convert(mode), mask=piece.getchannel("A"))
    return white


def _grey_scale(raster: Image.Image) -> tuple[float, float]:
    """Return gain and offset that bring samples of more than 8 bits to 0..255."""
    tags = getattr(raster, "tag_v2", {})
    if raster.mode.startswith("I;16"):
        bits = tags.get(_BITS_PER_SAMPLE, (16,))
        top = float(2 ** min(16, max(1, int(bits[0] if isinstance(bits, tuple) else bits))) - 1)
    elif raster.mode == "I" and raster.format in {"PNG", "PPM"}:
        top = 65535.0  # these two have no more bits
    elif raster.mode in {"I", "F"}:
        low, high = _range(raster)
        if low < 0:
            gain = 255.0 / (high - low) if high > low else 0.0
            return gain, -low * gain
        top = next((t for t in (1.0, 255.0, 65535.0) if high <= t), high)
    else:
        return 1.0, 0.0
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        return -255.0 / top, 255.0  # Pillow inverts 8-bit samples by itself, wider ones not
    return 255.0 / top, 0.0


def _range(raster: Image.Image) -> tuple[float, float]:
    """Return the smallest and largest finite sample; (0, 0) where there is none."""
    low, high = np.inf, -np.inf
    for rows in _strips(raster):
        finite = rows[np.isfinite(rows)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _strips(raster: Image.Image) -> Iterator[np.ndarray]:
    for top in range(0, raster.height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, raster.height)
        yield np.asarray(raster.crop((0, top, raster.width, bottom)))


def _transform_to_srgb(icc: bytes | None, raster_mode: str) -> ImageCms.ImageCmsTransform | None:
    """Build the conversion that the embedded profile asks for; None for sRGB or a bad profile."""
    try:
        if icc:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc))
            mode = _MODE_OF_SPACE.get(profile.profile.xcolor_space.strip())
            described = ImageCms.getProfileDescription(profile)
            if mode is None or (mode == "RGB" and described.startswith("sRGB")):
                return None
        elif raster_mode == "LAB":
            profile, mode = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB"
        else:
            return None
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.buildTransform(profile, srgb, mode, "RGB")
    except _PROFILE_FAILURES:
        return None
