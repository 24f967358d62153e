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
        self._by_photo: dict[str, list[Face]] = {}
        for face in faces:
            self._by_photo.setdefault(face.anchor.photo_key, []).append(face)

    def find(self, anchor: Anchor) -> FaceId | None:
        """Return the face that overlaps the anchor most, None when none does enough.

        In a video only a face that is seen at the anchor's time can be meant: another one may be in
        the same place before or after.
        """
        best: tuple[float, FaceId] | None = None
        for face in self._by_photo.get(anchor.photo_key, ()):
            if face.anchor == anchor:
                return face.id
            overlap = anchor.box.overlap(face.anchor.box)
            if overlap >= _MIN_OVERLAP and _seen_at(face, anchor.seconds):
                best = max(best or (0.0, face.id), (overlap, face.id))
        return best[1] if best else None


def _seen_at(face: Face, seconds: float | None) -> bool:
    span = face.span
    return span is None or seconds is None or span[0] <= seconds <= span[1]
