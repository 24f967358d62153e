"""Finding the face that a decision's anchor means, also after another detector has looked."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from facesort.domain import Box

if TYPE_CHECKING:
    from facesort.domain import Anchor, FaceColumns, FaceId

__all__ = ["AnchorIndex"]

# Two detectors draw the same face with an overlap well above this; neighbours in a row stay below
# it.
_MIN_OVERLAP = 0.35


class AnchorIndex:
    """Looks up faces by anchor, in O(log n) and without a table of its own.

    Args:
        faces: all faces that can be meant, in anchor order.
    """

    def __init__(self, faces: FaceColumns) -> None:
        self._faces = faces

    def find(self, anchor: Anchor) -> int | None:
        """Return the row of the face that overlaps the anchor most, None when none does enough.

        In a video only a face that is seen at the anchor's time can be meant: another one may be in
        the same place before or after.
        """
        best: tuple[float, int] | None = None
        for row in self._rows_of(anchor.photo_key):
            if self._faces.anchor(row) == anchor:
                return row
            overlap = anchor.box.overlap(Box(*self._faces.boxes[row].tolist()))
            if overlap >= _MIN_OVERLAP and self._seen_at(row, anchor.seconds):
                best = max(best or (0.0, row), (overlap, row))
        return best[1] if best else None

    def find_id(self, anchor: Anchor) -> FaceId | None:
        """Return the id of that face."""
        row = self.find(anchor)
        return None if row is None else self._faces.ids[row]

    def _rows_of(self, photo: str) -> range:
        # The keys of a video's frames follow its own: "@" sorts before every letter that could
        # make one content key the beginning of another.
        keys = self._faces.picture_keys
        return range(bisect_left(keys, photo), bisect_left(keys, photo + "@~"))

    def _seen_at(self, row: int, seconds: float | None) -> bool:
        span = self._faces.spans.get(row)
        return span is None or seconds is None or span[0] <= seconds <= span[1]
