"""Reading what a review needs besides people and faces as shown."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog.showing import FACE_COUNTS
from facesort.domain import FaceId, PersonId, PhotoId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.catalog.connection import Database

__all__ = [
    "Moment",
    "Stands",
    "dates",
    "faces_on",
    "ignored_of",
    "moment",
    "nobodys",
    "odd_faces",
    "taken_between",
    "videos",
    "what_stands",
]


class Moment(NamedTuple):
    """By what one sees that somebody else has changed who is who.

    Args:
        decision: the newest one.
        doubt: the newest row of doubts.
        people: how many are shown.
        faces: how many they have.
        squares: sum of the squares of these.
        nobodys: faces that the last grouping gave to nobody.
        settings: how and when faces were grouped, and the smallest that counts.
    """

    decision: int
    doubt: int
    people: int
    faces: int
    squares: int
    nobodys: int
    settings: str


def moment(db: Database) -> Moment:
    """Return what stands now; the tables of what is shown are up to date."""
    row = db.execute(
        """SELECT (SELECT COALESCE(MAX(id), 0) FROM decisions),
                  (SELECT COALESCE(MAX(id), 0) FROM doubts),
                  COUNT(*), COALESCE(SUM(faces), 0), COALESCE(SUM(faces * faces), 0),
                  (SELECT COUNT(*) FROM unassigned),
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


def nobodys(
    db: Database, model: str, *, min_face: int, most: int
) -> list[tuple[FaceId, PhotoId, float]]:
    """Return faces that are with nobody, their photos and their quality, the best first.

    What is no face is left out, and so is what the last grouping has not seen.

    Args:
        db: the catalog; its tables of what is shown are up to date.
        model: only faces with a vector of it.
        min_face: faces with a shorter side are left out, pixels.
        most: at most so many.
    """
    rows = db.rows(
        f"""WITH nobodys AS (
                SELECT u.face_id FROM unassigned u
                WHERE NOT EXISTS (SELECT 1 FROM said_faces s WHERE s.face_id = u.face_id)
                UNION ALL SELECT face_id FROM said_faces WHERE person_id IS NULL AND NOT not_face)
            SELECT f.id, f.photo_id, f.quality FROM nobodys n JOIN faces f ON f.id = n.face_id
            WHERE EXISTS (SELECT 1 FROM vectors v WHERE v.face_id = f.id AND v.model = ?)
              AND {FACE_COUNTS} ORDER BY f.quality DESC, f.id LIMIT ?""",  # noqa: S608 - constants
        (model, min_face, most),
    )
    return [(FaceId(face), PhotoId(photo), quality) for face, photo, quality in rows]


def odd_faces(db: Database, model: str, rule: str) -> list[FaceId]:
    """Return the faces that may not be their person's, by the descriptors that are stored."""
    rows = db.rows(
        "SELECT odd FROM descriptors WHERE model = ? AND rule = ? AND odd != '[]'", (model, rule)
    )
    return [FaceId(face) for (faces,) in rows for face in json.loads(faces)]


def ignored_of(db: Database, persons: Iterable[PersonId]) -> set[PersonId]:
    """Return those of some people whom the user does not want to see."""
    rows = db.rows(
        """SELECT s.person_id FROM json_each(?) j JOIN shown_people s ON s.person_id = j.value
           WHERE s.ignored""",
        (json.dumps(list(persons)),),
    )
    return {PersonId(person) for (person,) in rows}


class Stands(NamedTuple):
    """What stands for a person.

    Args:
        faces: the chosen ones: of each look the first, then the second ones, and so on.
        since: when the first of their photos was taken, ISO 8601 without zone, or ''.
        until: and the last.
    """

    faces: list[FaceId]
    since: str
    until: str


def what_stands(
    db: Database, model: str, rule: str, persons: Iterable[PersonId]
) -> dict[PersonId, Stands]:
    """Return what stands for people; whoever has no descriptor is left out."""
    found: dict[PersonId, list[tuple[str, str, str]]] = {}
    for person, *look in db.rows(
        """SELECT d.person_id, d.chosen, d.since, d.until FROM json_each(?) j JOIN descriptors d
           ON d.person_id = j.value WHERE d.model = ? AND d.rule = ? ORDER BY 1, d.look""",
        (json.dumps(list(persons)), model, rule),
    ):
        found.setdefault(PersonId(person), []).append((look[0], look[1], look[2]))
    return {
        person: Stands(
            [
                FaceId(face)
                for rank in zip_longest(*(json.loads(chosen) for chosen, _, _ in looks))
                for face in rank
                if face is not None
            ],
            min((since for _, since, _ in looks if since), default=""),
            max(until for _, _, until in looks),
        )
        for person, looks in found.items()
    }


def faces_on(db: Database, photo: PhotoId) -> list[FaceId]:
    """Return the faces of a photo, from left to right."""
    rows = db.rows("SELECT id FROM faces WHERE photo_id = ? ORDER BY left, top, id", (photo,))
    return [FaceId(face) for (face,) in rows]


def dates(db: Database, photos: Iterable[PhotoId]) -> tuple[str, str]:
    """Return when the first and the last dated one of some photos were taken; '' without one."""
    row = db.execute(
        """SELECT COALESCE(MIN(p.taken_at), ''), COALESCE(MAX(p.taken_at), '')
           FROM json_each(?) j JOIN photos p ON p.id = j.value WHERE p.taken_at != ''""",
        (json.dumps(list(photos)),),
    ).fetchone()
    return row[0], row[1]


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
