"""When faces were seen: what proves that two of them are two people.

A photo is one moment. A video has many, and a face in it stays for a while: two appearances are two
people only if the video shows both at once. Who leaves and comes back may be one person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from facesort.domain import FaceColumns

__all__ = ["Moments", "moments_of", "pick"]

_Fact = TypeVar("_Fact")


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The moments of n faces, as numbers; two faces with one in common are two people.

    Args:
        first: (n,) of each face; all there is for a face on a photo.
        more: by row, the further ones of appearances in videos.
    """

    first: NDArray[np.int64]
    more: dict[int, frozenset[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.first)

    def of(self, row: int) -> frozenset[int]:
        """Return all moments of one face."""
        return self.more.get(row, frozenset()) | {int(self.first[row])}

    def all(self) -> Iterator[frozenset[int]]:
        """Yield the moments of each face."""
        return map(self.of, range(len(self.first)))

    def subset(self, rows: NDArray[np.int64]) -> Moments:
        """Return those of some of the faces, renumbered."""
        return Moments(self.first[rows], pick(self.more, rows))

    def shared(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return who was seen at the moments of two faces or more.

        Returns:
            Rows and moments, (m,) each, ordered by moment and row.
        """
        further = [(row, moment) for row, moments in self.more.items() for moment in moments]
        extra = np.array(further, dtype=np.int64).reshape(-1, 2)
        rows = np.concatenate([np.arange(len(self.first)), extra[:, 0]])
        moments = np.concatenate([self.first, extra[:, 1]])
        order = np.lexsort((rows, moments))
        rows, moments = rows[order], moments[order]
        # A face's first moment may be among its further ones too.
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (moments[1:] != moments[:-1])
        rows, moments = rows[new], moments[new]
        _, which, times = np.unique(moments, return_inverse=True, return_counts=True)
        several = times[which] > 1
        return rows[several], moments[several]

    def crowded(self) -> NDArray[np.bool_]:
        """Say which faces, (n,), share a moment with another: the others cannot be in conflict."""
        crowded = np.zeros(len(self.first), dtype=bool)
        crowded[self.shared()[0]] = True
        return crowded


def pick(facts: Mapping[int, _Fact], rows: NDArray[np.int64]) -> dict[int, _Fact]:
    """Return what is known of some rows only, renumbered."""
    if not facts:
        return {}
    known = np.array(sorted(facts), dtype=np.int64)
    return {new: facts[int(rows[new])] for new in np.flatnonzero(np.isin(rows, known)).tolist()}


def moments_of(faces: FaceColumns) -> Moments:
    """Number the moments of faces.

    The moments of a video are the beginnings of its appearances: of two that overlap in time, one
    is there when the other begins. Those numbers are negative, a photo's is its row id.
    """
    photos = {row: int(faces.photo_ids[row]) for row in faces.spans}
    starts: dict[int, set[float]] = {}
    for row, span in faces.spans.items():
        starts.setdefault(photos[row], set()).add(span[0])
    numbers = {
        moment: -1 - i
        for i, moment in enumerate((photo, at) for photo, ats in starts.items() for at in ats)
    }
    first = faces.photo_ids.copy()
    for row, span in faces.spans.items():
        first[row] = numbers[photos[row], span[0]]
    more = {
        row: frozenset(numbers[photos[row], at] for at in _within(starts[photos[row]], span))
        for row, span in faces.spans.items()
    }
    return Moments(first, more)


def _within(starts: Iterable[float], span: tuple[float, float]) -> list[float]:
    return [at for at in starts if span[0] <= at <= span[1]]
