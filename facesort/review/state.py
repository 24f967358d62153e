"""The people of a sitting in memory: who they are, how many faces they have, what was said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from facesort.review.rows import Rows
from facesort.review.saved import put

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from facesort.domain import FaceId, PersonId
    from facesort.review.questions import Kind

__all__ = ["ReviewState"]

_NOBODY: frozenset[int] = frozenset()


class ReviewState(Rows):
    """Rows of people, and what answers are made of; all of it belongs inside `changing`."""

    def merge(self, rows: Sequence[int]) -> int:
        """Make rows one; the first survives, with its name, else the first name among them.

        Faces in doubt and parts that may be somebody else stay as they were found before. Reading
        the catalog anew compares faces with the larger person, and may find others: that only
        changes what is asked next, not who is who.
        """
        keep, *others = dict.fromkeys(rows)
        self._save(keep, *others)
        for other in others:
            self.sums[keep] += self.sums[other]
            self.weights[keep] += self.weights[other]
            self._members[keep] = np.concatenate([self.members(keep), self.members(other)])
            if other in self.names:
                self.ignored[keep] = False  # a named person is not hidden by a merge
                if keep not in self.names:
                    self.rename(keep, self.names[other])
            if other in self.suspects:
                self.suspects[keep] = (*self.suspects.get(keep, ()), *self.suspects[other])
            if other in self.parts:
                self.parts.setdefault(keep, self.parts[other])
            self._into[other] = keep
            self.alive[other] = False
            self._inherit_apart(keep, other)
            self._inverses.append(self.holds.merge(keep, other))
        self._count(keep)
        return keep

    def _inherit_apart(self, keep: int, other: int) -> None:
        for third in self._apart.get(other, _NOBODY):
            self._save(third)
            self._apart[third] = self._apart[third] - {other}
            if third != keep:
                self.set_apart(keep, third)
        self._apart.pop(other, None)

    def rename(self, row: int, name: str) -> None:
        """Give a row a name; whoever has a name is shown."""
        self._save(row)
        self.names[row] = name
        self.named[row] = True
        self.ignored[row] = False

    def ignore(self, row: int) -> None:
        """Stop asking about a row."""
        self._save(row)
        self.ignored[row] = True

    def set_apart(self, one: int, other: int) -> None:
        """Say that two rows are two people."""
        if one != other:
            self._save(one, other)
            self._set_apart(one, other)

    def confirm(self, row: int, faces: Iterable[FaceId]) -> None:
        """Say that faces belong to a row: they are not doubted any more."""
        self._save(row)
        sure = set(faces)
        left = tuple(s for s in self.suspects.get(row, ()) if s.face not in sure)
        put(self.suspects, row, left or None)
        part = self.parts.get(row)
        # As a review begins: most of the part was looked at, not one face of it; `jobs.review`.
        if part is not None and 2 * len(sure.intersection(part.faces)) > len(part.faces):
            del self.parts[row]

    def take_out(
        self, row: int, faces: Sequence[FaceId], *, to: int | None, new: PersonId | None = None
    ) -> int | None:
        """Take faces out of a row.

        Args:
            row: whose they are.
            faces: which; those that are not the row's are left out.
            to: the row that they go to; None with `new` None: they are no faces.
            new: id of the new person that they become instead.

        Returns:
            The row where they are, None for no faces.
        """
        leaving = set(faces)
        numbers = self.members(row)
        goes = np.array([self._faces[number] in leaving for number in numbers.tolist()], dtype=bool)
        target = self._new_row(new) if new is not None else to
        self._save(row, *([] if target is None else [target]))
        self._leave_part(row, leaving)
        self.confirm(row, leaving)
        self._members[row] = numbers[~goes]
        moved = [self.vector(self._faces[number]) for number in numbers[goes].tolist()]
        known = [vector for vector in moved if vector is not None]
        total = np.sum(known, axis=0, dtype=np.float32) if known else np.float32(0)
        self.sums[row] -= total
        self.weights[row] -= len(known)
        self._count(row)
        if target is not None:
            self._members[target] = np.concatenate([self.members(target), numbers[goes]])
            self.sums[target] += total
            self.weights[target] += len(known)
            self._count(target)
            self.set_apart(row, target)
        return target

    def _leave_part(self, row: int, leaving: set[FaceId]) -> None:
        """Let those who stay of a part be the part: that some go does not mean that they belong."""
        part = self.parts.get(row)
        if part is None:
            return
        stay = tuple(face for face in part.faces if face not in leaving)
        put(self.parts, row, replace(part, faces=stay) if len(stay) > 1 else None)

    def take_in(self, row: int, faces: Iterable[FaceId]) -> None:
        """Give a row faces of nobody; those that are with somebody are left out."""
        self._save(row)
        places = self.loose.free_places(faces)
        if not places:
            return
        behind = len(self._faces) - len(self.loose)
        numbers = np.array(places, dtype=np.int64) + behind
        self._members[row] = np.concatenate([self.members(row), numbers])
        self.sums[row] += self.loose.vectors[places].sum(axis=0, dtype=np.float32)
        self.weights[row] += len(places)
        self._inverses.append(self.loose.take(places))
        self._count(row)

    def found(self, person: PersonId, faces: Iterable[FaceId]) -> int:
        """Make faces of nobody a new person; returns the row."""
        row = self._new_row(person)
        self.take_in(row, faces)
        return row

    def deny(self, row: int, faces: Iterable[FaceId]) -> None:
        """Say that faces of nobody are not a row."""
        self._save(row)
        self._inverses.append(self.loose.deny(self.loose.free_places(faces), row))

    def drop(self, faces: Iterable[FaceId]) -> None:
        """Say that faces of nobody are none."""
        self._inverses.append(self.loose.take(self.loose.free_places(faces)))

    def vector(self, face: FaceId) -> NDArray[np.float32] | None:
        """Return the vector of a face, None where it is not known."""
        known = self._vectors.get(face)
        place = self.loose.place(face)
        if place is not None:
            known = self.loose.vectors[place]
        if known is None and self._vector_of is not None:
            return self._vector_of(face)
        return known

    def settle_twice(self, faces: frozenset[FaceId]) -> None:
        """Ask no more about two faces of one photo."""
        was = self.twice.pop(faces, None)
        if was is not None:
            self._inverses.append(lambda: self.twice.__setitem__(faces, was))

    def is_held(self, kind: Kind, rows: Sequence[int], faces: Sequence[FaceId] = ()) -> bool:
        """Whether a question is held back, the people being as large as they are."""
        size = int(self.sizes[list(rows)].sum()) if rows else 0
        return self.holds.holds(kind, rows, faces, size)

    def hold(
        self, kind: Kind, rows: Sequence[int], faces: Sequence[FaceId], *, for_now: bool
    ) -> None:
        """Ask no more: until the people have grown a lot, or in all this sitting."""
        self._save(*rows)
        sizes = None if for_now else [int(self.sizes[row]) for row in rows]
        self._inverses.append(self.holds.add(kind, rows, faces, sizes))
