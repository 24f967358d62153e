"""People as the user sees them: the last grouping with every standing decision laid over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import FaceColumns, FaceStatus, Person
from facesort.grouping.anchors import AnchorIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.domain import Anchor, Face, FaceId, PersonId
    from facesort.grouping.standing import Standing

__all__ = [
    "NOTHING",
    "HeldFaces",
    "People",
    "Said",
    "Summary",
    "said_faces",
    "see_people",
    "summarise",
]


@dataclass(frozen=True, slots=True)
class People:
    """Who is who.

    Args:
        by_id: survivors only; people merged away are their `aliases`.
        identities: for each face the identity beneath merges, None for unassigned faces.
        owners: for each face the person it is shown under, None for unassigned faces.
        status: how each face stands to its person.
        named_at: for each person with a name the decision that gave it.
    """

    by_id: dict[PersonId, Person]
    identities: dict[FaceId, PersonId | None]
    owners: dict[FaceId, PersonId | None]
    status: dict[FaceId, FaceStatus]
    named_at: dict[PersonId, int]


@dataclass(frozen=True, slots=True)
class Said:
    """What decisions say of a face.

    Args:
        person: the identity beneath merges; None: nobody's.
        confirmed: it never moves by itself.
        not_face: it is none.
    """

    person: PersonId | None
    confirmed: bool
    not_face: bool


def see_people(
    faces: Sequence[Face],
    assignments: Mapping[FaceId, PersonId],
    standing: Standing,
    existing: Collection[PersonId],
    covers: Mapping[PersonId, FaceId] | None = None,
) -> People:
    """Lay the decisions over the last grouping.

    Args:
        faces: the faces that count (large enough, photo known).
        assignments: what the last grouping said.
        standing: what the decisions add up to.
        existing: every identity ever founded; a named one without faces is still a person.
        covers: of those whose best face is no good cover, another face of theirs.
    """
    index = AnchorIndex(FaceColumns.of(faces))
    said = said_faces(standing, index.find_id, assignments)
    identities: dict[FaceId, PersonId | None] = {
        face.id: said[face.id].person if face.id in said else assignments.get(face.id)
        for face in faces
    }
    confirmed = {face for face, what in said.items() if what.confirmed}
    not_faces = {face for face, what in said.items() if what.not_face}
    owners: dict[FaceId, PersonId | None] = {}
    status: dict[FaceId, FaceStatus] = {}
    held: dict[PersonId, list[Face]] = {}
    for face in faces:
        identity = identities[face.id]
        owner = None if identity is None else standing.survivor(identity)
        if face.id in not_faces:
            owner = None
        owners[face.id] = owner
        status[face.id] = _status(face.id, owner, standing, confirmed, not_faces)
        if owner is not None:
            held.setdefault(owner, []).append(face)
    merged, names = standing.members(), standing.shown_names()
    chosen, others = standing.shown_covers(), covers or {}
    shown = {standing.survivor(p) for p in existing if p in standing.names} | set(held)
    by_id: dict[PersonId, Person] = {}
    named_at: dict[PersonId, int] = {}
    for person in sorted(shown):
        name = names.get(person)
        if name is not None:
            named_at[person] = name[1]
        by_id[person] = _person(
            person,
            name[0] if name else None,
            held.get(person, []),
            status,
            covers=[*map(index.find_id, chosen.get(person, ())), others.get(person)],
            ignored=person in standing.ignored,
            aliases=tuple(merged.get(person, ())),
        )
    return People(by_id, identities, owners, status, named_at)


def said_faces(
    standing: Standing,
    find: Callable[[Anchor], FaceId | None],
    assignments: Mapping[FaceId, PersonId],
) -> dict[FaceId, Said]:
    """Return the faces of which decisions say something else, or more, than the last grouping.

    Args:
        standing: what the decisions add up to.
        find: the face that an anchor means, None for those that are not asked about.
        assignments: what the last grouping said, of the faces that can be found at least.
    """
    identities: dict[FaceId, PersonId | None] = {}
    for anchor, person in standing.votes.items():
        if anchor in standing.confirmed and (face := find(anchor)) is not None:
            identities[face] = person
    for anchor, people in standing.rejections().items():
        face = None if anchor in standing.confirmed else find(anchor)
        if face is None:
            continue
        if identities.get(face, assignments.get(face)) in people:
            # Where its decision put it, until the next grouping says more. An older vote says less:
            # the face had left that person when it was rejected from this one.
            shelter = standing.shelters.get(anchor)
            identities[face] = None if shelter in people else shelter
    confirmed = {face for anchor in standing.confirmed if (face := find(anchor)) is not None}
    not_faces = {face for anchor in standing.not_faces if (face := find(anchor)) is not None}
    return {
        face: Said(
            identities.get(face, assignments.get(face)), face in confirmed, face in not_faces
        )
        for face in identities.keys() | confirmed | not_faces
    }


@dataclass(frozen=True, slots=True, eq=False)
class HeldFaces:
    """Faces that belong to somebody.

    Args:
        ids: n face ids.
        owners: (n,) positions in `people`.
        people: as shown, survivors only.
        photo_ids: (n,) int64.
        quality: (n,) float64, 0..1.
        confirmed: (n,) whether the user has confirmed the face.
    """

    ids: Sequence[FaceId]
    owners: NDArray[np.int64]
    people: Sequence[PersonId]
    photo_ids: NDArray[np.int64]
    quality: NDArray[np.float64]
    confirmed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is of a person: see `Person`; `picked`: the user chose the cover."""

    faces: int
    photos: int
    cover: FaceId | None
    confirmed: int
    picked: bool = False


