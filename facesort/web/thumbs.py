"""Pictures for the page: faces from the library's cache, and whole photos made small."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image as PilImage

from facesort.domain import PlaceState
from facesort.errors import PhotoError
from facesort.imaging.crops import PhotoCrops
from facesort.imaging.decode import open_photo, read_file
from facesort.imaging.video import open_frame

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.config import Settings
    from facesort.domain import Face, Photo
    from facesort.protocols import Image

__all__ = ["Thumbs", "mark_of"]

FACE_PIXELS = 160
_PHOTO_PIXELS = 1600
_KEPT = 16


def mark_of(face: Face, photo: Photo) -> str:
    """Return the ETag of a face's picture: another one when its photo was turned."""
    turned = photo.places[0].orientation if photo.places else 0
    made_from = f"{face.id} {FACE_PIXELS} {turned}".encode()
    return f'W/"{hashlib.blake2b(made_from, digest_size=12).hexdigest()}"'


class Thumbs:
    """Makes pictures away from the thread of the review, so that answers never wait for them.

    Args:
        settings: of the library, for its cache and the largest photo.
    """

    def __init__(self, settings: Settings) -> None:
        self._cache = settings.library / "cache"
        self._max_megapixels = settings.max_megapixels
        # By file and its time: somebody who looks at faces of one photo sees it again and again.
        self._made: dict[tuple[Path, int, int, float | None], bytes] = {}
        self._threads = ThreadPoolExecutor(2, "thumbs")

    async def face(self, face: Face, photo: Photo) -> bytes | None:
        """Return a face as WebP, None without a readable original."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._face, face, photo)

    async def photo(self, face: Face, photo: Photo) -> bytes | None:
        """Return the whole photo (of a video the picture) that a face is on, as WebP, upright."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._photo, face, photo)

    def close(self) -> None:
        """Leave what has not begun."""
        self._threads.shutdown(cancel_futures=True)

    def _face(self, face: Face, photo: Photo) -> bytes | None:
        crops = PhotoCrops({photo.id: photo}, self._cache, max_megapixels=self._max_megapixels)
        picture = crops.crop(face, FACE_PIXELS)
        return None if picture is None else _webp(picture)

    def _photo(self, face: Face, photo: Photo) -> bytes | None:
        for place in photo.places:
            if place.state is not PlaceState.PRESENT:
                continue
            try:
                there = place.path.stat()
            except OSError:
                continue
            key = (place.path, there.st_mtime_ns, there.st_size, face.seconds)
            picture = self._made.get(key)
            if picture is None:
                try:
                    picture = self._shrink(place.path, face.seconds)
                except PhotoError:
                    continue
                if len(self._made) >= _KEPT:
                    self._made.clear()
                self._made[key] = picture
            return picture
        return None

    def _shrink(self, path: Path, seconds: float | None) -> bytes:
        if seconds is not None:
            opened = open_frame(path, seconds, max_megapixels=self._max_megapixels)
        else:
            opened = open_photo(
                read_file(path),
                name=str(path),
                max_megapixels=self._max_megapixels,
                long_side=_PHOTO_PIXELS,
            )
        return _webp(opened.scaled(_PHOTO_PIXELS))


def _webp(picture: Image) -> bytes:
    written = BytesIO()
    PilImage.fromarray(picture).save(written, "WEBP", quality=85, method=2)
    return written.getvalue()
