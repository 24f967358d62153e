"""`find --probe`: the single faces of a library that look most like one on a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import photos as catalog
from facesort.catalog import places, showing, vectors
from facesort.domain import FaceStatus
from facesort.errors import ModelMismatch, Unsupported, UsageError
from facesort.imaging.formats import is_video
from facesort.jobs.describing.coreset_rule import min_quality
from facesort.jobs.grouping.calibrated import card_calibration
from facesort.jobs.grouping.neighbours import open_library_index
from facesort.jobs.recognising.found import Found, FoundFace
from facesort.jobs.recognising.seeing import check_images, see
from facesort.jobs.showing.part import owners_of, status_of
from facesort.jobs.showing.shown import ensure_fresh
from facesort.jobs.viewing import SeenFace
from facesort.search.choose import EXACT_UP_TO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId
    from facesort.jobs.grouping.neighbours import LibraryIndex
    from facesort.jobs.looking import Looking
    from facesort.jobs.recognising.seeing import SeenFace as ProbeFace
    from facesort.jobs.recognising.seeing import SeenPhoto
    from facesort.protocols import Vectors

__all__ = ["FindOptions", "find_like"]

# The nearest are asked for with some to spare, for those that are not shown: what is no face, faces
# that are too small now, and those of ignored people.
_SPARE = 100

_BLOCK = 1000  # faces whose owners are read at a time


@dataclass(frozen=True, slots=True)
class FindOptions:
    """What to look for.

    Args:
        count: faces at most.
        face: which face of the picture, from the left, 1 is the first; None: the largest central.
        ignored: also show faces of ignored people.
    """

    count: int = 20
    face: int | None = None
    ignored: bool = False


def find_like(
    db: Database,
    looking: Looking,
    folder: Path,
    probe: Path,
    options: FindOptions,
    *,
    min_face: int,
    exact_up_to: int = EXACT_UP_TO,
) -> Found:
    """Find the faces that look most like one on a picture; nothing is stored of it.

    Args:
        db: the catalog.
        looking: how its library looks.
        folder: the library's, where an index may lie.
        probe: a picture file, anywhere.
        options: how many, and of which face.
        min_face: smallest face of the library that counts, pixels.
        exact_up_to: faces that need no stored index.

    Raises:
        UsageError: the picture does not exist or is a folder, or has not so many faces.
        PhotoError: it cannot be read, or is a video.
        ModelMismatch: all faces of the library come from other models.
        ModelError: the models cannot be loaded.
    """
    photo = _seen(looking, probe)
    face = _chosen(photo, options.face)
    ensure_fresh(db, min_face=min_face)
    with db.snapshot():
        is_known = catalog.photo_by_key(db, photo.content_key) is not None
        if face is None:
            return Found(photo, is_known, looking.embedder.name)
        key = looking.embedder.model_key
        opened = open_library_index(db, folder, key, exact_up_to=exact_up_to)
        if not opened.ids and catalog.count_faces(db, min_face=min_face):
            raise ModelMismatch(
                f"no face of this library has a vector of {looking.embedder.name}",
                hint="Scan again with this model, or name the one that it was scanned with: "
                "--model",
            )
        code = vectors.code_of(db, key)
        query = face.vector[None] if code is None else code.project(face.vector[None])
        search = _Search(db, opened, query, options, min_face)
        near, left_out, is_exact = search.nearest()
        return Found(
            photo,
            is_known,
            looking.embedder.name,
            photo.faces.index(face) + 1,
            face.quality < min_quality(looking.embedder),
            _weighed(db, looking, face, near),
            left_out,
            len(opened.ids),
            "exact" if is_exact else opened.index.kind,
            opened.index.note,
        )


def _seen(looking: Looking, probe: Path) -> SeenPhoto:
    check_images([probe])
    if is_video(probe.name):
        raise Unsupported(
            f"{probe}: faces like one on a picture are looked for, and this is a video",
            hint="Save the frame that you mean as a picture.",
        )
    (photo,) = see(looking, [probe])
    if photo.error is not None:
        raise photo.error
    return photo


def _chosen(photo: SeenPhoto, number: int | None) -> ProbeFace | None:
    if number is None or not photo.faces:
        return photo.central_face
    there = len(photo.faces)
    if number > there:
        shows = "one face" if there == 1 else f"{there} faces"
        raise UsageError(f"--face {number}: {photo.path} shows {shows}", hint="Count from 1.")
    return photo.faces[number - 1]


def _weighed(
    db: Database, looking: Looking, probe: ProbeFace, near: Sequence[tuple[SeenFace, float]]
) -> tuple[FoundFace, ...]:
    # As the card has it, like `verify`: what a grouping learned of this library is about whom to
    # join, and one pair would be told two probabilities.
    calibration = card_calibration(db, looking.embedder)
    found = []
    for seen, similarity in near:
        chance = None
        if calibration is not None:
            chance = calibration.probability(similarity, probe.quality, seen.face.quality)
        found.append(FoundFace(similarity, None if chance is None else float(chance), seen))
    return tuple(found)


class _Search:
    """One search; inside a snapshot of tables that are up to date."""

    def __init__(
        self,
        db: Database,
        opened: LibraryIndex,
        query: Vectors,
        options: FindOptions,
        min_face: int,
    ) -> None:
        self._db = db
        self._opened = opened
        self._query = query
        self._options = options
        self._min_face = min_face
        self._names = showing.names(db)
        self._ignored = showing.ignored(db)

    def nearest(self) -> tuple[list[tuple[SeenFace, float]], int, bool]:
        """Return faces and cosines, how many ignored ones were left out, and if all were compared.

        Where many of the nearest are not to be shown, all faces are compared.
        """
        count, faces = self._options.count, len(self._opened.ids)
        (rows,), (cosines,) = self._opened.index.nearest(self._query, count + _SPARE)
        found, left_out = self._shown(rows[rows >= 0], cosines[rows >= 0])
        is_exact = self._opened.index.kind == "exact"
        if len(found) == count or (is_exact and len(rows) == faces):
            return found, left_out, is_exact
        cosines = self._opened.contents.everything() @ self._query[0]
        return *self._shown(np.arange(faces), cosines), True

    def _shown(
        self, rows: NDArray[np.int64], cosines: NDArray[np.float32]
    ) -> tuple[list[tuple[SeenFace, float]], int]:
        """Take the nearest that are to be shown; equal ones by id."""
        order = np.lexsort((rows, -cosines))
        found: list[tuple[SeenFace, float]] = []
        left_out = 0
        for start in range(0, len(order), _BLOCK):
            some = order[start : start + _BLOCK]
            ids = [self._opened.ids[row] for row in rows[some].tolist()]
            seen = self._seen(ids)
            for face, cosine in zip(ids, cosines[some].tolist(), strict=True):
                one = seen.get(face)
                if one is None or one.status is FaceStatus.NOT_A_FACE:
                    continue
                if one.status is FaceStatus.IGNORED and not self._options.ignored:
                    left_out += 1
                    continue
                found.append((one, min(cosine, 1.0)))
                if len(found) == self._options.count:
                    return found, left_out
        return found, left_out

    def _seen(self, ids: Sequence[FaceId]) -> dict[FaceId, SeenFace]:
        """Read what is known of some faces; those that do not count are left out."""
        owners = owners_of(self._db, ids)
        faces = catalog.faces_of(self._db, ids, min_face=self._min_face)
        photos = places.photos(self._db, {face.photo_id for face in faces})
        return {
            face.id: SeenFace(
                face,
                owner := owners[face.id].owner,
                None if owner is None else self._names.get(owner),
                status_of(owners[face.id], is_ignored=owner in self._ignored),
                photos[face.photo_id],
            )
            for face in faces
        }
