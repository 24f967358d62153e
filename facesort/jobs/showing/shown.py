"""Keeps the tables of what is shown in step with the grouping and the decisions.

They are derived: `bring_up_to_date` looks only at what has changed since, and gives exactly what
filling them anew would give. It is called by whoever changes something, and by whoever reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import columns, decisions, people, showing, shown
from facesort.catalog.showing import PersonRow
from facesort.catalog.shown import SaidRow, Stamp
from facesort.domain import Verdict
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.people import NOTHING, HeldFaces, said_faces, summarise
from facesort.grouping.standing import replay, standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow
    from facesort.domain import Decision, FaceColumns, FaceId, PersonId
    from facesort.grouping.people import Summary
    from facesort.grouping.standing import Standing

__all__ = ["Held", "bring_up_to_date", "ensure_fresh"]

# From here on, filling everything anew is faster than looking for what has changed.
_MANY_PHOTOS, _MANY_PEOPLE = 20_000, 5_000

# How often everything is computed before the write lock is taken for it; it is held shortly then.
_TRIES = 3


def ensure_fresh(db: Database, *, min_face: int) -> None:
    """Bring the tables up to date if they are not; outside a transaction.

    Raises:
        LibraryLocked: another process held the lock for ten seconds.
    """
    if shown.is_fresh(db, min_face=min_face):
        return
    for _ in range(_TRIES):
        with db.snapshot():
            changes = None if _is_small(db, min_face) else _Everything.read(db, min_face)
            version = db.version()
        with db.transaction():
            if changes is None:
                bring_up_to_date(db, min_face=min_face)
                return
            if db.version() == version:  # nobody has written anything meanwhile
                changes.write(db)
                return
    with db.transaction():
        bring_up_to_date(db, min_face=min_face)


def bring_up_to_date(db: Database, *, min_face: int) -> None:
    """Bring the tables up to date; belongs inside a transaction."""
    if shown.is_fresh(db, min_face=min_face):
        return
    before = shown.stamp(db)
    if before is None or not _is_small(db, min_face):
        _Everything.read(db, min_face).write(db)
    else:
        _Changes(db, before).write()


def _is_small(db: Database, min_face: int) -> bool:
    """Whether little has changed."""
    before = shown.stamp(db)
    if before is None or before.min_face != min_face:
        return False
    photos, persons = shown.count_stale(db)
    return photos < _MANY_PHOTOS and persons < _MANY_PEOPLE


# -- all of it -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Everything:
    """All tables."""

    said: dict[FaceId, SaidRow]
    rows: list[PersonRow]
    merges: dict[PersonId, tuple[PersonId, int]]
    seen: Stamp

    @classmethod
    def read(cls, db: Database, min_face: int) -> _Everything:
        """Compute them; belongs inside a snapshot or a transaction."""
        stands = standing(replay(decisions.log(db, votes=False)))
        keys = {
            anchor.photo_key
            for anchors in (stands.confirmed, stands.rejected, stands.not_faces)
            for anchor in anchors
        }
        said = _said(db, stands, columns.columns_on(db, keys, min_face=min_face))
        everybody = Held(stands)
        for block in shown.all_face_rows(db, said, min_face=min_face):
            everybody.add(block)
        named = {stands.survivor(person) for person in stands.names}
        return cls(
            said,
            everybody.rows(db, min_face, named),
            _merges(stands, stands.members().keys()),
            Stamp(min_face, decisions.last_id(db)),
        )

    def write(self, db: Database) -> None:
        """Store them; belongs inside a transaction."""
        shown.replace_everything(db, self.said, self.rows, self.merges)
        shown.mark_fresh(db, self.seen)


# -- what has changed ----------------------------------------------------------------------------


class _Changes:
    """What the decisions and scans since the last time have changed."""

    def __init__(self, db: Database, before: Stamp) -> None:
        self._db = db
        self._min_face = before.min_face
        self._log = decisions.log(db, votes=False)
        self._last = decisions.last_id(db)
        history = replay(self._log)
        self._stands = standing(history)
        old = replay(decision for decision in self._log if decision.id <= before.decision)
        self._ties = _Ties((*old.active, *history.active))
        self._stale = shown.stale(db)
        recent = _recent(self._log, before.decision)
        self._people = {
            *self._stale.people,
            *shown.people_of_photos(db, self._stale.photos),
            *(person for decision in recent for person in decision.people),
            *(face.person for decision in recent for face in decision.faces),
        }
        self._keys = {
            *columns.keys_of(db, self._stale.photos),
            *(face.anchor.photo_key for decision in recent for face in decision.faces),
        }

    def write(self) -> None:
        """Write the rows that they touch; belongs inside a transaction."""
        db, stands = self._db, self._stands
        # What is said of a face depends on who is one with whom it is said of, and on whom the last
        # grouping gave it to.
        touched = self._ties.all_of(self._people)
        self._keys |= columns.keys_of(db, shown.photos_said(db, touched))
        self._keys |= {
            face.anchor.photo_key
            for decision in self._log
            for face in decision.faces
            if face.person in touched
        }
        touched |= self._say()
        touched = self._ties.all_of(touched)
        held = Held(stands)
        held.add(showing.face_rows(db, touched, min_face=self._min_face))
        named = {stands.survivor(person) for person in touched if person in stands.names}
        shown.change_people(
            db, touched, held.rows(db, self._min_face, named), _merges(stands, touched)
        )
        shown.mark_fresh(db, Stamp(self._min_face, self._last))

    def _say(self) -> set[PersonId]:
        """Write what is said of the faces on touched photos; return whom that concerns."""
        found = columns.columns_on(self._db, self._keys, min_face=self._min_face)
        now = _said(self._db, self._stands, found)
        photos = {*self._stale.photos, *columns.ids_of(self._db, self._keys)}
        before = shown.said_on(self._db, photos)
        gone = [face for face in before if face not in now]
        changed = {face: row for face, row in now.items() if before.get(face) != row}
        shown.change_said(self._db, gone, changed)
        return {
            *people.assigned(self._db, [*gone, *changed]).values(),
            *(row.person for row in changed.values() if row.person is not None),
            *(
                person
                for face in (*gone, *changed)
                if (old := before.get(face)) and (person := old.person) is not None
            ),
        }


def _recent(log: Iterable[Decision], last: int) -> list[Decision]:
    """Return the decisions after one, and those that they took back or brought back."""
    by_id = {decision.id: decision for decision in log}
    new = [decision for decision in by_id.values() if decision.id > last]
    return new + [by_id[d.target] for d in new if d.target is not None and d.target in by_id]


class _Ties:
    """Who is merged with whom, or was before the recent decisions."""

    def __init__(self, merges: Iterable[Decision]) -> None:
        self._groups: dict[PersonId, set[PersonId]] = {}
        for decision in merges:
            if decision.verdict is Verdict.MERGE:
                joined = set(decision.people).union(
                    *(self._groups.get(person, ()) for person in decision.people)
                )
                self._groups.update(dict.fromkeys(joined, joined))

    def all_of(self, persons: Iterable[PersonId]) -> set[PersonId]:
        """Return these people and everybody they are tied to."""
        return {tied for person in persons for tied in self._groups.get(person, (person,))}


# -- both ----------------------------------------------------------------------------------------


def _said(db: Database, stands: Standing, found: FaceColumns) -> dict[FaceId, SaidRow]:
    photo_of = dict(zip(found.ids, found.photo_ids.tolist(), strict=True))
    said = said_faces(stands, AnchorIndex(found).find_id, people.assigned(db, found.ids))
    return {
        face: SaidRow(photo_of[face], what.person, what.confirmed, what.not_face)
        for face, what in said.items()
    }


class Held:
    """Collects faces and whose they are."""

    def __init__(self, stands: Standing) -> None:
        self._stands = stands
        self._number: dict[PersonId, int] = {}  # of survivors
        self._owner: dict[PersonId, int] = {}  # of identities: the number of their survivor
        self._ids: list[FaceId] = []
        self._owners: list[NDArray[np.int64]] = []
        self._photos: list[NDArray[np.int64]] = []
        self._quality: list[NDArray[np.float64]] = []
        self._confirmed: list[NDArray[np.bool_]] = []

    @property
    def people(self) -> set[PersonId]:
        """Everybody who has a face."""
        return set(self._number)

    def add(self, faces: Collection[FaceRow]) -> None:
        """Take faces."""
        if not faces:
            return
        ids, photos, quality, persons, confirmed = zip(*faces, strict=True)
        for person in set(persons).difference(self._owner):
            survivor = self._stands.survivor(person)
            self._owner[person] = self._number.setdefault(survivor, len(self._number))
        self._ids += ids
        self._owners.append(np.array([self._owner[person] for person in persons], dtype=np.int64))
        self._photos.append(np.array(photos, dtype=np.int64))
        self._quality.append(np.array(quality, dtype=np.float64))
        self._confirmed.append(np.array(confirmed, dtype=bool))

    def rows(self, db: Database, min_face: int, named: Collection[PersonId]) -> list[PersonRow]:
        """Return the rows of everybody who has a face, or a name."""
        stands = self._stands
        names = stands.shown_names()
        shown_now = {*named, *self._number}
        summaries = self._summaries(
            _covers(db, stands, shown_now, min_face) if stands.covers else {}
        )
        rows = []
        for person in shown_now:
            what, ignored = summaries.get(person, NOTHING), person in stands.ignored
            name = names.get(person)
            rows.append(
                PersonRow(
                    person,
                    name[0] if name else None,
                    what.faces,
                    what.photos,
                    what.cover,
                    0 if ignored else what.confirmed,  # its faces are ignored ones then
                    ignored,
                    name[1] if name else None,
                    what.picked,
                )
            )
        return rows

    def _summaries(self, covers: Mapping[PersonId, Sequence[FaceId]]) -> dict[PersonId, Summary]:
        if not self._ids:
            return {}
        held = HeldFaces(
            self._ids,
            np.concatenate(self._owners),
            list(self._number),
            np.concatenate(self._photos),
            np.concatenate(self._quality),
            np.concatenate(self._confirmed),
        )
        return summarise(held, covers)


def _covers(
    db: Database, stands: Standing, persons: Collection[PersonId], min_face: int
) -> dict[PersonId, list[FaceId]]:
    """Return the faces that were chosen for some people, the one that counts most first."""
    chosen = {p: anchors for p, anchors in stands.shown_covers().items() if p in persons}
    keys = {anchor.photo_key for anchors in chosen.values() for anchor in anchors}
    index = AnchorIndex(columns.columns_on(db, keys, min_face=min_face))
    return {
        person: [face for anchor in anchors if (face := index.find_id(anchor)) is not None]
        for person, anchors in chosen.items()
    }


def _merges(
    stands: Standing, survivors: Collection[PersonId]
) -> dict[PersonId, tuple[PersonId, int]]:
    return {
        person: (survivor, position)
        for survivor, merged in stands.members().items()
        if survivor in survivors
        for position, person in enumerate(merged)
    }
