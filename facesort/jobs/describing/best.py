"""The best different photos of a person: for a look, for an album.

A photo stands for itself by the best of its faces of that person. Of a burst one photo is taken.
Inside a snapshot of tables that are up to date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from facesort.catalog import photos as catalog
from facesort.catalog import places, showing, vectors
from facesort.descriptors.best import best_different
from facesort.domain import PlaceState
from facesort.jobs.describing.coreset_rule import coreset_rule, min_quality, seconds_of
from facesort.jobs.describing.picks import BestFace, BestFaces, Chosen, Pick, why
from facesort.jobs.describing.united import fitting_own
from facesort.jobs.showing.faces import seen_faces
from facesort.jobs.showing.there import as_on_disk, is_there

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.descriptors.best import Best
    from facesort.domain import FaceId, Person, PersonId, PhotoId
    from facesort.inference.card import ModelCard
    from facesort.protocols import Vectors

__all__ = ["Candidate", "best_of", "choose_best"]


# Of so many chosen ones the originals are looked for: more are a list for a program.
_MOST_LOOKED_FOR = 1000


class Candidate(NamedTuple):
    """A face of a person that may stand for its photo.

    Args:
        face: the face.
        photo: its photo.
        quality: 0..1.
        is_missing: the original is not there.
        is_confirmed: the user has said whose it is.
        identity: whose it is beneath merges.
    """

    face: FaceId
    photo: PhotoId
    quality: float
    is_missing: bool
    is_confirmed: bool
    identity: PersonId


def best_of(
    db: Database, card: ModelCard, person: Person, count: int, *, min_face: int
) -> BestFaces:
    """Choose the best different photos of a person.

    Args:
        db: the catalog.
        card: the embedder's.
        person: whose.
        count: photos at most.
        min_face: smaller faces do not count, pixels.
    """
    rows = showing.face_rows(db, (person.id, *person.aliases), min_face=min_face)
    states = places.first_paths(db, {row.photo for row in rows})
    candidates = [
        Candidate(
            row.id,
            row.photo,
            row.quality,
            states[row.photo][1] is not PlaceState.PRESENT,
            bool(row.confirmed),
            row.person,
        )
        for row in rows
    ]
    taken_at = catalog.taken_at(db, {row.photo for row in rows})
    chosen = choose_best(db, card, candidates, taken_at, count)
    looked_for = [one.photo for one in chosen.picks[:_MOST_LOOKED_FOR] if not one.is_missing]
    if _gone(db, looked_for):  # the library is behind: now look for all, as exports do
        gone = _gone(db, {one.photo for one in candidates if not one.is_missing})
        candidates = [
            one._replace(is_missing=True) if one.photo in gone else one for one in candidates
        ]
        chosen = choose_best(db, card, candidates, taken_at, count)
    by_face = {pick.face: pick for pick in chosen.picks}
    seen = seen_faces(db, person, [row for row in rows if row.id in by_face], min_face=min_face)
    shown = {
        one.face.id: one._replace(photo=as_on_disk(one.photo))
        if by_face[one.face.id].is_missing
        else one
        for one in seen
    }
    best = [
        BestFace(shown[pick.face], pick, why(card, shown[pick.face].face, pick, rank))
        for rank, pick in enumerate(chosen.picks, start=1)
    ]
    return BestFaces(person, len(rows), tuple(best), chosen)


def _gone(db: Database, photos: Collection[PhotoId]) -> set[PhotoId]:
    """Return those photos that are not on the disk."""
    there = places.photos(db, set(photos))
    return {photo for photo in photos if not is_there(there[photo])}


def choose_best(
    db: Database,
    card: ModelCard,
    candidates: Iterable[Candidate],
    taken_at: Mapping[PhotoId, str],
    count: int,
) -> Chosen:
    """Choose the best different photos among those with some faces of one person.

    Args:
        db: the catalog; the vectors are read from it.
        card: the embedder's.
        candidates: the faces, in any order.
        taken_at: when each photo was taken: ISO 8601 without zone, or empty.
        count: photos at most.
    """
    faces = _one_a_photo(candidates)
    if not faces:
        return Chosen((), 0, 0, ())
    stored, has = _vectors(db, card, [one.face for one in faces])
    ids = [one.face for one in faces]
    quality = np.array([one.quality for one in faces], dtype=np.float32)
    # What this model has not seen can be compared with nothing; what is gone cannot be shown.
    later = np.array([one.is_missing for one in faces], dtype=bool) | ~has
    confirmed = np.array([one.is_confirmed for one in faces], dtype=bool)
    identities = [one.identity for one in faces]
    rule = coreset_rule(db, card)
    sides = catalog.short_sides(db, ids)
    found = best_different(
        stored,
        quality,
        count,
        ids=ids,
        seconds=seconds_of([taken_at[one.photo] for one in faces]),
        floor=min_quality(card),
        later=later,
        trusted=confirmed
        | fitting_own(
            stored, quality, identities, rule, ids=ids, there=~later, confirmed=confirmed
        ),
        pixels=np.array([sides[face] for face in ids], dtype=np.float32),
        rule=rule,
    )
    can_be = np.ones(len(faces), dtype=bool)
    can_be[found.odd] = False
    return Chosen(
        _picks(faces, found, taken_at, can_be & (quality >= np.float32(min_quality(card)))),
        int(can_be.sum()),
        len(np.unique(found.burst[can_be])),
        tuple(ids[row] for row in found.odd.tolist()),
    )


def _picks(
    faces: Sequence[Candidate],
    found: Best,
    taken_at: Mapping[PhotoId, str],
    is_good: NDArray[np.bool_],
) -> tuple[Pick, ...]:
    """Say of each chosen face what the choice says of it.

    Args:
        faces: n.
        found: what was chosen of them.
        taken_at: when each photo was taken.
        is_good: (n,) those that could stand for somebody.
    """
    left = set(found.burst[is_good].tolist())
    chosen = found.rows.tolist()
    seconds = seconds_of([taken_at[faces[row].photo] for row in chosen])
    picks = []
    for turn, (row, gain, size) in enumerate(
        zip(chosen, found.gain.tolist(), found.sizes.tolist(), strict=True)
    ):
        left.discard(int(found.burst[row]))
        picks.append(
            Pick(
                faces[row].face,
                faces[row].photo,
                size,
                not np.isnan(seconds[turn]),
                gain if turn else None,
                not is_good[row],
                not left,
                faces[row].is_missing,
            )
        )
    return tuple(picks)


def _one_a_photo(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the best face of each photo, in order of face id."""
    best: dict[PhotoId, Candidate] = {}
    for one in sorted(candidates, key=lambda c: (-c.quality, c.face)):
        best.setdefault(one.photo, one)
    return sorted(best.values())


def _vectors(
    db: Database, card: ModelCard, faces: Sequence[FaceId]
) -> tuple[Vectors, NDArray[np.bool_]]:
    """Return (n, d) vectors in the order of some faces, zeros where there is none.

    Of somebody with few faces only these are looked at: exports ask for one person after another.
    """
    matrix = vectors.matrix(db, card.model_key, faces)
    row_of = {face: row for row, face in enumerate(faces)}
    rows = np.array([row_of[face] for face in matrix.face_ids], dtype=np.int64)
    filled = np.zeros((len(faces), max(1, matrix.vectors.shape[1])), dtype=np.float32)
    has = np.zeros(len(faces), dtype=bool)
    filled[rows], has[rows] = matrix.vectors, True
    return filled, has
