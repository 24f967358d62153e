"""Who is known: the people of a library, each as the descriptor of a few of their faces.

Up to the size from which a stored index is worth its while everybody is read. Above it only those
people are whose faces are among the nearest of a face that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import people, showing, vectors
from facesort.descriptors.coreset import Rule, choose_each
from facesort.errors import ModelMismatch
from facesort.grouping.openset import Gallery
from facesort.jobs.grouping.neighbours import open_library_index
from facesort.jobs.showing.owned import owned_faces
from facesort.search.choose import EXACT_UP_TO

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, PersonId
    from facesort.inference.card import ModelCard
    from facesort.jobs.grouping.neighbours import LibraryIndex
    from facesort.protocols import Vectors

__all__ = ["Known", "known_people", "min_quality"]

# Nearest faces whose people are looked at. Where all of them are one person's, so many more: the
# second person matters too.
_FEW, _MANY = 64, 1024

# Of people on more photos the best ones: a few stand for them in the end.
_MOST_FACES = 256


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The people that a face is compared with.

    Args:
        gallery: their descriptors.
        persons: their ids, in the order of the gallery.
        names: of those who have one.
        ignored: those whom the user does not want to see.
    """

    gallery: Gallery
    persons: Sequence[PersonId]
    names: dict[PersonId, str]
    ignored: Collection[PersonId]


def min_quality(card: ModelCard) -> float:
    """Return the quality below which a face starts no person, and stands for none if it can."""
    return float(str(card.quality.get("min_quality", Rule().floor)))


def known_people(db: Database, card: ModelCard, probes: Vectors, *, min_face: int) -> Known:
    """Read who some faces may be; inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        probes: (n, d) unit vectors of the faces that will be asked for.
        min_face: smaller faces do not count, pixels.

    Raises:
        ModelMismatch: there are people, and no face of theirs has a vector of this embedder.
    """
    held = showing.held_faces(db)
    if held <= EXACT_UP_TO:
        return _everybody(db, card, min_face)
    return _candidates(db, card, probes, min_face, held)


def _everybody(db: Database, card: ModelCard, min_face: int) -> Known:
    owned = owned_faces(db, min_face=min_face)
    faces = _Faces(owned.ids, owned.quality, owned.owner)
    gallery, there = _gallery(db, card, faces)
    if owned.ids and not len(gallery):
        raise _mismatch(card)
    persons = [owned.people[number] for number in there.tolist()]
    return Known(gallery, persons, showing.names(db), owned.ignored)


def _candidates(db: Database, card: ModelCard, probes: Vectors, min_face: int, held: int) -> Known:
    library = open_library_index(db, db.path.parent, card.model_key)
    if not library.ids:
        raise _mismatch(card)
    each = _nearest_people(db, library, probes, _FEW)
    lonely = [number for number, whose in enumerate(each) if len(whose) < 2]
    if lonely:
        each += _nearest_people(db, library, probes[lonely], _MANY)
    found = {person for whose in each for person in whose}
    identities = showing.members(db, found)
    names = sorted(found)
    number = {person: i for i, person in enumerate(names)}
    rows = sorted(showing.face_rows(db, list(identities), min_face=min_face))  # by id
    faces = _Faces(
        [face.id for face in rows],
        np.array([face.quality for face in rows], dtype=np.float32),
        np.array([number[identities[face.person]] for face in rows], dtype=np.int64),
    )
    gallery, there = _gallery(db, card, faces)
    persons = [names[place] for place in there.tolist()]
    apart = Gallery(
        gallery.descriptors,
        gallery.cohesion,
        gallery.sizes,
        gallery.quality,
        gallery.faces,
        other_people=max(0, showing.count_people(db) - len(gallery)),
        other_faces=max(0, held - int(gallery.faces.sum())),
    )
    return Known(apart, persons, showing.names(db), showing.ignored(db))


def _nearest_people(
    db: Database, library: LibraryIndex, probes: Vectors, count: int
) -> list[set[PersonId]]:
    """Return the people of the nearest faces of each probe."""
    rows, _ = library.index.nearest(probes, count)
    return [_owners(db, [library.ids[row] for row in near if row >= 0]) for near in rows.tolist()]


def _owners(db: Database, faces: Sequence[FaceId]) -> set[PersonId]:
    """Return who some faces are shown with."""
    whose: dict[FaceId, PersonId | None] = dict(people.assigned(db, faces))
    for face, (person, _, not_face) in showing.said_of(db, faces).items():
        whose[face] = None if not_face else person
    identities = [person for person in whose.values() if person is not None]
    return set(showing.survivors(db, identities).values())


@dataclass(frozen=True, slots=True, eq=False)
class _Faces:
    """Faces that are somebody's.

    Args:
        ids: n ids, sorted.
        quality: (n,) 0..1.
        owner: (n,) whose, as numbers from 0.
    """

    ids: list[FaceId]
    quality: NDArray[np.float32]
    owner: NDArray[np.int64]

    def best(self) -> _Faces:
        """Return the best faces of those who are on very many photos, and all of the others."""
        order = np.lexsort((np.arange(len(self.ids)), -self.quality, self.owner))
        sizes = np.bincount(self.owner)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.take(np.sort(order[rank < _MOST_FACES]))

    def take(self, rows: NDArray[np.int64]) -> _Faces:
        """Return some of them."""
        ids = [self.ids[row] for row in rows.tolist()]
        return _Faces(ids, self.quality[rows], self.owner[rows])


def _gallery(
    db: Database, card: ModelCard, everything: _Faces
) -> tuple[Gallery, NDArray[np.int64]]:
    """Choose the faces that stand for each person.

    Returns:
        The gallery, and whose numbers are in it; those are not who have no vector of this model.
    """
    best = everything.best() if everything.ids else everything
    stored, has = vectors.aligned(db, card.model_key, best.ids)
    faces = best if has.all() else best.take(np.flatnonzero(has))
    stored = stored if has.all() else stored[has]
    there, codes = np.unique(faces.owner, return_inverse=True)
    if not len(there):
        none, empty = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        return Gallery(np.zeros((0, 1), dtype=np.float32), empty, none, empty, none), none
    chosen = choose_each(stored, faces.quality, codes, Rule(floor=min_quality(card)))
    was = chosen.rows >= 0
    mean = np.where(was, faces.quality[chosen.rows], 0).sum(axis=1) / was.sum(axis=1)
    gallery = Gallery(
        chosen.descriptors,
        chosen.cohesion,
        chosen.sizes,
        mean.astype(np.float32),
        np.bincount(everything.owner)[there].astype(np.int64),
    )
    return gallery, there


def _mismatch(card: ModelCard) -> ModelMismatch:
    return ModelMismatch(
        f"no face of this library has a vector of {card.name}",
        hint="Scan again with this model, or name the one that it was scanned with: --model",
    )
