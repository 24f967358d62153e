"""Which parts of a photo are searched, and at which size: pure geometry.

Three looks, each only where the one before gives reason to:

1. The whole photo, at two scales.
2. Small windows at full detail around what may be a small face, however faint. Cheap.
3. The whole photo at full detail, in tiles: where there is one small face there may be more.

Most photos end with the first. The numbers are measured: docs/performance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.domain import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.vision.multiscale import PhotoFace

__all__ = [
    "FAINT_SCORE",
    "View",
    "checking_views",
    "closer_views",
    "first_views",
    "long_side_for",
    "plan_key",
    "tiles",
]

# Long sides of the whole photo. At 480 a face that fills the frame stays inside YuNet's range.
_SCALES = (1920, 480)

# The first look is larger for a very large photo: the smallest face that counts has this many
# pixels in it. YuNet sees such a face at least faintly in 7 of 10 cases (surely: 2 of 10).
_FIRST_FACE_PIXELS = 7.5

# From which score on a small detection is looked at again. Photos of 12 to 50 megapixels whose
# small faces got no closer look: 0 of 112 groups, crowds and portraits with bystanders, and 7 of 71
# with nobody but one to three people of 24 to 40 pixels (at .3: 2 and 15; at .05: 0 and 2). Of
# ordinary photos 15 % are looked at again for nothing (at .05: 25 %).
FAINT_SCORE = 0.1

# YuNet finds 98 % of the faces of 24 to 32 pixels (shorter side), 92 % of 16 to 20, 70 % of 11 to
# 13. So a smaller one is looked at again, and is shown that large, or in the photo's own pixels.
_SURE_PIXELS = 24.0

# A closer look must show a photo this much larger than the first one did.
_WORTHWHILE = 1.1

# A small face may prove a little larger or smaller when it is seen closer.
_SIZE_ERROR = 0.3

# The third look takes a small face that is as sure as this: it costs a second and more, and of 100
# ordinary photos 5 had something doubtful that passed for a face in the second look, 1 above this.
# Photos with small faces all had a surer one (164 of 12 to 50 megapixels, as above).
_CLEAR_SCORE = 0.75

# Windows of the second look.
_MOST_WINDOWS = 16
_WINDOW_PIXELS = 160
_SAME_OVERLAP = 0.3  # two boxes that need one window
_WINDOW_FACES = 3.0  # its side, at least, in sides of the face

# Longer side of a tile's picture, and what neighbours share: faces up to that are whole in one of
# them; larger ones were seen well by the first look. Larger tiles need more memory and, on a CPU,
# more time a pixel (48 ns at 1920, 43 at 1280: caches), smaller ones more overlap.
_TILE_PIXELS = 1280
_TILE_OVERLAP_PIXELS = 160
# The same for a first look that would have more pixels than a square photo at the first scale: 60
# to 70 bytes each, on every worker (photos above 25 to 30 megapixels, or a very small --min-face).
# Faces up to YuNet's largest are whole in one tile.
_MOST_PIXELS = 3_700_000
_WIDE_TILE_PIXELS = 1920
_WIDE_OVERLAP_PIXELS = 320

_MULTIPLE = 32  # YuNet's coarsest stride: other sizes are padded


@dataclass(frozen=True, slots=True)
class View:
    """A part of a photo, searched at some size.

    Args:
        box: whole upright full-size pixels.
        size: (width, height) of the picture that is searched; never larger than the box.
    """

    box: Box
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Picture pixels per photo pixel (exact for the longer side)."""
        return max(self.size) / max(self.box.width, self.box.height)


def first_views(upright_size: tuple[int, int], *, min_face: float) -> list[View]:
    """Return the views of the first look: the whole photo, largest first, never enlarged.

    The largest is cut into tiles where it would take too much memory.

    Args:
        upright_size: (width, height) of the photo.
        min_face: smallest shorter side of a face that counts, full-size pixels.
    """
    whole, longer = Box(0, 0, *upright_size), max(upright_size)
    scale = _first_scale(upright_size, min_face)
    largest = View(whole, _scaled(upright_size, scale))
    smaller = [
        View(whole, _scaled(upright_size, long_side / longer))
        for long_side in _SCALES[1:]
        if long_side < longer  # else the largest shows it at this size already
    ]
    if largest.size[0] * largest.size[1] <= _MOST_PIXELS:
        return [largest, *smaller]
    return (
        tiles(upright_size, scale, side=_WIDE_TILE_PIXELS, overlap=_WIDE_OVERLAP_PIXELS) + smaller
    )


