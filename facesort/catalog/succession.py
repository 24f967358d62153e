"""A photo that another file stands for from now on: what was said about it goes along.

The RAW of a photo that has a JPEG beside it is no photo of its own. When the JPEG comes later, or
goes away again, the other half takes over: people, and every decision that finds its face there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog.photos import SAME_FACE_OVERLAP, bump_generation
from facesort.domain import Box
from facesort.imaging.geometry import to_raster, to_upright

if TYPE_CHECKING:
    from facesort.catalog.connection import Database
    from facesort.domain import PhotoId

__all__ = ["Half", "hand_over", "is_spoken_of"]


@dataclass(frozen=True, slots=True)
class Half:
    """One of two files that show the same picture.

    Args:
        photo_id: what it shows.
        orientation: how its raster is turned upright, EXIF's 1..8.
    """

    photo_id: PhotoId
    orientation: int


def is_spoken_of(db: Database, photo_id: PhotoId) -> bool:
    """Whether any decision, also one that was undone, is about a face of a photo or video."""
    return bool(_anchors(db, photo_id))


def hand_over(db: Database, old: Half, new: Half) -> bool:
    """Let one photo take over from another that shows the same; belongs inside a transaction.

    Decisions about the old one's faces are about the new one's from now on, and faces that nobody
    has grouped yet belong to whom they belonged there. Nothing is changed where a decision finds no
    face in the new photo: it has been cropped, and both must stay.

    Returns:
        Whether it took over.
    """
    heirs = _faces(db, new)
    moved = {}
    for anchor, box in _anchors(db, old.photo_id).items():
        upright = to_upright(box, 1, 1, old.orientation)
        if not any(upright.overlap(heir) >= SAME_FACE_OVERLAP for heir, _ in heirs.values()):
            return False
        moved[anchor] = to_raster(upright, 1, 1, new.orientation)
    if not _move_anchors(db, moved, new.photo_id):
        return False
    before = [(box, person) for box, person in _faces(db, old).values() if person is not None]
    for face, (box, person) in heirs.items():
        owners = [(box.overlap(other), owner) for other, owner in before]
        overlap, owner = max(owners, default=(0.0, ""))
        if person is None and overlap >= SAME_FACE_OVERLAP:
            db.execute("INSERT INTO assignments VALUES (?, ?)", (face, owner))
    bump_generation(db)
    return True


def _anchors(db: Database, photo_id: PhotoId) -> dict[int, Box]:
    """Return the anchors that decisions about a photo (or frames of a video) hold on to."""
    return {
        anchor_id: Box(left, top, right, bottom)
        for anchor_id, left, top, right, bottom in db.rows(
            """SELECT a.id, a.left, a.top, a.right, a.bottom FROM anchors a
               JOIN photos p ON p.id = ?
                AND (a.content_key = p.content_key OR a.content_key GLOB p.content_key || '@*')
               WHERE EXISTS (SELECT 1 FROM decision_faces d WHERE d.anchor_id = a.id)""",
            (photo_id,),
        )
    }


def _faces(db: Database, half: Half) -> dict[str, tuple[Box, str | None]]:
    """Return upright relative box and person of each face."""
    return {
        face: (to_upright(Box(left, top, right, bottom), 1, 1, half.orientation), person)
        for face, left, top, right, bottom, person in db.rows(
            """SELECT f.id, f.left / p.width, f.top / p.height, f.right / p.width,
                   f.bottom / p.height, a.person_id
               FROM faces f JOIN photos p ON p.id = f.photo_id
               LEFT JOIN assignments a ON a.face_id = f.id WHERE f.photo_id = ?""",
            (half.photo_id,),
        )
    }


def _move_anchors(db: Database, moved: dict[int, Box], photo_id: PhotoId) -> bool:
    (key,) = db.execute("SELECT content_key FROM photos WHERE id = ?", (photo_id,)).fetchone()
    rows = [
        (key, box.left, box.top, box.right, box.bottom, anchor) for anchor, box in moved.items()
    ]
    for row in rows:
        taken = db.execute(
            """SELECT 1 FROM anchors WHERE content_key = ? AND left = ? AND top = ? AND right = ?
               AND bottom = ? AND id != ?""",
            row,
        ).fetchone()
        if taken is not None:
            return False  # something else was said about that very box already
    db.executemany(
        """UPDATE anchors SET content_key = ?, left = ?, top = ?, right = ?, bottom = ?
           WHERE id = ?""",
        rows,
    )
    return True
