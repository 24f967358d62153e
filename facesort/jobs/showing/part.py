"""A part of the situation: some people and faces, read from the tables of what is shown.

What comes out is what reading everything would say of them, in a time that depends on them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog import columns, decisions, people, showing, shown
from facesort.catalog import photos as catalog
from facesort.catalog.decisions import Ballot
from facesort.domain import FaceId, FaceStatus, Person, PersonId, comparable_name
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.people import People
from facesort.grouping.standing import replay, standing
from facesort.jobs.showing.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow
    from facesort.domain import Anchor, Face, PhotoId

__all__ = ["Said", "owners_of", "read_part", "status_of"]


def read_part(
    db: Database, persons: Collection[str], faces: Collection[str], *, min_face: int
) -> Situation | None:
    """Read some people and faces; inside a snapshot or a transaction.

    Returns:
        None when the tables are not up to date.
    """
    if not shown.is_fresh(db, min_face=min_face):
        return None
    history = replay(decisions.log(db, votes=False))
    given = columns.columns_of(db, [_face(face) for face in faces], min_face=min_face)
    wanted = {*_owners(db, given.ids), *_meant(db, persons, min_face)}
    held = _Held.read(db, wanted, given.ids, min_face=min_face)
    photos = {*(row.photo for row in held.rows), *given.photo_ids.tolist()}
    return Situation(
        _Faces(db, tuple(held.people.owners), min_face),
        history,
        standing(history),
        held.people,
        _Existing(db),
        _Part(db, held.rows, photos, min_face),
    )


def _face(reference: str) -> FaceId:
    return FaceId(reference.strip().lower())


# -- who is meant --------------------------------------------------------------------------------


def _meant(db: Database, references: Collection[str], min_face: int) -> set[PersonId]:
    """Return the people that `Situation.person` and `Situation.called` may ask for."""
    given = {reference.strip() for reference in references}
    alike = {comparable_name(reference) for reference in given}
    called = {who for who, name in showing.names(db).items() if comparable_name(name) in alike}
    ids = people.existing(db, [PersonId(one) for ref in given for one in (ref, ref.lower())])
    survivors = showing.survivors(db, ids)
    shown_now = {row.id for row in showing.people(db, set(survivors.values()))}
    led = [
        person
        for identity, survivor in survivors.items()
        if survivor not in shown_now
        for person in _led_to(db, identity, min_face)
    ]
    return called | shown_now | set(led)


def _led_to(db: Database, identity: PersonId, min_face: int) -> Collection[PersonId]:
    """Return who has the faces now of somebody who has none any more; see `Situation.person`."""
    anchor = people.founder(db, identity)
    if anchor is None:
        return ()
    index = AnchorIndex(columns.columns_on(db, [anchor.photo_key], min_face=min_face))
    face = index.find_id(anchor)
    return () if face is None else _owners(db, [face])


class Said(NamedTuple):
    """Whose a face is.

    Args:
        identity: beneath merges; None: nobody's.
        owner: as shown; None for nobody, and for what is no face.
        confirmed: it never moves by itself.
        not_face: it is none.
    """

    identity: PersonId | None
    owner: PersonId | None
    confirmed: bool
    not_face: bool


def owners_of(db: Database, faces: Collection[FaceId]) -> dict[FaceId, Said]:
    """Return whose some faces are; the tables of what is shown are up to date."""
    assigned, said = people.assigned(db, faces), showing.said_of(db, faces)
    identities = {face: said.get(face, (assigned.get(face), False, False)) for face in faces}
    survivors = showing.survivors(db, {who for who, _, _ in identities.values() if who is not None})
    return {
        face: Said(who, None if who is None or not_face else survivors[who], confirmed, not_face)
        for face, (who, confirmed, not_face) in identities.items()
    }


def status_of(said: Said, *, is_ignored: bool) -> FaceStatus:
    """Say how a face stands to its person."""
    if said.not_face:
        return FaceStatus.NOT_A_FACE
    if said.owner is None:
        return FaceStatus.UNASSIGNED
    if is_ignored:
        return FaceStatus.IGNORED
    return FaceStatus.CONFIRMED if said.confirmed else FaceStatus.AUTOMATIC


def _owners(db: Database, faces: Collection[FaceId]) -> set[PersonId]:
    return {said.owner for said in owners_of(db, faces).values() if said.owner is not None}


# -- what there is of them -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Held:
    """The people asked for, with all their faces, and the faces asked for."""

    people: People
    rows: list[FaceRow]

    @classmethod
    def read(
        cls,
        db: Database,
        persons: Collection[PersonId],
        given: Collection[FaceId],
        *,
        min_face: int,
    ) -> _Held:
        known = {row.id: row for row in sorted(showing.people(db, persons))}  # by id, as everywhere
        merged = showing.aliases(db, known)
        survivor = {who: person for person, others in merged.items() for who in (person, *others)}
        rows = showing.face_rows(db, survivor, min_face=min_face)
        rows.sort(key=lambda row: (-row.quality, row.id))
        lists: dict[PersonId, list[FaceId]] = {person: [] for person in known}
        seen = People({}, {}, {}, {}, {p: r.named_at for p, r in known.items() if r.named_at})
        for face, _, _, identity, confirmed in rows:
            owner = survivor[identity]
            lists[owner].append(face)
            seen.identities[face], seen.owners[face] = identity, owner
            seen.status[face] = status_of(
                Said(identity, owner, confirmed, not_face=False), is_ignored=known[owner].ignored
            )
        for person, row in known.items():
            seen.by_id[person] = Person(
                person, row.name, tuple(lists[person]), row.photos, row.cover, row.confirmed,
                bool(row.ignored), merged[person],
            )  # fmt: skip
        _add_nobodys(db, seen, [face for face in given if face not in seen.owners])
        return cls(seen, rows)


def _add_nobodys(db: Database, seen: People, faces: Sequence[FaceId]) -> None:
    """Add faces that are with nobody, or that are none."""
    for face, said in owners_of(db, faces).items():
        seen.identities[face], seen.owners[face] = said.identity, said.owner
        seen.status[face] = status_of(said, is_ignored=False)


class _Faces(Mapping[FaceId, "Face"]):
    """Faces by id, read when they are asked for."""

    def __init__(self, db: Database, ids: tuple[FaceId, ...], min_face: int) -> None:
        self._db = db
        self._ids = dict.fromkeys(ids)
        self._min_face = min_face
        self._read: dict[FaceId, Face] = {}

    def __getitem__(self, face: FaceId) -> Face:
        if face not in self._ids:
            raise KeyError(face)
        if face not in self._read:
            # Whoever asks for a second one will ask for more.
            wanted = list(self._ids) if self._read else [face]
            found = catalog.faces_of(self._db, wanted, min_face=self._min_face)
            self._read.update((one.id, one) for one in found)
        return self._read[face]

    def __iter__(self) -> Iterator[FaceId]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class _Existing:
    """Every identity ever founded."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __contains__(self, person: object) -> bool:
        return isinstance(person, str) and people.exists(self._db, PersonId(person))


@dataclass(frozen=True)
class _Part:
    """Reads the rest; see `situation.Source`."""

    db: Database
    rows: Sequence[FaceRow]
    photos: Collection[PhotoId]
    min_face: int

    def find(self, anchors: Iterable[Anchor]) -> dict[Anchor, FaceId]:
        asked = list(anchors)
        keys = {anchor.photo_key for anchor in asked}
        if len(keys) > len(self.photos):  # most of them are about others
            keys &= columns.keys_of(self.db, self.photos)
        index = AnchorIndex(columns.columns_on(self.db, keys, min_face=self.min_face))
        return {a: face for a in asked if (face := index.find_id(a)) is not None}

    def ballots(self, persons: Sequence[Person], without: Collection[FaceId]) -> list[Ballot]:
        identities = {who for person in persons for who in (person.id, *person.aliases)}
        left_out = set(without)
        voters = {
            row.id: row.person
            for row in self.rows
            if row.person in identities and row.id not in left_out
        }
        return [
            Ballot(*corners, voters[face]) for face, corners in columns.corners_of(self.db, voters)
        ]

    def founder(self, identity: PersonId) -> Anchor | None:
        return people.founder(self.db, identity)
