"""Photos, where they lie, and rectangles in them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from facesort.domain.keys import AT, photo_key

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.domain.keys import PhotoId

__all__ = ["Anchor", "Box", "Photo", "Place", "PlaceState"]


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle: left, top, right, bottom, in pixels (or relative, in an anchor), half-open."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Right minus left; negative for a box turned inside out."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Bottom minus top; negative for a box turned inside out."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Width times height, zero for an empty or inverted box."""
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def shorter_side(self) -> float:
        """The smaller of width and height: what `--min-face` is compared with."""
        return min(self.width, self.height)

    def overlap(self, other: Box) -> float:
        """Intersection over union with another box, 0..1."""
        common = Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        ).area
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True, order=True)
class Anchor:
    """Where a decision holds on: a place in a picture, not a row in a table.

    It survives another detector, another model and a lost cache.

    Args:
        content_key: of the photo; of a video, `frame_key` of the picture.
        box: raster, relative (0..1).
    """

    content_key: str
    box: Box

    @property
    def photo_key(self) -> str:
        """The content key of the photo or video."""
        return photo_key(self.content_key)

    @property
    def seconds(self) -> float | None:
        """When in its video the picture is; None on a photo."""
        _, at, seconds = self.content_key.partition(AT)
        return float(seconds) if at else None


class PlaceState(StrEnum):
    """What the last scan saw at a place."""

    PRESENT = "present"
    MISSING = "missing"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file was seen.

    Args:
        path: absolute.
        size: bytes.
        mtime_ns: nanoseconds since 1970.
        orientation: EXIF orientation, 1..8.
        state: what the last scan saw.
        reason: why it failed or was skipped; empty otherwise.
    """

    path: Path
    size: int
    mtime_ns: int
    orientation: int
    state: PlaceState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture, or one video, whatever the number of its copies.

    Args:
        id: row id, only meaningful inside one library.
        content_key: `algo:hash` of what is coded, without metadata (`imaging.content`).
        width: raster pixels.
        height: raster pixels.
        taken_at: ISO 8601 without zone as the camera wrote it, or empty.
        camera: maker's model name, or empty.
        places: present places first, then by path.
    """

    id: PhotoId
    content_key: str
    width: int
    height: int
    taken_at: str
    camera: str
    places: tuple[Place, ...] = ()
