"""Photos and faces: what looking at pictures found. Their vectors: `catalog.vectors`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.catalog import vectors
from facesort.catalog.connection import now
from facesort.domain import (
    Anchor,
    Box,
    Face,
    FaceId,
    PhotoId,
    frame_key,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database

__all__ = [
    "SAME_FACE_OVERLAP",
    "KnownPhoto",
    "NewFace",
    "NewPhoto",
    "bump_generation",
    "content_keys",
    "count_faces",
    "faces",
    "faces_of",
    "faces_per_photo",
    "forget_photos",
    "generation",
    "photo_by_key",
    "set_exif",
    "short_sides",
    "store_photo",
    "stream_faces",
    "taken_at",
]

# A new detector's box that overlaps an old one this much is the same face: its person carries over.
SAME_FACE_OVERLAP = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """One detection, ready to be stored.

    Args:
        id: see `domain.Face`.
        box: raster pixels.
        landmarks: (5, 2) float32 raster pixels.
        score: the detector's.
        quality: 0..1.
        measures: what the quality was made from.
        vector: (d,) unit float32.
    """

    id: FaceId
    box: Box
    landmarks: NDArray[np.float32]
    score: float
    quality: float
    measures: Mapping[str, float]
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """One analysed photo, ready to be stored; sizes are raster pixels."""

    content_key: str
    width: int
    height: int
    taken_at: str
    camera: str
    pipeline: str
    embedder: str
    min_face: int
    faces: tuple[NewFace, ...]


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A photo that was looked at before."""

    id: PhotoId
    pipeline: str
    embedder: str
    min_face: int


def photo_by_key(db: Database, content_key: str) -> KnownPhoto | None:
    """Return the photo with that content, if it is known."""
    row = db.execute(
        "SELECT id, pipeline, embedder, min_face FROM photos WHERE content_key = ?", (content_key,)
    ).fetchone()
    return None if row is None else KnownPhoto(*row)


def store_photo(db: Database, photo: NewPhoto) -> PhotoId:
    """Store an analysed photo with its faces and vectors; belongs inside a transaction.

    Faces of an earlier look that are found again keep their row; where another detector draws a
    face differently, its person carries over to the box that overlaps it.
    """
    row = db.execute(
        """INSERT INTO photos (content_key, width, height, taken_at, camera, pipeline, embedder,
               min_face, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (content_key) DO UPDATE SET pipeline = excluded.pipeline,
               embedder = excluded.embedder, min_face = excluded.min_face RETURNING id""",
        (
            photo.content_key, photo.width, photo.height, photo.taken_at, photo.camera,
            photo.pipeline, photo.embedder, photo.min_face, now(),
        ),
    ).fetchone()  # fmt: skip
    photo_id = PhotoId(int(row[0]))
    _replace_faces(db, photo_id, photo)
    vectors.put(db, photo.embedder, ((face.id, face.vector) for face in photo.faces))
    bump_generation(db)
    return photo_id


def set_exif(
    db: Database, photo_id: PhotoId, *, taken_at: str, camera: str, corrects: bool
) -> None:
    """Take over a known photo's time and camera; belongs inside a transaction.

    Args:
        db: the catalog.
        photo_id: the photo.
        taken_at: as the file says now.
        camera: likewise.
        corrects: what is known is out of date; otherwise only what is not known yet is added.
    """
    db.execute(
        """UPDATE photos SET taken_at = CASE WHEN ?1 OR taken_at = '' THEN ?2 ELSE taken_at END,
               camera = CASE WHEN ?1 OR camera = '' THEN ?3 ELSE camera END WHERE id = ?4""",
        (corrects, taken_at, camera, photo_id),
    )


def _replace_faces(db: Database, photo_id: PhotoId, photo: NewPhoto) -> None:
    old = {
        face_id: (Box(left, top, right, bottom), json.loads(measures), person)
        for face_id, left, top, right, bottom, measures, person in db.rows(
            """SELECT f.id, f.left, f.top, f.right, f.bottom, f.measures, a.person_id FROM faces f
               LEFT JOIN assignments a ON a.face_id = f.id WHERE f.photo_id = ?""",
            (photo_id,),
        )
    }
    db.executemany(
        """INSERT INTO faces (id, photo_id, left, top, right, bottom, landmarks, score, quality,
               measures, detector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET landmarks = excluded.landmarks, score = excluded.score,
               quality = excluded.quality, measures = excluded.measures,
               detector = excluded.detector""",
        [
            (
                f.id, photo_id, f.box.left, f.box.top, f.box.right, f.box.bottom,
                f.landmarks.astype("<f4").tobytes(), f.score, f.quality,
                json.dumps(dict(f.measures), sort_keys=True), photo.pipeline,
            )
            for f in photo.faces
        ],
    )  # fmt: skip
    gone = {face: entry for face, entry in old.items() if face not in {f.id for f in photo.faces}}
    for new in photo.faces:
        heirs = [
            (box.overlap(new.box), person)
            for box, measures, person in gone.values()
            if person is not None
            and box.overlap(new.box) >= SAME_FACE_OVERLAP
            and _at_one_time(measures, new.measures)
        ]
        if heirs and new.id not in old:
            db.execute("INSERT INTO assignments VALUES (?, ?)", (new.id, max(heirs)[1]))
    db.executemany("DELETE FROM faces WHERE id = ?", [(face,) for face in gone])


