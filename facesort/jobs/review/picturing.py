"""Pictures for whoever answers: faces, and whole photos with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.catalog import places, reviewing
from facesort.descriptors.bursts import BurstRule
from facesort.domain import Box, FaceId, Photo, PhotoId, PlaceState
from facesort.errors import PhotoError
from facesort.imaging.crops import PhotoCrops
from facesort.imaging.decode import open_photo, read_file
from facesort.imaging.geometry import to_upright
from facesort.imaging.video import open_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.domain import Face
    from facesort.protocols import Image

__all__ = ["Pictures", "Scene"]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A whole photo around a face.

    Args:
        image: (h, w, 3) upright RGB, None when no original can be read.
        box: of the face, in pixels of `image`; of the upright photo where there is none.
        place: which of the photos that the camera took within seconds, from 1.
        of: how many these are; 1 also where the time is not known.
    """

    image: Image | None
    box: Box
    place: int = 1
    of: int = 1


class _OneByOne(Mapping[PhotoId, Photo]):
    """Photos as they are asked for: a library may have a million."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __getitem__(self, photo: PhotoId) -> Photo:
        return places.photos(self._db, [photo])[photo]

    def __iter__(self) -> Iterator[PhotoId]:
        return iter(places.photos(self._db))

    def __len__(self) -> int:
        return len(places.photos(self._db))


class Pictures:
    """Draws the faces and photos of an open library; used by its thread.

    Args:
        db: the catalog.
        cache_dir: where cut faces are kept; may be deleted at any time.
        max_megapixels: larger photos give no picture.
        min_face: returns the smallest face that counts, pixels.
    """

    def __init__(
        self,
        db: Database,
        cache_dir: Path,
        *,
        max_megapixels: float,
        min_face: Callable[[], int],
    ) -> None:
        self._db = db
        self._min_face = min_face
        self._max_megapixels = max_megapixels
        self._crops = PhotoCrops(_OneByOne(db), cache_dir, max_megapixels=max_megapixels)

    def crop(self, face: FaceId, size: int) -> Image | None:
        """Return a (size, size, 3) upright picture of a face, None without an original."""
        found = self._face(face)
        return None if found is None else self._crops.crop(found, size)

    def scene(self, face: FaceId, long_side: int) -> Scene | None:
        """Return the photo, or the picture of the video, that a face is on.

        Args:
            face: which.
            long_side: of the picture, pixels, at most.

        Returns:
            None for a face that is not in the library any more.
        """
        found = self._face(face)
        if found is None:
            return None
        photo = places.photos(self._db, [found.photo_id])[found.photo_id]
        place, of = self._in_burst(photo)
        for lies in photo.places:
            if lies.state is not PlaceState.PRESENT:
                continue
            try:
                image, box = self._read(found, photo, lies.path, long_side)
            except PhotoError:
                continue
            return Scene(image, box, place, of)
        orientation = photo.places[0].orientation if photo.places else 1
        return Scene(None, to_upright(found.box, photo.width, photo.height, orientation), place, of)

    def in_burst(self, face: FaceId) -> tuple[int, int]:
        """Return `Scene.place` and `Scene.of` of a face's photo, without opening it."""
        found = self._face(face)
        if found is None:
            return 1, 1
        return self._in_burst(places.photos(self._db, [found.photo_id])[found.photo_id])

    def _face(self, face: FaceId) -> Face | None:
        return next(iter(catalog.faces_of(self._db, [face], min_face=self._min_face())), None)

    def _read(self, face: Face, photo: Photo, path: Path, long_side: int) -> tuple[Image, Box]:
        if face.seconds is not None:
            opened = open_frame(path, face.seconds, max_megapixels=self._max_megapixels)
        else:
            opened = open_photo(
                read_file(path),
                name=str(path),
                max_megapixels=self._max_megapixels,
                long_side=long_side,
            )
        image = opened.scaled(long_side)
        box = to_upright(face.box, photo.width, photo.height, opened.orientation)
        smaller = image.shape[1] / opened.upright_size[0]
        return image, Box(*(smaller * getattr(box, side) for side in Box.__slots__))

    def _in_burst(self, photo: Photo) -> tuple[int, int]:
        """Return which of the photos taken at that time by that camera this is, and of how many."""
        try:
            moment = datetime.fromisoformat(photo.taken_at)
        except ValueError:
            return 1, 1
        span = timedelta(seconds=BurstRule().seconds)
        beside = reviewing.taken_between(
            self._db,
            (moment - span).isoformat(),
            (moment + span).isoformat(),
            camera=photo.camera,
        )
        return (beside.index(photo.id) + 1, len(beside)) if photo.id in beside else (1, 1)
