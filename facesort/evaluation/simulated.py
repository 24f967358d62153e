"""An album whose truth is known: who is with whom, named how, and how many faces are right."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from facesort.protocols import Vectors

    Key: TypeAlias = Hashable

__all__ = ["KEY", "TYPED", "Album", "LabelledFaces"]

# What answers cost. A typed name is several keys; everything else is one.
KEY = 1
TYPED = 2


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFaces:
    """All faces of a library as a review starts, and what the truth says of some of them.

    Args:
        vectors: (n, d) unit float32.
        owners: n keys of people; None: with nobody.
        truth: n names; None where the truth does not speak of the face.
        lost: names of rows of the truth whose face was not found.
    """

    vectors: Vectors
    owners: Sequence[Key | None]
    truth: Sequence[str | None]
    lost: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not len(self.vectors) == len(self.owners) == len(self.truth):
            raise ValueError("vectors, owners and truth are not of one length")

    @property
    def wanted(self) -> int:
        """Rows of the truth."""
        return len(self.lost) + sum(name is not None for name in self.truth)


class Album:
    """Who is with whom and under which name; knows how many faces are right.

    A face is right when the truth speaks of it and its person carries the name that the truth
    gives it. Nobody has a name at the start.

    Args:
        faces: as a review starts.
        owners: other people than theirs to start from.
    """

    def __init__(self, faces: LabelledFaces, owners: Sequence[Key | None] | None = None) -> None:
        self.wanted = faces.wanted
        self.right = 0
        self.touched: set[Key] = set()  # who has changed; whoever reads it empties it
        self._truth = faces.truth
        self._rows: dict[Key, list[int]] = {}
        self._counts: dict[Key, Counter[str]] = {}
        self._names: dict[Key, str] = {}
        self._bearers: dict[str, Key] = {}
        self._ignored: set[Key] = set()
        self._lost = Counter(faces.lost)
        self._nobodys: set[int] = set()
        by_person: dict[Key, list[int]] = {}
        for row, owner in enumerate(faces.owners if owners is None else owners):
            if owner is not None:
                by_person.setdefault(owner, []).append(row)
            elif self._truth[row] is not None:
                self._nobodys.add(row)
        for person, rows in by_person.items():
            self.put(person, rows)

    # -- looking -----------------------------------------------------------------------------------

    def people(self) -> Iterator[Key]:
        """Yield everybody with faces."""
        return iter(self._rows)

    def rows(self, person: Key) -> Sequence[int]:
        """Return the faces of a person."""
        return self._rows.get(person, ())

    def size(self, person: Key) -> int:
        """Return how many faces there are of a person."""
        return len(self._rows.get(person, ()))

    def truth(self, row: int) -> str | None:
        """Return whose face it is."""
        return self._truth[row]

    def name(self, person: Key) -> str | None:
        """Return the name that was given."""
        return self._names.get(person)

    def is_ignored(self, person: Key) -> bool:
        """Whether nobody wants to see them."""
        return person in self._ignored

    def is_open(self, person: Key) -> bool:
        """Whether they have neither a name nor been ignored."""
        return person in self._rows and person not in self._names and person not in self._ignored

    def bearer(self, name: str) -> Key | None:
        """Return who has a name."""
        return self._bearers.get(name)

    def bearers(self) -> Sequence[Key]:
        """Return everybody who has a name, in the order of the names' coming."""
        return list(self._bearers.values())

    def majority(self, person: Key) -> str | None:
        """Return whose face most of them are, of those that the truth speaks of."""
        counts = self._counts.get(person)
        # Of equals the first in the alphabet: the order of the faces should not matter.
        return min(counts, key=lambda name: (-counts[name], name)) if counts else None

    def called(self, person: Key) -> str | None:
        """Return who somebody is taken for who looks at them: by name, else by the faces."""
        return self._names.get(person) or self.majority(person)

    def wrong(self, person: Key, name: str) -> list[int]:
        """Return the faces that are, by the truth, somebody else's."""
        return [row for row in self.rows(person) if self._truth[row] not in {None, name}]

    def strays(self) -> list[int]:
        """Return what each face costs that only moving it can make right, cheapest first.

        The first one of somebody who has no name yet is typed.
        """
        missing = self._lost + Counter(self._truth[row] or "" for row in self._nobodys)
        listed = sum(count for name, count in missing.items() if name in self._bearers)
        typed = (count for name, count in missing.items() if name not in self._bearers)
        costs = [KEY] * listed
        for count in sorted(typed, reverse=True):
            costs += [TYPED, *[KEY] * (count - 1)]
        return costs

    # -- changing ----------------------------------------------------------------------------------

    def put(self, person: Key, rows: Iterable[int]) -> None:
        """Say which faces somebody has; those of nobody before are with somebody now."""
        self.touched.add(person)
        self.right -= self._right(person)
        held = list(rows)
        self._nobodys.difference_update(held)
        if held:
            self._rows[person] = held
            names = (self._truth[row] for row in held)
            self._counts[person] = Counter(name for name in names if name is not None)
        else:
            self._rows.pop(person, None)
            self._counts.pop(person, None)
        self.right += self._right(person)

    def free(self, rows: Iterable[int]) -> None:
        """Say which faces are nobody's now."""
        self._nobodys.update(row for row in rows if self._truth[row] is not None)

    def call(self, person: Key, name: str | None) -> None:
        """Give somebody a name, or take it."""
        self.touched.add(person)
        self.right -= self._right(person)
        old = self._names.pop(person, None)
        if old is not None and self._bearers.get(old) == person:
            del self._bearers[old]
        if name is not None:
            self._names[person] = name
            self._bearers.setdefault(name, person)
        self.right += self._right(person)

    def ignore(self, person: Key, *, ignored: bool = True) -> None:
        """Say that nobody wants to see somebody."""
        self.touched.add(person)
        if ignored:
            self._ignored.add(person)
        else:
            self._ignored.discard(person)

    def merge(self, into: Key, other: Key) -> None:
        """Give one person the faces of another, and the name if only the other has one."""
        name = self._names.get(into) or self._names.get(other)
        rows = [*self.rows(into), *self.rows(other)]
        self.call(other, None)
        self.put(other, ())
        self.put(into, rows)
        if self._names.get(into) != name:
            self.call(into, name)

    def identify(self, person: Key, name: str) -> Iterator[int]:
        """Say who somebody is, then move out the faces that are not theirs, one by one.

        Yields:
            What each step has cost.
        """
        bearer = self._bearers.get(name)
        if bearer is None:
            self.call(person, name)
            yield TYPED
        else:
            self.merge(bearer, person)
            person = bearer
            yield KEY
        yield from self.move_out(person, name)

    def move_out(self, person: Key, name: str) -> Iterator[int]:
        """Move the faces that are somebody else's to whom they belong, one by one."""
        for row in self.wrong(person, name):
            yield self._move(person, row)

    def _move(self, person: Key, row: int) -> int:
        name = self._truth[row] or ""
        bearer = self._bearers.get(name)
        self.put(person, [held for held in self.rows(person) if held != row])
        if bearer is not None:
            self.put(bearer, [*self.rows(bearer), row])
            return KEY
        founded = ("moved", row)
        self.put(founded, [row])
        self.call(founded, name)
        return TYPED

    def _right(self, person: Key) -> int:
        name = self._names.get(person)
        return self._counts[person][name] if name is not None and person in self._counts else 0

    # -- the rest by hand --------------------------------------------------------------------------

    def by_hand(self, target: int) -> float:
        """Return what it costs to make so many faces right without any more questions.

        Faces that are with nobody are moved first: the cheapest of all. Then people are opened one
        by one, largest first, either the named before the others or after them, whichever is
        cheaper: to look at a named one costs 1, the right name 1 or 2, each face moved 1.
        """
        named, others = self._pages()
        return min(self._done(target, named + others), self._done(target, others + named))

    def looked_through(self, target: int) -> float:
        """Return the same, but nobody is named who has been neither named nor ignored before."""
        named, others = self._pages()
        ignored = [person for person in others if person in self._ignored]
        return self._done(target, named + ignored)

    def _pages(self) -> tuple[list[Key], list[Key]]:
        largest = sorted(self._rows, key=lambda person: -len(self._rows[person]))
        named = [person for person in largest if person in self._names]
        return named, [person for person in largest if person not in self._names]

    def _done(self, target: int, pages: Sequence[Key]) -> float:
        need = target - self.right
        costs = [0, *accumulate(self.strays())]
        if need < len(costs):
            return costs[max(0, need)]
        need -= len(costs) - 1
        cost, known = costs[-1], set(self._bearers)
        for person in pages:
            for price, gain in self._page(person, known):
                cost += price
                need -= gain
                if need <= 0:
                    return cost
        return math.inf

    def _page(self, person: Key, known: set[str]) -> Iterator[tuple[int, int]]:
        """Yield price and gain of each step on somebody's page."""
        counts, name = self._counts[person], self._names.get(person)
        who = self.majority(person)
        if name is not None or who is None:
            yield KEY, 0  # looked at, or put aside
        if who is None:
            return
        if name != who:
            yield KEY if who in known else TYPED, counts[who] - (counts[name] if name else 0)
            known.add(who)
        for other in counts.keys() - {who}:
            yield KEY if other in known else TYPED, 1
            known.add(other)
            for _ in range(counts[other] - 1):
                yield KEY, 1
