"""Makes worse copies of aligned crops: what a poor photo, or the next frame of a clip, would give.

Only for measuring and for training; nothing that a library stores comes from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.protocols import Image

__all__ = ["KINDS", "Spoilt", "near_copy", "spoil"]

KINDS = ("blurred", "small", "compressed", "dark", "noisy", "covered")


class Spoilt(NamedTuple):
    """A degraded copy of a crop, and the share of its pixels across that are left, 0..1."""

    crop: Image
    scale: float


def spoil(crop: Image, kind: str, rng: np.random.Generator) -> Spoilt:
    """Degrade a crop: badly enough to be noticed, mostly still recognisable.

    Args:
        crop: (s, s, 3) RGB.
        kind: one of `KINDS`.
        rng: how badly, and what else is left to chance.

    Raises:
        KeyError: no such kind.
    """
    if kind == "small":
        return _small(crop, rng)
    return Spoilt(_SPOILERS[kind](crop, rng), 1.0)


def near_copy(crop: Image, rng: np.random.Generator) -> Image:
    """Return what another frame of the same moment would give.

    Moved by a pixel at most, turned by 1.5 degrees, scaled by 1.5 %, lit by 4 % differently, with
    fresh noise and compressed anew.
    """
    import cv2  # noqa: PLC0415 - heavy

    size = crop.shape[0]
    turn, scale = rng.uniform(-1.5, 1.5), rng.uniform(0.985, 1.015)
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), turn, scale)
    matrix = np.asarray(matrix, dtype=np.float64)
    matrix[:, 2] = matrix[:, 2] + rng.uniform(-1.0, 1.0, 2)
    moved = cv2.warpAffine(
        crop, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    lit = moved * rng.uniform(0.96, 1.04) + rng.normal(0, 2.0, crop.shape)
    return _recompressed(_bytes(lit), int(rng.integers(75, 96)))


def _blurred(crop: Image, rng: np.random.Generator) -> Image:
    """Blur as out of focus, or along a line as by a shaken camera."""
    import cv2  # noqa: PLC0415 - as above

    if rng.random() < 0.5:
        return _bytes(cv2.GaussianBlur(crop, (0, 0), rng.uniform(2.0, 5.0)))
    length = int(rng.integers(9, 22))
    line = np.zeros((length, length), dtype=np.float32)
    line[length // 2] = 1
    middle = ((length - 1) / 2, (length - 1) / 2)
    line = cv2.warpAffine(
        line, cv2.getRotationMatrix2D(middle, rng.uniform(0, 180), 1), (length, length)
    ).astype(np.float32)
    return _bytes(cv2.filter2D(crop, -1, line / line.sum()))


def _small(crop: Image, rng: np.random.Generator) -> Spoilt:
    import cv2  # noqa: PLC0415 - as above

    size = crop.shape[0]
    side = round(size * rng.uniform(0.2, 0.45))  # a face of 14 to 35 pixels
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    return Spoilt(_bytes(large), side / size)


def _compressed(crop: Image, rng: np.random.Generator) -> Image:
    return _recompressed(crop, int(rng.integers(4, 13)))


def _dark(crop: Image, rng: np.random.Generator) -> Image:
    lit = crop * rng.uniform(0.04, 0.18) + rng.normal(0, 3.0, crop.shape)
    return _bytes(lit)


def _noisy(crop: Image, rng: np.random.Generator) -> Image:
    return _bytes(crop + rng.normal(0, rng.uniform(25, 60), crop.shape))


def _covered(crop: Image, rng: np.random.Generator) -> Image:
    """Lay a plain bar over the eyes, over nose and mouth, or over one side."""
    size = crop.shape[0]
    covered = crop.copy()
    top, bottom, left, right = (
        (0.34, 0.56, 0.0, 1.0),
        (0.55, 0.95, 0.0, 1.0),
        (0.0, 1.0, 0.0, 0.45),
        (0.0, 1.0, 0.55, 1.0),
    )[int(rng.integers(4))]
    shade = rng.integers(0, 256, 3).astype(np.uint8)
    covered[int(top * size) : int(bottom * size), int(left * size) : int(right * size)] = shade
    return covered


def _recompressed(crop: Image, quality: int) -> Image:
    import cv2  # noqa: PLC0415 - as above

    ok, data = cv2.imencode(".jpg", crop[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    read = cv2.imdecode(data, cv2.IMREAD_COLOR) if ok else None
    if read is None:
        raise ValueError("a crop could not be compressed")
    return _bytes(read[:, :, ::-1])


def _bytes(pixels: object) -> Image:
    return np.ascontiguousarray(np.clip(np.round(np.asarray(pixels)), 0, 255).astype(np.uint8))


_SPOILERS: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "blurred": _blurred,
    "compressed": _compressed,
    "dark": _dark,
    "noisy": _noisy,
    "covered": _covered,
}
