"""When faces were seen: what proves that two of them are two people.

A photo is one moment. A video has many, and a face in it stays for a while: two appearances are two
people only if the video shows both at once. Who leaves and comes back may be one person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from facesort.domain import FaceColumns

__all__ = ["Moments", "moments_of"]


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
        more = {new: self.more[old] for new, old in enumerate(rows.tolist()) if old in self.more}
        return Moments(self.first[rows], more)


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
