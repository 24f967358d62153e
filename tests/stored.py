"""Libraries made of vectors: photos that were never there, stored as a scan would store them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import photos as catalog
from facesort.catalog import places
from facesort.catalog.roots import claim_root
from facesort.domain import Box, FaceId, short_hash
from tests.shaped import shaped_faces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from facesort.library import Library
    from facesort.protocols import Vectors

__all__ = ["Stock", "face_id", "shaped_stock", "store"]

_ROOT = Path("/photos")
_SIDE = 100.0  # of a face, pixels


@dataclass(frozen=True, slots=True, eq=False)
class Stock:
    """Faces, ordered by photo.

    Args:
        vectors: (n, d) unit float32.
        person: (n,) who each is.
        photo: (n,) on which photo.
        quality: (n,) 0..1.
    """

    vectors: Vectors
    person: NDArray[np.int64]
    photo: NDArray[np.int64]
    quality: NDArray[np.float32]

    @property
    def photos(self) -> NDArray[np.int64]:
        """All photos, each once."""
        return np.unique(self.photo)

    def ids(self, *, shift: float = 0.0) -> list[FaceId]:
        """Return the id of each face, drawn by a detector whose boxes are shifted."""
        first = np.searchsorted(self.photo, self.photo)
        places_of = np.arange(len(self.photo)) - first
        return [
            face_id(photo, place, shift)
            for photo, place in zip(self.photo.tolist(), places_of.tolist(), strict=True)
        ]


def shaped_stock(faces: int, seed: int = 1) -> Stock:
    """Return faces shaped as measured ones are."""
    made = shaped_faces(faces, seed)
    return Stock(made.vectors, made.person, made.photo, made.quality)


def face_id(photo: int, place: int, shift: float = 0.0) -> FaceId:
    """Return the id of the n-th face of a photo."""
    return FaceId("f" + short_hash(f"{photo} {place} {shift:.1f}", 12))


def store(
    library: Library,
    stock: Stock,
    photos: Iterable[int],
    *,
    model_key: str,
    pipeline: str = "detector",
    shift: float = 0.0,
) -> None:
    """Store photos with their faces and vectors, as a scan does; nothing is grouped.

    Args:
        library: where to.
        stock: the faces.
        photos: which photos.
        model_key: of the embedder that made the vectors.
        pipeline: of the detector that drew the boxes.
        shift: another detector draws them elsewhere, pixels.
    """
    db = library._db
    wanted = list(photos)
    with db.transaction():
        root = claim_root(db, _ROOT)
        for photo in wanted:
            rows = np.flatnonzero(stock.photo == photo).tolist()
            found = tuple(_face(stock, row, photo, k, shift) for k, row in enumerate(rows))
            photo_id = catalog.store_photo(
                db,
                catalog.NewPhoto(
                    f"test:{photo:08d}", 4000, 1000, "", "", pipeline, model_key, 24, found
                ),
            )
            places.put_place(
                db, root, f"{photo}.jpg", photo_id=photo_id, size=photo + 1, mtime_ns=photo + 1
            )


def _face(stock: Stock, row: int, photo: int, place: int, shift: float) -> catalog.NewFace:
    left, top = 20 + place * 1.5 * _SIDE + shift, 100 + shift / 2
    return catalog.NewFace(
        face_id(photo, place, shift),
        Box(left, top, left + _SIDE, top + _SIDE),
        np.zeros((5, 2), dtype=np.float32),
        0.9,
        float(stock.quality[row]),
        {},
        stock.vectors[row],
    )