def _at_one_time(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether two faces of a video are seen in it at the same time; those of a photo always are."""
    if "seconds" not in one or "seconds" not in other:
        return True
    return one["from"] <= other["until"] and other["from"] <= one["until"]


def bump_generation(db: Database) -> None:
    """Say that faces or vectors changed: derived data made before is out of date."""
    db.set_meta("generation", str(generation(db) + 1))


def generation(db: Database) -> int:
    """Return how often faces or vectors have changed."""
    return int(db.meta("generation", "0"))


def faces(db: Database, *, min_face: int) -> list[Face]:
    """Return the faces of all photos that have a place, in anchor order.

    Args:
        db: the catalog.
        min_face: faces with a shorter side are left out, pixels.
    """
    rows = db.rows(f"SELECT {_FACE} WHERE {_COUNTS}", (min_face,))
    return sorted(map(_face, rows), key=lambda face: face.anchor)


def faces_of(db: Database, ids: Collection[FaceId], *, min_face: int) -> list[Face]:
    """Return some of these faces, in anchor order.

    Args:
        db: the catalog.
        ids: which ones; those that do not count are left out.
        min_face: faces with a shorter side are left out, pixels.
    """
    rows = db.rows(
        f"SELECT {_FACE} JOIN json_each(?2) j ON j.value = f.id WHERE {_COUNTS}",
        (min_face, json.dumps(list(ids))),
    )
    return sorted(map(_face, rows), key=lambda face: face.anchor)


def stream_faces(db: Database, *, min_face: int) -> Iterator[list[Face]]:
    """Yield all these faces in anchor order, some thousand at a time; inside a snapshot."""
    waiting: list[Face] = []  # of the photo that the last block may have cut
    for rows in db.blocks(f"SELECT {_FACE} WHERE {_COUNTS} ORDER BY p.content_key", (min_face,)):
        waiting += map(_face, rows)
        last = waiting[-1].photo_id
        whole = [face for face in waiting if face.photo_id != last]
        waiting = [face for face in waiting if face.photo_id == last]
        yield sorted(whole, key=lambda face: face.anchor)
    yield sorted(waiting, key=lambda face: face.anchor)


_FACE = """f.id, f.photo_id, p.content_key, p.width, p.height, f.left, f.top, f.right, f.bottom,
    f.landmarks, f.score, f.quality, f.measures
    FROM faces f JOIN photos p ON p.id = f.photo_id"""
_COUNTS = """MIN(f.right - f.left, f.bottom - f.top) >= ?1
    AND EXISTS (SELECT 1 FROM places l WHERE l.photo_id = f.photo_id)"""


def _face(row: tuple[Any, ...]) -> Face:  # Any: SQLite's values, of the columns in `faces`
    (
        face_id, photo_id, key, width, height, left, top, right, bottom, landmarks, score, quality,
        measures,
    ) = row  # fmt: skip
    said: dict[str, float] = json.loads(measures)
    relative = Box(left / width, top / height, right / width, bottom / height)
    return Face(
        id=FaceId(face_id),
        photo_id=PhotoId(photo_id),
        anchor=Anchor(frame_key(key, said.get("seconds")), relative),
        box=Box(left, top, right, bottom),
        landmarks=np.frombuffer(landmarks, dtype="<f4").reshape(5, 2),
        score=score,
        quality=quality,
        measures=said,
    )


def content_keys(db: Database) -> list[tuple[str, str, str, int]]:
    """Return content key, pipeline, embedder and smallest face of every photo."""
    return [
        (key, pipeline, embedder, min_face)
        for key, pipeline, embedder, min_face in db.rows(
            "SELECT content_key, pipeline, embedder, min_face FROM photos"
        )
    ]


def count_faces(db: Database, *, min_face: int) -> int:
    """Return how many faces count: large enough, and on a photo with a place."""
    row = db.execute(
        """SELECT COUNT(*) FROM faces f WHERE MIN(f.right - f.left, f.bottom - f.top) >= ?
           AND EXISTS (SELECT 1 FROM places l WHERE l.photo_id = f.photo_id)""",
        (min_face,),
    ).fetchone()
    return int(row[0])


def faces_per_photo(db: Database) -> dict[PhotoId, int]:
    """Return the number of stored faces of every photo, also of those that lie nowhere now."""
    return {
        PhotoId(photo_id): number
        for photo_id, number in db.rows(
            """SELECT p.id, COUNT(f.id) FROM photos p LEFT JOIN faces f ON f.photo_id = p.id
               GROUP BY p.id"""
        )
    }


def taken_at(db: Database, photo_ids: Collection[PhotoId]) -> dict[PhotoId, str]:
    """Return when some photos were taken: ISO 8601 without zone, or empty."""
    return {
        PhotoId(photo_id): moment
        for photo_id, moment in db.rows(
            "SELECT p.id, p.taken_at FROM json_each(?) j JOIN photos p ON p.id = j.value",
            (json.dumps(list(photo_ids)),),
        )
    }


def short_sides(db: Database, faces: Collection[FaceId]) -> dict[FaceId, float]:
    """Return the shorter sides of some faces, in pixels of their photos."""
    return {
        FaceId(face): side
        for face, side in db.rows(
            """SELECT f.id, MIN(f.right - f.left, f.bottom - f.top)
               FROM json_each(?) j JOIN faces f ON f.id = j.value""",
            (json.dumps(list(faces)),),
        )
    }


def forget_photos(db: Database, photo_ids: Collection[PhotoId]) -> None:
    """Drop photos that have no place, with faces, vectors and assignments.

    Decisions stay: they hold on to anchors. Belongs inside a transaction.
    """
    rows: list[tuple[int]] = [(photo_id,) for photo_id in photo_ids]
    db.executemany("DELETE FROM faces WHERE photo_id = ?", rows)
    db.executemany("DELETE FROM photos WHERE id = ?", rows)
    if rows:
        bump_generation(db)
