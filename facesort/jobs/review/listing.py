"""What a review lists: people, their faces by doubt, whole photos, history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from facesort.catalog import photos, places, reviewing, showing
from facesort.domain import FaceId, PersonId, comparable_name
from facesort.errors import UnknownPerson
from facesort.jobs.review.history import entries
from facesort.jobs.review.looking import faces_shown, person_shown
from facesort.jobs.review.remembered import Remembered
from facesort.jobs.showing.part import owners_of
from facesort.jobs.showing.situation import read_situation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from facesort.catalog.showing import PersonRow
    from facesort.domain import Face, Photo, PhotoId
    from facesort.jobs.review.access import Access
    from facesort.jobs.review.shown import Entry, FaceShown, PersonShown
    from facesort.review.queue import Queue

__all__ = ["Listing"]


class Listing(ABC):
    """Lists people and faces as they are now.

    Args:
        access: the open library.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._remembered = Remembered(access.db)

    @property
    @abstractmethod
    def _queue(self) -> Queue:
        """The questions, with the people as they are in memory."""

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read at one moment, what is in memory being as it was stored before."""
        self._settle()  # that takes a snapshot of its own
        with self._access.up_to_date():
            yield

    @abstractmethod
    def _settle(self) -> None:
        """Read everybody anew, where memory could not follow."""

    def _doubts(self, person: PersonId) -> dict[FaceId, float]:
        """Return the faces of a person that may not be theirs, and how likely they are not."""
        state = self._queue.state
        try:
            row = state.row(person)
        except UnknownPerson:
            return {}
        return {suspect.face: 1 - suspect.chance for suspect in state.suspects.get(row, ())}

    def people(
        self,
        start: int = 0,
        count: int = 100,
        *,
        order: str = "photos",
        text: str = "",
        ignored: bool = False,
    ) -> tuple[list[PersonShown], int]:
        """Return some of the people, and how many there are.

        Args:
            start: the first one.
            count: at most so many.
            order: "photos": most first; "name": those with one by name, then the others; "doubt":
                those with most doubtful faces first.
            text: only those whose name or id holds it.
            ignored: those whom the user does not want to see, instead of the others.
        """
        wanted = comparable_name(text)
        with self._reading():
            rows = self._remembered.get(
                ("people", order, wanted, ignored),
                self._queue,
                lambda: self._listed(order, wanted, is_ignored=ignored),
            )
        chosen = rows[start : start + count]
        return [person_shown(row, len(self._doubts(row.id))) for row in chosen], len(rows)

    def _listed(self, order: str, wanted: str, *, is_ignored: bool) -> list[PersonRow]:
        everybody = self._remembered.get(
            "everybody", self._queue, lambda: showing.people(self._access.db)
        )
        rows = [
            row
            for row in everybody
            if bool(row.ignored) is is_ignored
            and (not wanted or wanted in row.id or wanted in comparable_name(row.name or ""))
        ]
        if order == "name":
            rows.sort(key=lambda row: (row.name is None, comparable_name(row.name or "")))
        elif order == "doubt":
            rows.sort(key=lambda row: -len(self._doubts(row.id)))
        return rows

    def names(self, prefix: str, count: int = 8) -> list[PersonShown]:
        """Return people whose name, or a word of it, begins so; most photos first."""
        wanted = comparable_name(prefix.strip())
        with self._reading():
            called = showing.names(self._access.db)
            found = [
                person
                for person, name in called.items()
                if any(
                    comparable_name(name[at:]).startswith(wanted)
                    for at in range(len(name))
                    if not at or name[at - 1].isspace()
                )
            ]
            rows = showing.people(self._access.db, found)
        return [person_shown(row) for row in rows[:count]]

    def person(self, reference: str) -> PersonShown:
        """Return a person by id or name.

        Raises:
            UnknownPerson, AmbiguousPerson: the reference leads to nobody, or to several.
        """
        with self._reading():
            row = self._row(reference)
        return person_shown(row, len(self._doubts(row.id)))

    def _row(self, reference: str) -> PersonRow:
        return self._remembered.get(
            ("person", reference), self._queue, lambda: self._find_row(reference)
        )

    def _find_row(self, reference: str) -> PersonRow:
        db = self._access.db
        found = showing.people(db, [PersonId(reference)])
        if not found:
            situation = read_situation(
                db, min_face=self._access.min_face(), persons=[reference], faces=[]
            )
            person = situation.person(reference)
            found = showing.people(db, [person.id])
        if not found:
            raise UnknownPerson(f"{reference} has no faces any more")
        return found[0]

    def ids_of(
        self, reference: str, start: int = 0, count: int = 100, *, by_doubt: bool = True
    ) -> tuple[FaceId, ...]:
        """Return the ids of what `faces_of` returns."""
        with self._reading():
            ids = self._ordered(self._row(reference).id, by_doubt=by_doubt)
        return tuple(ids[start : start + count])

    def _ordered(self, person: PersonId, *, by_doubt: bool) -> list[FaceId]:
        """Return all faces of a person in their order; inside a snapshot."""
        return self._remembered.get(
            ("faces", person, by_doubt),
            self._queue,
            lambda: self._order(person, self._doubts(person) if by_doubt else {}),
        )

    def _order(self, person: PersonId, first: Mapping[FaceId, float]) -> list[FaceId]:
        db = self._access.db
        members = list(showing.members(db, [person]))
        found = showing.face_rows(db, members, min_face=self._access.min_face())
        found.sort(key=lambda face: (-first.get(face.id, 0.0), -face.quality, face.id))
        return [face.id for face in found]

    def faces_of(
        self, reference: str, start: int = 0, count: int = 100, *, by_doubt: bool = True
    ) -> tuple[list[FaceShown], int]:
        """Return some of a person's faces, and how many there are.

        Args:
            reference: id or name.
            start: the first one.
            count: at most so many.
            by_doubt: those that may not be theirs first, then the best; otherwise the best first.

        Raises:
            UnknownPerson, AmbiguousPerson: as `person`.
        """
        db, min_face = self._access.db, self._access.min_face()
        with self._reading():
            row = self._row(reference)
            ids = self._ordered(row.id, by_doubt=by_doubt)
            shown = faces_shown(
                db, ids[start : start + count], min_face=min_face, doubt=self._doubts(row.id)
            )
            return shown, len(ids)

    def face(self, face: str) -> FaceShown:
        """Return one face.

        Raises:
            UnknownPerson: there is none of that id.
        """
        db = self._access.db
        with self._reading():
            owner = owners_of(db, [FaceId(face)])[FaceId(face)].owner
            doubt = {} if owner is None else self._doubts(owner)
            min_face = self._access.min_face()
            found = faces_shown(db, [FaceId(face)], min_face=min_face, doubt=doubt)
        if not found:
            raise UnknownPerson(f"there is no face {face!r}")
        return found[0]

    def pictured(self, face: str) -> tuple[Face, Photo]:
        """Return a face and its photo, for whoever draws it: see `imaging.crops`.

        Raises:
            UnknownPerson: there is none of that id.
        """
        db = self._access.db
        with self._reading():
            found = photos.faces_of(db, [FaceId(face)], min_face=self._access.min_face())
            if not found:
                raise UnknownPerson(f"there is no face {face!r}")
            return found[0], places.photos(db, {found[0].photo_id})[found[0].photo_id]

    def faces_on(self, photo: PhotoId) -> list[tuple[FaceShown, PersonShown | None]]:
        """Return all faces of a photo, from left to right, and whose each is."""
        db, min_face = self._access.db, self._access.min_face()
        with self._reading():
            ids = reviewing.faces_on(db, photo)
            owners = owners_of(db, ids)
            whose = {said.owner for said in owners.values() if said.owner is not None}
            rows = {row.id: person_shown(row) for row in showing.people(db, whose)}
            doubt = {face: much for one in whose for face, much in self._doubts(one).items()}
            shown = faces_shown(db, ids, min_face=min_face, doubt=doubt)
        found = [(face, owners[face.id].owner) for face in shown]
        placed = [(face, None if owner is None else rows.get(owner)) for face, owner in found]
        return sorted(placed, key=lambda pair: (pair[0].box.left, pair[0].box.top))

    def history(self, count: int = 50) -> list[Entry]:
        """Return what was said last, newest first, undone things included, an answer as one."""
        with self._reading():
            return self._remembered.get(
                ("history", count), self._queue, lambda: entries(self._access.db, count)
            )
