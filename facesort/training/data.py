"""What a training sees: sets of faces drawn in the space of vectors.

Each face comes with the vectors of spoilt and of nearly equal copies of its picture, embedded once.
A set is drawn as photo collections are: some photos of a person, some of them poor, and often one
of them many times over, as bursts and videos have it.

People are split by name, so that nobody who is trained on is ever measured on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = ["Batch", "FaceViews", "Sets", "is_for_training"]

# Faces of a set: 1 to as many (Shapira and Keller).
MOST_FACES = 20

# Of sets: in so many one photo takes all places that are left, as a burst does.
_BURST_SHARE = 0.5
# Of the faces of a set that are spoilt: one of these for each set.
_SPOILT_SHARES = (0.0, 0.0, 0.3, 0.6)


def is_for_training(person: str) -> bool:
    """Say whether somebody is trained on; the others, half of all, are measured on.

    It depends on the name alone, so that it is the same half in every training and test.
    """
    return int(hashlib.sha256(person.encode()).hexdigest(), 16) % 2 == 0


@dataclass(frozen=True, slots=True, eq=False)
class FaceViews:
    """Faces with vectors of copies of their pictures.

    Args:
        vectors: (n, 1 + c + s, d) unit float32: the face itself, c near copies, s spoilt ones;
            zeros where there is no such copy.
        quality: (n, 1 + c + s) 0..1.
        copies: c.
        people: n names or ids.
    """

    vectors: Vectors
    quality: NDArray[np.float32]
    copies: int
    people: Sequence[str]

    def take(self, rows: NDArray[np.int64]) -> FaceViews:
        """Return some of the faces."""
        people = [self.people[row] for row in rows.tolist()]
        return FaceViews(self.vectors[rows], self.quality[rows], self.copies, people)

    def fingerprint(self) -> str:
        """Return a hash of everything that is learned from."""
        digest = hashlib.sha256(f"{self.vectors.shape} {self.copies}".encode())
        for array in (self.vectors, self.quality):
            digest.update(np.ascontiguousarray(array).tobytes())
        for person in self.people:
            digest.update(f"\n{person}".encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some sets, and what should be made of them.

    Args:
        vectors: (b, t, d) float32.
        quality: (b, t) 0..1.
        present: (b, t) whether a face is there.
        centres: (b, d) unit: the mean of the same people's other photos.
        person: (b,) numbers of the people.
    """

    vectors: Vectors
    quality: NDArray[np.float32]
    present: NDArray[np.bool_]
    centres: Vectors
    person: NDArray[np.int64]


class Sets:
    """Draws sets of faces of people with two photos or more.

    Args:
        views: the faces; those of people with one photo are not drawn.

    Raises:
        ValueError: nobody has two.
    """

    def __init__(self, views: FaceViews) -> None:
        names, owner = np.unique(np.array(views.people, dtype=str), return_inverse=True)
        rows = [np.flatnonzero(owner == number) for number in range(len(names))]
        self._rows = [mine for mine in rows if len(mine) > 1]
        if not self._rows:
            raise ValueError("nobody has two photos")
        self._views = views
        self._there = np.abs(views.vectors).max(axis=2) > 0

    @property
    def people(self) -> int:
        """How many people there are to draw."""
        return len(self._rows)

    def centres(self) -> Vectors:
        """Return the (p, d) unit means of everybody's faces."""
        means: Vectors = np.stack([self._mean(mine) for mine in self._rows])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return means

    def _mean(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        weights = self._views.quality[rows, 0] + np.float32(1e-3)  # faces may all be unusable
        return np.asarray(weights @ self._views.vectors[rows, 0], dtype=np.float32)

    def draw(self, count: int, rng: np.random.Generator) -> Batch:
        """Draw some sets, each of a person drawn at random."""
        dimension = self._views.vectors.shape[2]
        vectors = np.zeros((count, MOST_FACES, dimension), dtype=np.float32)
        quality = np.zeros((count, MOST_FACES), dtype=np.float32)
        present = np.zeros((count, MOST_FACES), dtype=bool)
        centres = np.zeros((count, dimension), dtype=np.float32)
        person = rng.integers(len(self._rows), size=count)
        for i, whose in enumerate(person.tolist()):
            rows, views, others = self._template(self._rows[whose], rng)
            vectors[i, : len(rows)] = self._views.vectors[rows, views]
            quality[i, : len(rows)] = self._views.quality[rows, views]
            present[i, : len(rows)] = True
            centres[i] = self._mean(others)
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        return Batch(vectors, quality, present, centres, person)

    def _template(
        self, mine: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Draw faces of one person.

        Returns:
            (t,) rows, (t,) which view of each, and the rows of photos that are not among them.
        """
        size = int(rng.integers(1, MOST_FACES + 1))
        photos = int(rng.integers(1, min(size, len(mine) - 1) + 1))
        shuffled = rng.permutation(mine)
        drawn = shuffled[:photos]
        again = rng.choice(drawn, size - photos)
        if rng.random() < _BURST_SHARE:
            again[:] = drawn[0]
        rows = np.concatenate([drawn, again])
        views = np.zeros(size, dtype=np.int64)
        copies, last = self._views.copies, self._views.vectors.shape[1]
        if copies:  # a photo that was drawn before comes as a near copy of itself
            views[photos:] = rng.integers(1, copies + 1, size - photos)
        if last > 1 + copies:
            spoilt = rng.random(size) < rng.choice(_SPOILT_SHARES)
            views[spoilt] = rng.integers(1 + copies, last, int(spoilt.sum()))
        views[~self._there[rows, views]] = 0
        return rows, views, shuffled[photos:]
