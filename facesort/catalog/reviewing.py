"""Reading what a review needs besides people and faces as shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from facesort.domain import FaceId, PhotoId

if TYPE_CHECKING:
    from facesort.catalog.connection import Database

__all__ = ["Moment", "faces_on", "moment", "taken_between", "videos"]


class Moment(NamedTuple):
    """By what one sees that somebody else has changed who is who.

    Args:
        decision: the newest one.
        doubt: the newest row of doubts.
        people: how many are shown.
        faces: how many they have.
        squares: sum of the squares of these.
        settings: how and when faces were grouped, and the smallest that counts.
    """

    decision: int
    doubt: int
    people: int
    faces: int
    squares: int
    settings: str


def moment(db: Database) -> Moment:
    """Return what stands now; the tables of what is shown are up to date."""
    row = db.execute(
        """SELECT (SELECT COALESCE(MAX(id), 0) FROM decisions),
                  (SELECT COALESCE(MAX(id), 0) FROM doubts),
                  COUNT(*), COALESCE(SUM(faces), 0), COALESCE(SUM(faces * faces), 0),
                  (SELECT COALESCE(GROUP_CONCAT(key || '=' || value, ' '), '') FROM
                      (SELECT key, value FROM meta
                       WHERE key LIKE 'group%' OR key IN ('threshold', 'min_face') ORDER BY key))
           FROM shown_people"""
    ).fetchone()
    return Moment(*row)


def videos(db: Database) -> set[PhotoId]:
    """Return the videos that show a face."""
    rows = db.rows("SELECT DISTINCT photo_id FROM faces WHERE measures LIKE '%\"seconds\"%'")
    return {PhotoId(photo) for (photo,) in rows}


def faces_on(db: Database, photo: PhotoId) -> list[FaceId]:
    """Return the faces of a photo, from left to right."""
    rows = db.rows("SELECT id FROM faces WHERE photo_id = ? ORDER BY left, top, id", (photo,))
    return [FaceId(face) for (face,) in rows]


def taken_between(db: Database, since: str, until: str, *, camera: str) -> list[PhotoId]:
    """Return what a camera took in that time (ISO 8601, both ends included), in its order.

    Of one second, as the catalog came to know them: a camera numbers its files.
    """
    rows = db.rows(
        """SELECT id FROM photos WHERE taken_at BETWEEN ? AND ? AND camera = ?
           ORDER BY taken_at, id""",
        (since, until, camera),
    )
    return [PhotoId(photo) for (photo,) in rows]
