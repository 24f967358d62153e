"""Faces that are with nobody: which of them still are, and whom they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from facesort.domain import FaceId, PersonId
    from facesort.review.crowd import Loose

__all__ = ["LooseFaces"]

_NOBODY: frozenset[int] = frozenset()


class LooseFaces:
    """Places 0..m-1 of faces that were with nobody when the sitting began.

    Args:
        loose: the faces; None: there are none.
        rows: of people.

    Attributes:
        faces: m ids.
        vectors: (m, d) unit float32.
        moments: (m,) see `crowd.Crowd`.
        quality: (m,) 0..1, 1 where it is not known.
        free: (m,) bool, whether each one is with nobody now, and a face.
    """

    def __init__(self, loose: Loose | None, rows: Mapping[PersonId, int]) -> None:
        self.faces: tuple[FaceId, ...] = loose.faces if loose else ()
        self.vectors = loose.vectors if loose else np.zeros((0, 0), dtype=np.float32)
        self.moments = loose.moments if loose else np.zeros(0, dtype=np.int64)
        qualities = loose.quality if loose else None
        self.quality = np.ones(len(self.faces)) if qualities is None else qualities
        self.free = np.ones(len(self.faces), dtype=bool)
        self._place = {face: place for place, face in enumerate(self.faces)}
        self._denied: dict[int, frozenset[int]] = {}
        for face, people in (loose.denied if loose else {}).items():
            known = frozenset(rows[person] for person in people if person in rows)
            if known and face in self._place:
                self._denied[self._place[face]] = known

    def __len__(self) -> int:
        return len(self.faces)

    def place(self, face: FaceId) -> int | None:
        """Return the place of a face, None of one that was with somebody."""
        return self._place.get(face)

    def quality_of(self, face: FaceId) -> float:
        """Return the quality of a face, 1 of one that was with somebody."""
        place = self._place.get(face)
        return 1.0 if place is None else float(self.quality[place])

    def free_places(self, faces: Iterable[FaceId]) -> list[int]:
        """Return the places of those of some faces that are with nobody, each once."""
        places = (self._place.get(face) for face in dict.fromkeys(faces))
        return [place for place in places if place is not None and self.free[place]]

    def denied(self, place: int) -> frozenset[int]:
        """Return the rows that a face is not, some of which may be merged away."""
        return self._denied.get(place, _NOBODY)

    def take(self, places: list[int]) -> Callable[[], None]:
        """Take faces that are free; returns what brings them back."""
        self.free[places] = False

        def back() -> None:
            self.free[places] = True

        return back

    def deny(self, places: list[int], row: int) -> Callable[[], None]:
        """Say that faces are not a row; returns what takes it back."""
        before = {place: self._denied.get(place) for place in places}
        for place in places:
            self._denied[place] = self.denied(place) | {row}

        def back() -> None:
            for place, was in before.items():
                if was is None:
                    self._denied.pop(place, None)
                else:
                    self._denied[place] = was

        return back
