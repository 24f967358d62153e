"""Orders of questions that other tools have, answered by somebody who knows the truth.

Every order goes through the people of an album and yields what each answer has cost, until it has
no question left. `docs/review.md` says which tools ask like this, and why it is fair.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from facesort.evaluation.simulated import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.evaluation.answerer import Answerer
    from facesort.evaluation.simulated import Album, Key
    from facesort.protocols import Vectors

    Order: TypeAlias = Callable[[Album, Answerer], Iterator[int]]

__all__ = ["DBSCAN_EPS", "by_size", "dbscan_owners", "most_similar_first"]

# Of the tool on these very models (albumit 0.1.x: cosine distance, min_samples 1). Tools on other
# models have other numbers.
DBSCAN_EPS = 0.45


def by_size(album: Album, answerer: Answerer) -> Iterator[int]:
    """Ask of everybody who it is, those with most faces first.

    A new name is typed, a known one chosen from the list, faces of others are moved out one by one.
    """
    largest_first = sorted(album.people(), key=lambda person: -album.size(person))
    for person in largest_first:
        if album.is_open(person):
            yield from answerer.tell(album, person)


def dbscan_owners(vectors: Vectors, eps: float = DBSCAN_EPS) -> Sequence[int]:
    """Group faces as the usual tools do: DBSCAN over cosine distances, one face is enough.

    Args:
        vectors: (n, d) unit float32.
        eps: faces at most that far apart are one person, 1 - cosine.
    """
    from sklearn.cluster import DBSCAN  # noqa: PLC0415 - heavy

    if not len(vectors):
        return []
    labels: NDArray[np.int64] = DBSCAN(eps=eps, min_samples=1, metric="cosine").fit_predict(vectors)
    return [int(label) for label in labels]


def most_similar_first(vectors: Vectors, *, names_first: bool = False) -> Order:
    """Return the order that always asks about the two people who look most alike.

    "The same person?" After a no, whoever of the two has no name yet is named at once, which is the
    kindest moment: later there would be more noes, earlier the yes would be lost. Two people who
    have names are not asked about.

    Args:
        vectors: (n, d) unit float32, of the faces of the album.
        names_first: kinder still: of two without a name the larger one is named unasked, and a name
            may be typed in place of the answer no.
    """

    def order(album: Album, answerer: Answerer) -> Iterator[int]:
        pairs = _Pairs(album, vectors)
        while (pair := pairs.next()) is not None:
            if names_first:
                yield from _name_over(album, answerer, *pair)
            else:
                yield from _ask(album, answerer, pairs, *pair)
        yield from by_size(album, answerer)  # somebody all alone

    return order


def _ask(album: Album, answerer: Answerer, pairs: _Pairs, one: Key, other: Key) -> Iterator[int]:
    strangers = [p for p in (one, other) if album.called(p) is None]
    if not strangers:  # of a stranger the answer is "put aside", which is told below
        if answerer.says(album.called(one) == album.called(other)):
            yield from _join(album, one, other)
            return
        pairs.close(one, other)
        yield KEY
    for person in sorted((one, other), key=lambda p: -album.size(p)):
        if album.is_open(person):
            yield from answerer.tell(album, person)


def _join(album: Album, one: Key, other: Key) -> Iterator[int]:
    into, gone = (one, other) if album.name(one) is not None else (other, one)
    album.merge(into, gone)
    yield KEY
    name = album.name(into)
    if name is not None:
        yield from album.move_out(into, name)


def _name_over(album: Album, answerer: Answerer, one: Key, other: Key) -> Iterator[int]:
    asked = [p for p in (one, other) if album.is_open(p)]
    larger = max(asked, key=album.size)
    listed = [p for p in (one, other) if p != larger and album.name(p) is not None]
    yield from answerer.tell(album, larger, listed)


class _Pairs:
    """Finds the two people who look most alike, of whom one at least has no name.

    Everybody's nearest is remembered until one of the two changes. Alike is the mean cosine between
    their faces, which is what people are grouped by.
    """

    def __init__(self, album: Album, vectors: Vectors) -> None:
        self._album = album
        self._vectors = vectors
        self._keys: list[Key] = []
        self._place: dict[Key, int] = {}
        self._means = np.zeros((0, vectors.shape[1]), dtype=np.float32)
        self._present = np.zeros(0, dtype=bool)  # with faces, and not put aside
        self._open = np.zeros(0, dtype=bool)  # and without a name
        self._version = np.zeros(0, dtype=np.int64)
        self._closed: dict[int, set[int]] = {}
        self._heap: list[tuple[float, int, int, int, int]] = []
        album.touched.clear()
        self._read(list(album.people()))

    def close(self, one: Key, other: Key) -> None:
        """Remember that two are not one person."""
        a, b = self._place[one], self._place[other]
        self._closed.setdefault(a, set()).add(b)
        self._closed.setdefault(b, set()).add(a)

    def next(self) -> tuple[Key, Key] | None:
        """Return the most alike two; None when everybody has a name or is alone."""
        if self._album.touched:
            changed = list(self._album.touched)
            self._album.touched.clear()
            self._read(changed)
        while self._heap:
            _, one, other, version, its_version = self._heap[0]
            fresh = self._version[one] == version and self._version[other] == its_version
            if fresh and self._asked(one, other):
                return self._keys[one], self._keys[other]
            heapq.heappop(self._heap)
            self._find(one)
        return None

    def _asked(self, one: int, other: int) -> bool:
        both = self._present[one] and self._present[other]
        some = self._open[one] or self._open[other]
        return bool(both and some) and other not in self._closed.get(one, ())

    def _read(self, people: Sequence[Key]) -> None:
        new = [person for person in people if person not in self._place]
        for person in new:
            self._place[person] = len(self._keys)
            self._keys.append(person)
        more = len(new)
        self._means = np.pad(self._means, ((0, more), (0, 0)))
        self._present, self._open = np.pad(self._present, (0, more)), np.pad(self._open, (0, more))
        self._version = np.pad(self._version, (0, more))
        for person in people:
            place, rows = self._place[person], self._album.rows(person)
            self._present[place] = bool(rows) and not self._album.is_ignored(person)
            self._open[place] = self._album.is_open(person)
            self._version[place] += 1
            if rows:
                self._means[place] = self._vectors[list(rows)].mean(axis=0)
        for person in people:
            self._find(self._place[person])

    def _find(self, one: int) -> None:
        """Remember who is nearest to somebody."""
        if not self._present[one]:
            return
        cosines = self._means @ self._means[one]
        cosines[~(self._present if self._open[one] else self._open)] = -np.inf
        cosines[[one, *self._closed.get(one, ())]] = -np.inf
        other = int(cosines.argmax())
        if cosines[other] > -np.inf:
            versions = int(self._version[one]), int(self._version[other])
            heapq.heappush(self._heap, (-float(cosines[other]), one, other, *versions))
