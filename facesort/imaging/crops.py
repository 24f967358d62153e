"""Pictures of faces for people to look at: square, with some hair and chin, cached."""

from __future__ import annotations

import hashlib
import math
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PilImage

from facesort.domain import Box, PlaceState
from facesort.errors import PhotoError
from facesort.files import atomic_write
from facesort.imaging.decode import open_photo, read_file
from facesort.imaging.geometry import to_upright
from facesort.imaging.video import open_frame

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from facesort.domain import Face, Photo, PhotoId
    from facesort.imaging.raster import OpenPhoto
    from facesort.protocols import Image

__all__ = ["PhotoCrops"]

# Side of the square around a face, in longer sides of its box: shows hair and chin.
_MARGIN = 1.6
_CACHE_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# Thumbnails made by facesort; may be deleted.\n"
)


class PhotoCrops:
    """Cuts faces out of their originals, and keeps what it cut.

    Args:
        photos: where the originals are.
        cache_dir: of the library; made private, may be deleted at any time.
        max_megapixels: larger photos give no picture.
    """

    def __init__(
        self, photos: Mapping[PhotoId, Photo], cache_dir: Path, *, max_megapixels: float
    ) -> None:
        self._photos = photos
        self._folder = cache_dir / "crops"
        self._max_megapixels = max_megapixels

    def crop(self, face: Face, size: int) -> Image | None:
        """Return a (size, size, 3) picture of a face, None when no original can be read."""
        photo = self._photos.get(face.photo_id)
        if photo is None or not photo.places:
            return None
        try:
            with PilImage.open(self._path(face, size, photo.places[0].orientation)) as stored:
                return np.asarray(stored.convert("RGB"))
        except OSError:
            pass  # not cached, or damaged: cut it again
        cut = self._cut(face, size, photo)
        if cut is None:
            return None
        picture, orientation = cut
        self._keep(self._path(face, size, orientation), picture)
        return picture

    def _path(self, face: Face, size: int, orientation: int) -> Path:
        # With the orientation: a corrected tag must not bring back a picture that lies on its side.
        made_from = f"{face.id} {size} {_MARGIN} {orientation}"
        name = hashlib.blake2b(made_from.encode(), digest_size=16).hexdigest()
        return self._folder / f"{name}.webp"

    def _cut(self, face: Face, size: int, photo: Photo) -> tuple[Image, int] | None:
        """Return a face cut from the first readable original, and that file's orientation."""
        for place in photo.places:
            if place.state is not PlaceState.PRESENT:
                continue
            try:
                opened = self._open(place.path, face.seconds, _long_side(face, photo, 2 * size))
                box = to_upright(face.box, photo.width, photo.height, opened.orientation)
                cut = opened.crop(_square(box), 2 * size).pixels
            except PhotoError:
                continue
            picture = _padded(PilImage.fromarray(cut))
            resized = picture.resize((size, size), PilImage.Resampling.LANCZOS)
            return np.asarray(resized), opened.orientation
        return None

    def _open(self, path: Path, seconds: float | None, long_side: int) -> OpenPhoto:
        if seconds is not None:
            return open_frame(path, seconds, max_megapixels=self._max_megapixels)
        return open_photo(
            read_file(path),
            name=str(path),
            max_megapixels=self._max_megapixels,
            long_side=long_side,
        )

    def _keep(self, cached: Path, picture: Image) -> None:
        data = BytesIO()
        PilImage.fromarray(picture).save(data, "WEBP", quality=85)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tag = self._folder / "CACHEDIR.TAG"
            if not tag.exists():
                atomic_write(tag, _CACHE_TAG)
            atomic_write(cached, data.getvalue(), mode=0o600)
        except OSError:
            return  # a full drive costs the cache, not the picture


def _long_side(face: Face, photo: Photo, size: int) -> int:
    """Return how large a photo must be decoded to have that many pixels around a face."""
    longer = max(photo.width, photo.height)
    around = max(face.box.width, face.box.height) * _MARGIN
    return min(longer, math.ceil(longer * size / max(1.0, around)))


def _square(box: Box) -> Box:
    half = max(box.width, box.height) * _MARGIN / 2
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return Box(x - half, y - half, x + half, y + half)


def _padded(picture: PilImage.Image) -> PilImage.Image:
    """Make a picture that the photo's edge cut square again, on grey."""
    side = max(picture.size)
    if picture.size == (side, side):
        return picture
    square = PilImage.new("RGB", (side, side), (64, 64, 64))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square
