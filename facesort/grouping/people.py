"""People as the user sees them: the last grouping with every standing decision laid over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.domain import FaceColumns, FaceStatus, Person
from facesort.grouping.anchors import AnchorIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from facesort.domain import Face, FaceId, PersonId
    from facesort.grouping.standing import Standing

__all__ = ["People", "see_people"]


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


def see_people(
    faces: Sequence[Face],
    assignments: Mapping[FaceId, PersonId],
    standing: Standing,
    existing: Collection[PersonId],
) -> People:
    """Lay the decisions over the last grouping.

    Args:
        faces: the faces that count (large enough, photo known).
        assignments: what the last grouping said.
        standing: what the decisions add up to.
        existing: every identity ever founded; a named one without faces is still a person.
    """
    index = AnchorIndex(FaceColumns.of(faces))
    identities = _identities(faces, assignments, standing, index)
    confirmed = {index.find_id(anchor) for anchor in standing.confirmed}
    not_faces = {index.find_id(anchor) for anchor in standing.not_faces}
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
            cover=index.find_id(standing.covers[person]) if person in standing.covers else None,
            ignored=person in standing.ignored,
            aliases=tuple(merged.get(person, ())),
        )
    return People(by_id, identities, owners, status, named_at)


def _identities(
    faces: Sequence[Face],
    assignments: Mapping[FaceId, PersonId],
    standing: Standing,
    index: AnchorIndex,
) -> dict[FaceId, PersonId | None]:
    identities: dict[FaceId, PersonId | None] = {f.id: assignments.get(f.id) for f in faces}
    for anchor, person in standing.votes.items():
        face = index.find_id(anchor) if anchor in standing.confirmed else None
        if face is not None:
            identities[face] = person
    for anchor, people in standing.rejections().items():
        face = index.find_id(anchor)
        if face is None or anchor in standing.confirmed:
            continue
        if identities[face] in people:
            # Where its decision put it, until the next grouping says more. An older vote says less:
            # the face had left that person when it was rejected from this one.
            shelter = standing.shelters.get(anchor)
            identities[face] = None if shelter in people else shelter
    return identities


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
    cover: FaceId | None,
    ignored: bool,
    aliases: tuple[PersonId, ...],
) -> Person:
    best_first = sorted(faces, key=lambda face: (-face.quality, face.id))
    ids = tuple(face.id for face in best_first)
    return Person(
        id=person,
        name=name,
        faces=ids,
        photos=len({face.photo_id for face in faces}),
        cover=cover if cover in ids else (ids[0] if ids else None),
        confirmed=sum(status[face] is FaceStatus.CONFIRMED for face in ids),
        ignored=ignored,
        aliases=aliases,
    )
