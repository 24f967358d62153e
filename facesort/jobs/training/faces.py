"""What `train` learns from: faces whose people are known, in halves that share nobody."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import photos as catalog
from facesort.catalog import places, vectors
from facesort.catalog.opening import open_database
from facesort.domain import FaceStatus
from facesort.errors import UsageError
from facesort.evaluation.sets import MIN_FACES
from facesort.jobs.benches.bench import face_owners
from facesort.jobs.scanning import scan as scanning
from facesort.jobs.showing.situation import read_situation
from facesort.training.data import is_for_training
from facesort.workers import StageTimes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import Face, FaceId, Photo, PhotoId
    from facesort.jobs.looking import Looking
    from facesort.protocols import Progress, Vectors

__all__ = ["Halves", "KnownFaces", "from_folder", "from_library"]

# Of one person, on either side: more would only say the same again.
_MOST_EACH = 40

# Of those who are trained on, two photos make a set and what it should be like; of the others,
# two sets of two. With fewer people than this no gain could be told from chance.
_MIN_TRAINED, _MIN_MEASURED = 40, 40
_TRAINED_FACES = 2


@dataclass(frozen=True, slots=True, eq=False)
class KnownFaces:
    """Faces whose people are known.

    Args:
        faces: n of them.
        people: n names or ids.
        vectors: (n, d) unit float32.
        photos: where they are.
    """

    faces: tuple[Face, ...]
    people: tuple[str, ...]
    vectors: Vectors
    photos: Mapping[PhotoId, Photo]

    @property
    def quality(self) -> NDArray[np.float32]:
        """(n,) 0..1."""
        return np.array([face.quality for face in self.faces], dtype=np.float32)

    @property
    def count(self) -> int:
        """How many people there are."""
        return len(set(self.people))

    def of(self, *, training: bool) -> KnownFaces:
        """Return one half: at most so many faces each, of people with enough of them."""
        least = _TRAINED_FACES if training else MIN_FACES
        rows: dict[str, list[int]] = {}
        for row in sorted(range(len(self.faces)), key=lambda row: self.faces[row].id):
            rows.setdefault(self.people[row], []).append(row)
        kept = [
            row
            for person, mine in rows.items()
            if is_for_training(person) == training and len(mine) >= least
            for row in mine[:_MOST_EACH]
        ]
        return self._take(sorted(kept, key=lambda row: self.faces[row].id))

    def _take(self, rows: Sequence[int]) -> KnownFaces:
        return KnownFaces(
            tuple(self.faces[row] for row in rows),
            tuple(self.people[row] for row in rows),
            self.vectors[list(rows)],
            self.photos,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """Those who are trained on, and those who are measured on; nobody is in both."""

    trained: KnownFaces
    measured: KnownFaces

    @classmethod
    def of(cls, known: KnownFaces, where: str) -> Halves:
        """Divide people by a hash of their names.

        Args:
            known: everybody.
            where: says in an error what has too few.

        Raises:
            UsageError: they are too few to learn from, or to tell whether it helped.
        """
        halves = cls(known.of(training=True), known.of(training=False))
        trained, measured = halves.trained.count, halves.measured.count
        if trained < _MIN_TRAINED or measured < _MIN_MEASURED:
            raise UsageError(
                f"too few people to train on: of {where} {trained} of one half have "
                f"{_TRAINED_FACES} photos or more, and {measured} of the other {MIN_FACES} or more",
                hint=f"It takes {_MIN_TRAINED} and {_MIN_MEASURED} of them, about "
                f"{_MIN_TRAINED + _MIN_MEASURED} people with {MIN_FACES} photos in all. Without, "
                "the plain coreset stays, which needs no training.",
            )
        return halves


def from_folder(looking: Looking, folder: Path, work: Path, progress: Progress) -> KnownFaces:
    """Scan a folder of labelled photos into a catalog of its own, and read it.

    Args:
        looking: with which models, and how.
        folder: NAME/*.jpg: of each photo the largest central face.
        work: where the catalog is; a scan that was stopped goes on there.
        progress: told of every photo.

    Raises:
        UsageError: the folder does not exist, or holds no labelled photos.
        ModelError: the models cannot be loaded.
    """
    roots = scanning.check_folders([folder])
    db = open_database(work, create=True)
    try:
        own, times = looking.beside(db, work), StageTimes()
        scanning.scan_folders(
            db,
            roots,
            own.freshness,
            make_pipeline=partial(own.pipeline, times=times),
            exclude=[looking.settings.library],
            progress=progress,
            times=times,
        )
        with db.snapshot():
            faces = list(catalog.faces(db, min_face=own.freshness.min_face))
            every_photo = places.photos(db)
            known = {face.id for face in faces}
            owners, _ = face_owners(folder, faces, every_photo, known=known)
            return _known(db, looking, faces, owners, every_photo)
    finally:
        db.close()


def from_library(db: Database, looking: Looking, *, min_face: int) -> KnownFaces:
    """Read the faces of a library that the user has confirmed, and whose they are.

    Args:
        db: the catalog.
        looking: says whose vectors.
        min_face: smaller faces do not count, pixels.
    """
    with db.snapshot():
        situation = read_situation(db, min_face=min_face)
        confirmed = {
            face: str(owner)
            for face, owner in situation.people.owners.items()
            if owner is not None and situation.people.status[face] is FaceStatus.CONFIRMED
        }
        return _known(db, looking, situation.faces.values(), confirmed, places.photos(db))


def _known(
    db: Database,
    looking: Looking,
    faces: Iterable[Face],
    owners: Mapping[FaceId, str],
    photos: Mapping[PhotoId, Photo],
) -> KnownFaces:
    """Return the faces that have an owner and a vector; of one photo and person the best one."""
    best: dict[tuple[PhotoId, str], Face] = {}
    for face in faces:
        if face.id not in owners:
            continue
        key = (face.photo_id, owners[face.id])
        other = best.setdefault(key, face)
        best[key] = max(other, face, key=lambda one: (one.quality, one.id))
    chosen = sorted(best.values(), key=lambda face: face.id)
    found, has = vectors.aligned(db, looking.embedder.model_key, [face.id for face in chosen])
    chosen = [face for face, there in zip(chosen, has.tolist(), strict=True) if there]
    return KnownFaces(tuple(chosen), tuple(owners[face.id] for face in chosen), found[has], photos)
