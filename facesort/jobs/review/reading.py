"""From the catalog to the crowd that a review starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import people, reviewing, showing
from facesort.catalog import vectors as stored
from facesort.jobs.grouping.calibrated import calibration_of
from facesort.jobs.review.likeness import compare
from facesort.jobs.review.owned import Owned, moments_of
from facesort.jobs.review.said import Said
from facesort.jobs.showing.part import owners_of
from facesort.review.chances import Chances
from facesort.review.crowd import Crowd, Loose, Twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, PersonId
    from facesort.inference.card import ModelCard
    from facesort.review.crowd import Doubt

__all__ = ["chances_of", "read_crowd"]

# Faces of nobody beyond that are not asked about: the poorest ones.
_MOST_LOOSE = 60_000

# Without a calibration: what single faces were joined at, if nothing was ever grouped.
_ANY_THRESHOLD = 0.4


def chances_of(db: Database, card: ModelCard) -> Chances:
    """Return what likenesses mean in a library."""
    threshold = db.meta("threshold")
    return Chances(calibration_of(db, card), float(threshold) if threshold else _ANY_THRESHOLD)


def read_crowd(
    db: Database, card: ModelCard, *, min_face: int, held: Iterable[Doubt] = ()
) -> tuple[Crowd, Chances]:
    """Read everybody; inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.
        held: what is not asked in this sitting.
    """
    chances = chances_of(db, card)
    owned = Owned.read(db, min_face)
    said = Said.read(db, min_face, owned)
    sums, weights, suspects, parts = compare(db, card, owned, chances, min_face=min_face)
    names = showing.names(db)
    made = Crowd(
        tuple(owned.people),
        sums,
        weights,
        tuple(owned.faces),
        owned.first,
        owned.moments,
        owned.photos,
        {person: names[person] for person in owned.people if person in names},
        frozenset(showing.ignored(db).intersection(owned.people)),
        said.different,
        (*said.doubts, *held),
        suspects,
        parts,
        _twice(db, card, chances, owned, said.kept_apart),
        owned.prominence,
        _vector_of(db, card),
        _loose(db, card, min_face, said),
    )
    return made, chances


def _loose(db: Database, card: ModelCard, min_face: int, said: Said) -> Loose | None:
    """Return the faces that grouping left with nobody."""
    rows = reviewing.nobodys(db, card.model_key, min_face=min_face, most=_MOST_LOOSE)
    if not rows:
        return None
    faces = [face for face, _, _ in rows]
    vectors, _ = stored.aligned(db, card.model_key, faces)
    moments = moments_of(db, [photo for _, photo, _ in rows])
    quality = np.array([quality for _, _, quality in rows], dtype=np.float32)
    mine = set(faces)
    denied = {face: people for face, people in said.denied.items() if face in mine}
    return Loose(tuple(faces), vectors, moments, denied, quality)


def _vector_of(db: Database, card: ModelCard) -> Callable[[FaceId], NDArray[np.float32] | None]:
    def find(face: FaceId) -> NDArray[np.float32] | None:
        found, has = stored.aligned(db, card.model_key, [face])
        return found[0] if has[0] else None

    return find


def _twice(
    db: Database,
    card: ModelCard,
    chances: Chances,
    owned: Owned,
    kept_apart: frozenset[frozenset[FaceId]],
) -> tuple[Twice, ...]:
    pairs = [pair for pair in people.repeats(db) if frozenset(pair) not in kept_apart]
    faces = [face for pair in pairs for face in pair]
    vectors, has = stored.aligned(db, card.model_key, faces)
    owners = owners_of(db, faces)
    there = has[0::2] & has[1::2]
    return tuple(
        Twice(
            pair,
            (_known(owned, owners[pair[0]].owner), _known(owned, owners[pair[1]].owner)),
            chances.one_photo(float(vectors[2 * k] @ vectors[2 * k + 1])),
        )
        for k, pair in enumerate(pairs)
        if there[k] and not any(owners[face].not_face for face in pair)
    )


def _known(owned: Owned, person: PersonId | None) -> PersonId | None:
    return person if person in owned.number else None