def checking_views(
    upright_size: tuple[int, int], faces: Iterable[PhotoFace], *, min_face: float
) -> list[View]:
    """Return the views of the second look: windows of one size around what may be a small face.

    Args:
        upright_size: (width, height) of the photo.
        faces: what the first look found, faint ones too.
        min_face: smallest shorter side of a face that counts, full-size pixels.
    """
    close = _close_scale(upright_size, min_face)
    if close is None:
        return []
    small = [face for face in faces if _is_small(face, upright_size, min_face)]
    chosen: list[Box] = []
    for face in sorted(small, key=lambda face: (-face.score, face.box)):
        if all(face.box.overlap(box) <= _SAME_OVERLAP for box in chosen):
            chosen.append(face.box)
    return [_window(box, upright_size, close) for box in chosen[:_MOST_WINDOWS]]


def closer_views(
    upright_size: tuple[int, int],
    checked: Iterable[PhotoFace],
    *,
    min_face: float,
    min_score: float,
) -> list[View]:
    """Return the views of the third look: tiles of one size, or none where it is not needed.

    Args:
        upright_size: (width, height) of the photo.
        checked: what the second look found.
        min_face: smallest shorter side of a face that counts, full-size pixels.
        min_score: from which on a detection is a face.
    """
    clear = max(min_score, _CLEAR_SCORE)
    close = _close_scale(upright_size, min_face)
    if close is None or not any(
        face.score >= clear and _is_small(face, upright_size, min_face) for face in checked
    ):
        return []
    return tiles(upright_size, close)


def tiles(
    upright_size: tuple[int, int],
    scale: float,
    *,
    side: int = _TILE_PIXELS,
    overlap: int = _TILE_OVERLAP_PIXELS,
) -> list[View]:
    """Cover a photo at that scale with as few equal, evenly spread views as will do.

    Args:
        upright_size: (width, height) of the photo.
        scale: picture pixels per photo pixel, at most 1.
        side: longest side of a view's picture.
        overlap: pixels that neighbours share, at least.
    """
    across, down = (_spread(length, scale, side, overlap) for length in upright_size)
    width, height = across[0][1] - across[0][0], down[0][1] - down[0][0]
    size = _scaled((width, height), scale)
    return [View(Box(x, y, x2, y2), size) for y, y2 in down for x, x2 in across]


def long_side_for(views: Iterable[View], upright_size: tuple[int, int]) -> int:
    """Return the longer side at which a photo must be opened so that no view is enlarged."""
    scale = max((view.scale for view in views), default=0.0)
    return min(math.ceil(scale * max(upright_size)), max(upright_size))


def plan_key() -> str:
    """Name what of this module decides which faces are found, for the pipeline key."""
    scales = ",".join(str(scale) for scale in _SCALES)
    closer = f"{FAINT_SCORE:g},{_CLEAR_SCORE:g},{_SURE_PIXELS:g}px"
    return f"scales={scales},{_FIRST_FACE_PIXELS:g}px;closer={closer}"


def _first_scale(upright_size: tuple[int, int], min_face: float) -> float:
    return min(1.0, max(_SCALES[0] / max(upright_size), _FIRST_FACE_PIXELS / min_face))


def _close_scale(upright_size: tuple[int, int], min_face: float) -> float | None:
    """Return the scale of a closer look, None where it would show little more than the first."""
    close = min(1.0, _SURE_PIXELS / min_face)
    return close if close >= _first_scale(upright_size, min_face) * _WORTHWHILE else None


def _is_small(face: PhotoFace, upright_size: tuple[int, int], min_face: float) -> bool:
    """Whether a face counts, but is too small to be sure of at the first look's scale."""
    pixels = face.box.shorter_side
    return (
        pixels >= min_face * (1 - _SIZE_ERROR)
        and pixels * _first_scale(upright_size, min_face) < _SURE_PIXELS
    )


def _window(face: Box, upright_size: tuple[int, int], close: float) -> View:
    """Return a square around a face, moved inside the photo; cut off only if that is narrower."""
    longer = max(face.width, face.height)
    side = round(max(_WINDOW_PIXELS / close, longer * _WINDOW_FACES))
    left, top = (
        round(min(max((low + high - side) / 2, 0), max(limit - side, 0)))
        for low, high, limit in (
            (face.left, face.right, upright_size[0]),
            (face.top, face.bottom, upright_size[1]),
        )
    )
    box = Box(left, top, min(left + side, upright_size[0]), min(top + side, upright_size[1]))
    return View(box, _scaled((round(box.width), round(box.height)), _WINDOW_PIXELS / side))


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _spread(length: int, scale: float, most: int, overlap: int) -> list[tuple[int, int]]:
    """Cut one side of a photo into (start, end) of overlapping tiles; see `tiles`."""
    pixels = length * scale
    if pixels <= most:
        return [(0, length)]
    count = math.ceil((pixels - overlap) / (most - overlap))
    needed = (pixels + (count - 1) * overlap) / count
    tile = min(length, math.floor(math.ceil(needed / _MULTIPLE) * _MULTIPLE / scale))
    starts = [round(i * (length - tile) / (count - 1)) for i in range(count)]
    return [(start, start + tile) for start in starts]