NOTHING = Summary(0, 0, None, 0)


def summarise(
    held: HeldFaces, covers: Mapping[PersonId, Sequence[FaceId]]
) -> dict[PersonId, Summary]:
    """Count the faces of everybody who has one; equal to what `see_people` says of them.

    Args:
        held: in any order.
        covers: the chosen ones, whose ever they are now; the first that is the person's counts.
    """
    if not len(held.ids):
        return {}
    count = len(held.people)
    faces = np.bincount(held.owners, minlength=count)
    confirmed = np.bincount(held.owners[held.confirmed], minlength=count)
    order = np.lexsort((held.photo_ids, held.owners))
    owners, photo_ids = held.owners[order], held.photo_ids[order]
    first = np.concatenate(([True], (np.diff(owners) != 0) | (np.diff(photo_ids) != 0)))
    photos = np.bincount(owners[first], minlength=count)
    best = _best_faces(held)
    picked = _picked(held, covers)
    return {
        held.people[owner]: Summary(
            int(faces[owner]),
            int(photos[owner]),
            picked.get(owner, cover),
            int(confirmed[owner]),
            owner in picked,
        )
        for owner, cover in best.items()
    }


def _picked(held: HeldFaces, covers: Mapping[PersonId, Sequence[FaceId]]) -> dict[int, FaceId]:
    """Return for each owner the first chosen cover that is theirs."""
    wanted = {face for faces in covers.values() for face in faces}
    if not wanted:
        return {}
    owner_of = {face: int(held.owners[row]) for row, face in enumerate(held.ids) if face in wanted}
    picked: dict[int, FaceId] = {}
    for owner in set(owner_of.values()):
        chosen = covers.get(held.people[owner], ())
        first = next((face for face in chosen if owner_of.get(face) == owner), None)
        if first is not None:
            picked[owner] = first
    return picked


def _best_faces(held: HeldFaces) -> dict[int, FaceId]:
    """Return for each owner its best face: of highest quality, then of lowest id."""
    top = np.full(len(held.people), -np.inf)
    np.maximum.at(top, held.owners, held.quality)
    best: dict[int, FaceId] = {}
    for row in np.flatnonzero(held.quality == top[held.owners]).tolist():
        owner, face = int(held.owners[row]), held.ids[row]
        if owner not in best or face < best[owner]:
            best[owner] = face
    return best


def _status(
    face: FaceId,
    owner: PersonId | None,
    standing: Standing,
    confirmed: Collection[FaceId | None],
    not_faces: Collection[FaceId | None],
) -> FaceStatus:
    if face in not_faces:
        return FaceStatus.NOT_A_FACE
    if owner is None:
        return FaceStatus.UNASSIGNED
    if owner in standing.ignored:
        return FaceStatus.IGNORED
    return FaceStatus.CONFIRMED if face in confirmed else FaceStatus.AUTOMATIC


def _person(
    person: PersonId,
    name: str | None,
    faces: list[Face],
    status: Mapping[FaceId, FaceStatus],
    *,
    covers: Sequence[FaceId | None],
    ignored: bool,
    aliases: tuple[PersonId, ...],
) -> Person:
    best_first = sorted(faces, key=lambda face: (-face.quality, face.id))
    ids = tuple(face.id for face in best_first)
    there = set(ids)
    return Person(
        id=person,
        name=name,
        faces=ids,
        photos=len({face.photo_id for face in faces}),
        cover=next((face for face in (*covers, *ids) if face in there), None),
        confirmed=sum(status[face] is FaceStatus.CONFIRMED for face in ids),
        ignored=ignored,
        aliases=aliases,
    )
