"""What is not asked for a while: the user could not say, or did not want to now.

What the user was not sure of is asked again when the people have twice as many faces as then; what
was skipped is not asked again in this sitting. Pairs of people, and of a face and a person, are
kept for rows, so that they go on to the survivor of a merge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from facesort.review.questions import Kind
from facesort.review.saved import put

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from facesort.domain import FaceId

__all__ = ["Holds"]

# With twice the faces there is something new to see.
_GROWN = 2

_FOR_NOW = -1


class Holds:
    """By kind: one row (WHO, TWO), pairs of rows (SAME, WHO), a face and a row (BELONGS, ALSO).

    Of MIRROR it is the two faces, whoever has them.
    """

    def __init__(self) -> None:
        # What is held, and how many faces its people had together.
        self._held: dict[Hashable, int] = {}
        self._partners: dict[int, frozenset[int]] = {}
        self._faces: dict[int, frozenset[_Face]] = {}

    def add(
        self,
        kind: Kind,
        rows: Sequence[int],
        faces: Iterable[FaceId],
        sizes: Sequence[int] | None,
    ) -> Callable[[], None]:
        """Hold something back.

        Args:
            kind: of the question.
            rows: of its people, the subject first; of WHO also those who were listed as guesses.
            faces: that it was about.
            sizes: how many faces each of these people has; None: for this sitting.

        Returns:
            What takes it back.
        """
        keys = _keys(kind, rows, tuple(faces))
        then = [_FOR_NOW] * len(keys) if sizes is None else _sizes(kind, sizes, len(keys))
        return self._put(dict(zip(keys, then, strict=True)))

    def merge(self, keep: int, other: int) -> Callable[[], None]:
        """Let the survivor of a merge have the pairs of who is merged away."""
        pairs = {
            frozenset((keep, third)): self._held[frozenset((other, third))]
            for third in self._partners.get(other, ())
            if third != keep
        }
        theirs: dict[Hashable, int] = {
            face._replace(row=keep): self._held[face] for face in self._faces.get(other, ())
        }
        inverses = [
            self._put({key: size})
            for key, size in (pairs | theirs).items()
            if key not in self._held
        ]

        def back() -> None:
            for inverse in reversed(inverses):
                inverse()

        return back

    def holds(self, kind: Kind, rows: Sequence[int], faces: Iterable[FaceId], size: int) -> bool:
        """Whether all of that is held back, the people having so many faces together now."""
        keys = _keys(kind, rows[:1] if kind is Kind.WHO else rows, tuple(faces))
        then = [self._held.get(key) for key in keys]
        return bool(keys) and all(
            was is not None and (was == _FOR_NOW or size < _GROWN * was) for was in then
        )

    def rows(self, kind: Kind) -> list[int]:
        """Return the rows about whom something of a kind was held back at some time."""
        return [
            int(key[1])
            for key in self._held
            if type(key) is tuple and key[0] is kind and isinstance(key[1], int)
        ]

    def copy(self) -> tuple[object, ...]:
        """Return all that is held, to compare."""
        return dict(self._held), dict(self._partners), dict(self._faces)

    def _put(self, keys: Mapping[Hashable, int]) -> Callable[[], None]:
        before = [(key, self._held.get(key)) for key in keys]
        rows = {row for key in keys for row in _pair(key)}
        partners = {row: self._partners.get(row) for row in rows}
        faces = {key.row: self._faces.get(key.row) for key in keys if isinstance(key, _Face)}
        for key, size in keys.items():
            self._held[key] = size
            if isinstance(key, _Face):
                self._faces[key.row] = self._faces.get(key.row, frozenset()) | {key}
            pair = _pair(key)
            for row in pair:
                self._partners[row] = self._partners.get(row, frozenset()) | (pair - {row})

        def back() -> None:
            for key, old in reversed(before):
                if old is None:
                    self._held.pop(key, None)
                else:
                    self._held[key] = old
            for row, known in partners.items():
                put(self._partners, row, known)
            for row, about in faces.items():
                put(self._faces, row, about)

        return back


class _Face(NamedTuple):
    """A face, and whose it may be or not be."""

    kind: Kind
    face: FaceId
    row: int


def _keys(kind: Kind, rows: Sequence[int], faces: tuple[FaceId, ...]) -> list[Hashable]:
    if kind is Kind.SAME:
        return [frozenset((rows[0], other)) for other in rows[1:]]
    if kind in {Kind.BELONGS, Kind.ALSO}:
        return [_Face(kind, face, rows[0]) for face in faces] if rows else []
    if kind is Kind.MIRROR:
        return [(kind, frozenset(faces))]
    single: list[Hashable] = [(kind, row) for row in rows[:1]]
    if kind is Kind.WHO:
        single += [frozenset((rows[0], other)) for other in rows[1:]]
    return single


def _sizes(kind: Kind, sizes: Sequence[int], keys: int) -> list[int]:
    """Return how many faces the people of each key have together."""
    if kind is Kind.SAME:
        return [sizes[0] + size for size in sizes[1:]]
    if kind is Kind.WHO:
        return [*sizes[:1], *(sizes[0] + size for size in sizes[1:])]
    return [sum(sizes)] * keys


def _pair(key: Hashable) -> frozenset[int]:
    """Return the two rows of a key about a pair of people; of another key none."""
    if isinstance(key, frozenset) and len(key) == 2:
        return key
    return frozenset()
