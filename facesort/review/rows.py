"""The people of a sitting as rows of columns, and what it takes to take any change back.

People are rows of columns. A merge keeps the row of the survivor, faces taken out get a row of
their own. What an answer changes is written down row by row before it is changed, so that taking it
back is exact: every number and every set is what it was.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from facesort.errors import UnknownPerson
from facesort.review.crowd import NO_MOMENT
from facesort.review.holds import Holds
from facesort.review.loose import LooseFaces
from facesort.review.saved import Saved, put, with_room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from facesort.domain import FaceId, PersonId
    from facesort.review.crowd import Crowd, Suspect, Twice

__all__ = ["Rows"]

_NOBODY: frozenset[int] = frozenset()


class Rows:
    """People as rows 0..n-1; merged-away and emptied ones are not `alive`.

    Args:
        crowd: everybody as the sitting begins.

    Attributes:
        ids: n person ids.
        sums: (at least n, d) float32, the vectors of each added up.
        weights: (at least n,) of how many.
        sizes: (at least n,) faces.
        photos: (at least n,) photos.
        alive: (at least n,) bool.
        named: likewise.
        ignored: likewise.
        prominence: (at least n,) 0..1, quality of the best face.
        names: by row.
        suspects: by row, faces that may not be theirs.
        parts: by row, faces that may be somebody else.
        twice: by the two faces, photos that may show one person twice.
        loose: faces that were with nobody.
        holds: what is not asked, because the user could not say or did not want to.
    """

    def __init__(self, crowd: Crowd) -> None:
        p = len(crowd.people)
        self.ids: list[PersonId] = list(crowd.people)
        self._rows = {person: row for row, person in enumerate(crowd.people)}
        self.sums = with_room(crowd.sums)
        self.weights = with_room(crowd.weights)
        self.sizes = with_room(np.diff(crowd.first))
        self.photos = with_room(crowd.photos)
        self.alive = with_room(np.ones(p, dtype=bool))
        self.named = with_room(np.array([one in crowd.names for one in crowd.people], dtype=bool))
        self.ignored = with_room(
            np.array([one in crowd.ignored for one in crowd.people], dtype=bool)
        )
        self.prominence = with_room(
            np.ones(p, dtype=np.float32) if crowd.prominence is None else crowd.prominence
        )
        self.names = {self._rows[person]: name for person, name in crowd.names.items()}
        self._first = crowd.first
        # Faces of nobody have numbers behind all others, for when somebody gets them.
        self.loose = LooseFaces(crowd.loose, self._rows)
        self._faces = crowd.faces + self.loose.faces
        self._moments = np.concatenate([crowd.moments, self.loose.moments])
        self._vector_of = crowd.vector_of
        self._members: dict[int, NDArray[np.int64]] = {}  # of rows that have changed
        self._into: dict[int, int] = {}
        self._apart: dict[int, frozenset[int]] = {}
        self.suspects: dict[int, tuple[Suspect, ...]] = {}
        self.parts = {self._rows[part.person]: part for part in crowd.parts}
        self.twice: dict[frozenset[FaceId], Twice] = {frozenset(t.faces): t for t in crowd.twice}
        self.holds = Holds()
        self._vectors = {suspect.face: suspect.vector for suspect in crowd.suspects}
        self._saved: dict[int, Saved] | None = None
        self._inverses: list[Callable[[], None]] = []
        self._done: list[tuple[dict[int, Saved], list[Callable[[], None]]]] = []
        self._read(crowd)

    def _read(self, crowd: Crowd) -> None:
        for suspect in crowd.suspects:
            row = self._rows[suspect.person]
            self.suspects[row] = (*self.suspects.get(row, ()), suspect)
        for one, other in crowd.different:
            self._set_apart(self._rows[one], self._rows[other])
        for doubt in crowd.doubts:
            there = [k for k, person in enumerate(doubt.people) if person in self._rows]
            if doubt.people and 0 not in there:
                continue  # of whom nothing is left
            rows = [self._rows[doubt.people[k]] for k in there]
            sizes = None if doubt.sizes is None else [doubt.sizes[k] for k in there]
            self.holds.add(doubt.kind, rows, doubt.faces, sizes)

    # -- reading ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, person: PersonId) -> int:
        """Return the row of a person; of who was merged away, the survivor's.

        Raises:
            UnknownPerson: there is none.
        """
        if person not in self._rows:
            raise UnknownPerson(f"there is no person {person!r} in this review")
        return self.find(self._rows[person])

    def find(self, row: int) -> int:
        """Return the row of the survivor."""
        while row in self._into:
            row = self._into[row]
        return row

    def people(self) -> Iterator[PersonId]:
        """Yield everybody who has a face."""
        for row in np.flatnonzero(self.alive[: len(self)]).tolist():
            yield self.ids[row]

    def name_of(self, person: PersonId) -> str | None:
        """Return the name of a person, or None."""
        return self.names.get(self.row(person))

    def members(self, row: int) -> NDArray[np.int64]:
        """Return the numbers of the faces of a row."""
        changed = self._members.get(row)
        if changed is not None:
            return changed
        if row + 1 >= len(self._first):
            return np.zeros(0, dtype=np.int64)
        return np.arange(self._first[row], self._first[row + 1])

    def faces_of(self, person: PersonId) -> tuple[FaceId, ...]:
        """Return the faces of a person."""
        return tuple(self._faces[number] for number in self.members(self.row(person)).tolist())

    def first_faces(self, row: int, count: int) -> tuple[FaceId, ...]:
        """Return some faces of a row."""
        return tuple(self._faces[number] for number in self.members(row)[:count].tolist())

    def owner_of(self, face: FaceId, among: Iterable[int] | None = None) -> int | None:
        """Return the row that has a face.

        Args:
            face: which.
            among: rows to look at; None: all, which takes long.
        """
        for row in np.flatnonzero(self.alive[: len(self)]).tolist() if among is None else among:
            if any(self._faces[number] == face for number in self.members(row).tolist()):
                return int(row)
        return None

    def moments(self, row: int) -> NDArray[np.int64]:
        """Return the pictures that a row's faces are on: sorted, each once, videos left out."""
        found = np.unique(self._moments[self.members(row)])
        return found[1:] if len(found) and found[0] == NO_MOMENT else found

    def are_apart(self, one: int, other: int) -> bool:
        """Whether two rows were said to be two people."""
        return other in self._apart.get(one, _NOBODY)

    def apart_from(self, row: int) -> frozenset[int]:
        """Return the rows that were said to be others than this one."""
        return self._apart.get(row, _NOBODY)

    def _set_apart(self, one: int, other: int) -> None:
        self._apart[one] = self._apart.get(one, _NOBODY) | {other}
        self._apart[other] = self._apart.get(other, _NOBODY) | {one}

    # -- one answer at a time --------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Write down what is changed, as one thing to take back; an error takes it back at once."""
        self._saved, self._inverses = {}, []
        try:
            yield
        except BaseException:
            self._restore(self._saved, self._inverses)
            raise
        else:
            self._done.append((self._saved, self._inverses))
        finally:
            self._saved, self._inverses = None, []

    @property
    def changes(self) -> int:
        """How many answers can be taken back."""
        return len(self._done)

    def touched(self) -> frozenset[int]:
        """Return the rows that the last answer changed."""
        return frozenset(self._done[-1][0]) if self._done else _NOBODY

    def undo(self) -> frozenset[int]:
        """Take back the last answer; returns the rows that changed, some of which are gone.

        Raises:
            IndexError: there is none.
        """
        saved, inverses = self._done.pop()
        self._restore(saved, inverses)
        return frozenset(saved)

    def _restore(self, saved: dict[int, Saved], inverses: list[Callable[[], None]]) -> None:
        for row, was in saved.items():
            self.sums[row] = was.total
            self.weights[row], self.sizes[row], self.photos[row] = was.numbers
            self.alive[row], self.named[row], self.ignored[row] = was.flags
            put(self.names, row, was.name)
            put(self._members, row, was.members)
            put(self._into, row, was.into)
            put(self._apart, row, was.apart)
            put(self.suspects, row, was.suspects)
            put(self.parts, row, was.part)
        for inverse in reversed(inverses):
            inverse()

    def _save(self, *rows: int) -> None:
        if self._saved is None:
            raise RuntimeError("rows are changed only within `changing`")
        for row in rows:
            if row not in self._saved:
                self._saved[row] = Saved(
                    self.sums[row].copy(),
                    (int(self.weights[row]), int(self.sizes[row]), int(self.photos[row])),
                    (bool(self.alive[row]), bool(self.named[row]), bool(self.ignored[row])),
                    self.names.get(row),
                    self._members.get(row),
                    self._into.get(row),
                    self._apart.get(row),
                    self.suspects.get(row),
                    self.parts.get(row),
                )

    def _new_row(self, person: PersonId) -> int:
        row = len(self.ids)
        if row >= len(self.sizes):
            for column in (
                "sums",
                "weights",
                "sizes",
                "photos",
                "alive",
                "named",
                "ignored",
                "prominence",
            ):
                setattr(self, column, with_room(getattr(self, column)))
        self.ids.append(person)
        self._rows[person] = row
        self._save(row)
        self.alive[row] = True
        self.prominence[row] = 1.0
        self._inverses.append(lambda: self._forget_row(person))
        return row

    def _forget_row(self, person: PersonId) -> None:
        self.ids.pop()
        del self._rows[person]

    def _count(self, row: int) -> None:
        members = self.members(row)
        self.sizes[row] = len(members)
        moments = self._moments[members]
        self.photos[row] = len(self.moments(row)) + int((moments == NO_MOMENT).sum())
        self.alive[row] = len(members) > 0 or row in self.names
