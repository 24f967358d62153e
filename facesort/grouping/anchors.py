"""Finding the face that a decision's anchor means, also after another detector has looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.domain import Anchor, Face, FaceId

__all__ = ["AnchorIndex"]

# Two detectors draw the same face with an overlap well above this; neighbours in a row stay below
# it.
_MIN_OVERLAP = 0.35


class AnchorIndex:
    """Looks up faces by anchor.

    Args:
        faces: all faces of the library.
    """

    def __init__(self, faces: Iterable[Face]) -> None:
        self._by_photo: dict[str, list[tuple[Anchor, FaceId]]] = {}
        for face in faces:
            self._by_photo.setdefault(face.anchor.content_key, []).append((face.anchor, face.id))

    def find(self, anchor: Anchor) -> FaceId | None:
        """Return the face that overlaps the anchor most, None when none does enough."""
        best: tuple[float, FaceId] | None = None
        for other, face in self._by_photo.get(anchor.content_key, ()):
            if other == anchor:
                return face
            overlap = anchor.box.overlap(other.box)
            if overlap >= _MIN_OVERLAP and (best is None or (overlap, face) > best):
                best = (overlap, face)
        return best[1] if best else None
