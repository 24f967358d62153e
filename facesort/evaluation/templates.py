"""Two disjoint sets of everybody's faces, under the conditions of `evaluation.sets`."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors

__all__ = [
    "BURST",
    "CONDITIONS",
    "MIN_FACES",
    "SPOILT_SHARE",
    "Draw",
    "SetFaces",
    "draw_templates",
]

CONDITIONS = ("clean", "burst", "degraded")

MIN_FACES = 4  # of a person: two for each template
_TEMPLATE_FACES = (2, 20)

BURST = 8  # how often one face of a template stands in it
SPOILT_SHARE = 0.3

_NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class SetFaces:
    """Labelled faces, and copies of some of them.

    Args:
        vectors: (m, d) unit float32; the first n rows are the faces themselves.
        quality: (m,) 0..1.
        people: n names.
        copies: (n, BURST - 1) rows of near copies of each face, -1 where there is none: the face
            itself is then repeated.
        spoilt: (n, k) rows of degraded copies of each, -1 where there is none: the face then stays.
    """

    vectors: Vectors
    quality: NDArray[np.float32]
    people: Sequence[str]
    copies: NDArray[np.int64]
    spoilt: NDArray[np.int64]

    @classmethod
    def plain(
        cls, vectors: Vectors, quality: NDArray[np.float32], people: Sequence[str]
    ) -> SetFaces:
        """Return faces of which there are no copies: bursts repeat the very same vector."""
        none = np.full((len(people), BURST - 1), _NONE, dtype=np.int64)
        return cls(vectors, quality, people, none, none[:, :1])

    def take(self, which: Sequence[bool]) -> SetFaces:
        """Return some of the faces, with their copies.

        Args:
            which: n choices.
        """
        rows = np.flatnonzero(np.asarray(which, dtype=bool))
        gone = len(self.people) - len(rows)

        def moved(copies: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.where(copies[rows] == _NONE, _NONE, copies[rows] - gone)

        kept = np.concatenate([rows, np.arange(len(self.people), len(self.vectors))])
        return SetFaces(
            self.vectors[kept],
            self.quality[kept],
            [self.people[row] for row in rows.tolist()],
            moved(self.copies),
            moved(self.spoilt),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The templates of one seed: 2 i and 2 i + 1 are of the i-th of the people.

    Args:
        people: p names.
        templates: 2 p arrays of rows.
        burst: (2 p,) which row of each is repeated.
        degraded: 2 p arrays of the rows that are replaced.
        version: (n,) by which of its degraded copies a row is replaced: a number to be taken
            modulo k.
    """

    people: tuple[str, ...]
    templates: tuple[NDArray[np.int64], ...]
    burst: NDArray[np.int64]
    degraded: tuple[NDArray[np.int64], ...]
    version: NDArray[np.int64]

    def rows(self, faces: SetFaces, condition: str) -> tuple[NDArray[np.int64], ...]:
        """Return the rows of `faces` that each template holds under a condition."""
        if condition == "burst":
            return tuple(
                np.concatenate([rows, np.where((c := faces.copies[row]) == _NONE, row, c)])
                for rows, row in zip(self.templates, self.burst.tolist(), strict=True)
            )
        if condition == "degraded":
            version = self.version % faces.spoilt.shape[1]
            worse = faces.spoilt[np.arange(len(version)), version]
            return tuple(
                np.where(np.isin(rows, bad) & (worse[rows] != _NONE), worse[rows], rows)
                for rows, bad in zip(self.templates, self.degraded, strict=True)
            )
        return self.templates


def draw_templates(people: Sequence[str], seed: int) -> Draw:
    """Deal the faces of everybody with four or more into two templates of 2 to 20.

    The size is drawn evenly from 2 to half of the person's faces, 20 at most, and is the same for
    both. Of each template 30 % are degraded: the count is rounded up or down by chance, so that
    small templates have their share. What one person gets does not depend on the others.

    Args:
        people: n names, one for each face.
        seed: equal seeds give equal draws.
    """
    names, codes = np.unique(np.asarray(people, dtype=str), return_inverse=True)
    counts = np.bincount(codes, minlength=len(names))
    order = np.argsort(codes, kind="stable")
    starts = np.cumsum(counts) - counts
    version = np.zeros(len(codes), dtype=np.int64)
    drawn, templates, burst, degraded = [], [], [], []
    for person in np.flatnonzero(counts >= MIN_FACES).tolist():
        name = str(names[person])
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        rows = rng.permutation(order[starts[person] : starts[person] + counts[person]])
        low, high = _TEMPLATE_FACES
        size = int(rng.integers(low, min(high, len(rows) // 2) + 1))
        version[rows] = rng.integers(0, 1 << 30, len(rows))
        drawn.append(name)
        for half in (rows[:size], rows[size : 2 * size]):
            templates.append(half)
            burst.append(int(rng.choice(half)))
            count = int(SPOILT_SHARE * size + rng.random())
            degraded.append(rng.choice(half, count, replace=False))
    return Draw(tuple(drawn), tuple(templates), np.array(burst), tuple(degraded), version)
