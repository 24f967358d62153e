"""Faces as columns: a million of them in seconds and a few hundred megabytes.

Reading them as `Face` objects takes ten times the memory; that is for the few faces a command
shows (`catalog.photos.faces_of`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from operator import le
from typing import TYPE_CHECKING, Any

import numpy as np

from facesort.domain import FaceColumns, FaceId, GroupedFaces, PersonId, PhotoId, frame_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database

__all__ = [
    "columns",
    "columns_of",
    "columns_on",
    "corners_of",
    "grouped",
    "ids_of",
    "keys_of",
    "new_columns",
]

# Faces read in one go: enough that a pass in NumPy costs nothing, little enough to stay in cache.
_BLOCK = 16384

# `measures` is only looked into where a video's times are in it: parsing a million texts is slow.
_COLUMNS = """f.id, f.photo_id, f.left, f.top, f.right, f.bottom, f.quality,
    CASE WHEN instr(f.measures, '"seconds"') THEN f.measures END"""
_LARGE = "MIN(f.right - f.left, f.bottom - f.top) >= ?"

# Up to this share of all faces, finding each by its id is faster than passing over all.
_FEW = 0.05


def columns(db: Database, *, min_face: int) -> FaceColumns:
    """Return the faces of all photos that have a place, in anchor order.

    Args:
        db: the catalog.
        min_face: faces with a shorter side are left out, pixels.
    """
    pictures = _read_pictures(db)
    columns_sql = f"SELECT {_COLUMNS} FROM faces f WHERE {_LARGE}"  # noqa: S608 - constants
    read = _Read()
    for rows in db.blocks(columns_sql, (min_face,), size=_BLOCK):
        read.add(rows, pictures)
    return read.in_order(pictures)


def columns_of(db: Database, faces: Collection[FaceId], *, min_face: int = 0) -> FaceColumns:
    """Return some faces in anchor order; those of photos without a place are left out.

    Args:
        db: the catalog.
        faces: their ids.
        min_face: faces with a shorter side are left out, pixels.
    """
    return _few(db, "j.value = f.id", sorted(set(faces)), min_face)


def columns_on(db: Database, keys: Collection[str], *, min_face: int) -> FaceColumns:
    """Return the faces on some photos in anchor order, if the photos have a place.

    Args:
        db: the catalog.
        keys: content keys of photos and videos.
        min_face: faces with a shorter side are left out, pixels.
    """
    return _few(db, "j.value = p.content_key", sorted(set(keys)), min_face)


def _few(db: Database, which: str, values: Sequence[str], min_face: int) -> FaceColumns:
    found = []
    for face, photo, left, top, right, bottom, quality, measures, key, width, height in db.rows(
        f"""SELECT {_COLUMNS}, p.content_key, p.width, p.height
            FROM json_each(?) j, faces f, photos p
            WHERE {which} AND f.photo_id = p.id AND {_LARGE}
              AND EXISTS (SELECT 1 FROM places l WHERE l.photo_id = p.id)""",  # noqa: S608 - constants
        (json.dumps(values), min_face),
    ):
        said = json.loads(measures) if measures else {}
        box = (left / width, top / height, right / width, bottom / height)
        found.append((frame_key(key, said.get("seconds")), box, face, photo, quality, said))
    found.sort(key=lambda row: row[:2])
    return FaceColumns(
        tuple(FaceId(row[2]) for row in found),
        np.array([row[3] for row in found], dtype=np.int64),
        tuple(row[0] for row in found),
        np.array([row[1] for row in found], dtype=np.float64).reshape(-1, 4),
        np.array([row[4] for row in found], dtype=np.float32),
        {row: _span(said) for row, (*_, said) in enumerate(found) if said},
    )


def corners_of(
    db: Database, faces: Collection[FaceId]
) -> Iterator[tuple[FaceId, tuple[str, float, float, float, float]]]:
    """Yield some faces with their anchors as `people.corners` gives them, in any order."""
    for face, measures, key, *box in db.rows(
        """SELECT f.id, CASE WHEN instr(f.measures, '"seconds"') THEN f.measures END,
               p.content_key, f.left / p.width, f.top / p.height, f.right / p.width,
               f.bottom / p.height
           FROM json_each(?) j JOIN faces f ON f.id = j.value JOIN photos p ON p.id = f.photo_id""",
        (json.dumps(list(faces)),),
    ):
        if measures:
            key = frame_key(key, json.loads(measures)["seconds"])  # noqa: PLW2901 - the rest stays
        yield face, (key, *box)


def keys_of(db: Database, photos: Collection[PhotoId]) -> set[str]:
    """Return the content keys of some photos; those that are gone have none."""
    found = db.rows(
        "SELECT p.content_key FROM json_each(?) j JOIN photos p ON p.id = j.value",
        (json.dumps(list(photos)),),
    )
    return {key for (key,) in found}


def ids_of(db: Database, keys: Collection[str]) -> set[PhotoId]:
    """Return the row ids of photos, by content key; unknown ones have none."""
    found = db.rows(
        "SELECT p.id FROM json_each(?) j JOIN photos p ON p.content_key = j.value",
        (json.dumps(list(keys)),),
    )
    return {PhotoId(photo) for (photo,) in found}


def new_columns(db: Database, *, min_face: int) -> FaceColumns:
    """Return the faces that count and that no grouping has seen yet, in anchor order."""
    new = [
        FaceId(face)
        for (face,) in db.rows(
            f"""SELECT f.id FROM faces f WHERE {_LARGE}
                AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.face_id = f.id)
                AND NOT EXISTS (SELECT 1 FROM unassigned u WHERE u.face_id = f.id)""",  # noqa: S608 - constants
            (min_face,),
        )
    ]
    total = int(db.execute("SELECT COUNT(*) FROM faces").fetchone()[0])
    if len(new) <= _FEW * total:
        return columns_of(db, new)
    everything, wanted = columns(db, min_face=min_face), set(new)
    rows = [row for row, face in enumerate(everything.ids) if face in wanted]
    return everything.subset(np.array(rows, dtype=np.int64))


def grouped(db: Database, persons: Collection[PersonId]) -> GroupedFaces:
    """Return all faces that the last grouping gave to some people, in order of person and id."""
    ids: list[FaceId] = []
    whose: list[PersonId] = []
    photos: list[int] = []
    spans: dict[int, tuple[float, float]] = {}
    for rows in db.blocks(
        """SELECT a.face_id, a.person_id, f.photo_id,
                CASE WHEN instr(f.measures, '"seconds"') THEN f.measures END
            FROM json_each(?) j JOIN assignments a ON a.person_id = j.value
            JOIN faces f ON f.id = a.face_id ORDER BY a.person_id, a.face_id""",
        (json.dumps(sorted(persons)),),
        size=_BLOCK,
    ):
        spans |= {len(ids) + i: _span(json.loads(row[3])) for i, row in enumerate(rows) if row[3]}
        ids += [FaceId(row[0]) for row in rows]
        whose += [PersonId(row[1]) for row in rows]
        photos += [row[2] for row in rows]
    everybody = tuple(dict.fromkeys(whose))
    place = {person: k for k, person in enumerate(everybody)}
    return GroupedFaces(
        ids,
        np.array(photos, dtype=np.int64),
        everybody,
        np.array([place[person] for person in whose], dtype=np.int32),
        spans,
    )


def _span(measures: dict[str, float]) -> tuple[float, float]:
    seconds = measures["seconds"]  # as in `domain.Face.span`
    return measures.get("from", seconds), measures.get("until", seconds)


def _joined(parts: list[NDArray[Any]], kind: Any) -> NDArray[Any]:  # noqa: ANN401 - any number
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """All photos; arrays are indexed by row id.

    Args:
        keys: content keys in their order.
        rank: (m,) int64 positions in `keys`.
        size: (m, 4) float64: width, height, width, height, raster pixels.
        placed: (m,) whether the photo lies anywhere.
    """

    keys: list[str]
    rank: NDArray[np.int64]
    size: NDArray[np.float64]
    placed: NDArray[np.bool_]


def _read_pictures(db: Database) -> _Pictures:
    placed = _placed(db)
    rank = np.zeros(len(placed), dtype=np.int64)
    size = np.ones((len(placed), 4), dtype=np.float64)
    for rows in db.blocks("SELECT id, width, height, width, height FROM photos", size=_BLOCK):
        values = np.array(rows, dtype=np.float64)
        size[values[:, 0].astype(np.int64)] = values[:, 1:]
    keys: list[str] = []
    # By the index alone, in its order.
    for rows in db.blocks("SELECT content_key, id FROM photos ORDER BY content_key", size=_BLOCK):
        rank[[photo for _, photo in rows]] = np.arange(len(keys), len(keys) + len(rows))
        keys += [key for key, _ in rows]
    return _Pictures(keys, rank, size, placed)


def _placed(db: Database) -> NDArray[np.bool_]:
    """Return, by row id, whether each photo has a place."""
    (last,) = db.execute("SELECT COALESCE(MAX(id), 0) FROM photos").fetchone()
    placed = np.zeros(last + 1, dtype=bool)
    sql = "SELECT DISTINCT photo_id FROM places WHERE photo_id IS NOT NULL"
    for rows in db.blocks(sql, size=_BLOCK):
        placed[[photo for (photo,) in rows]] = True
    return placed


@dataclass(slots=True)
class _Read:
    """Faces as they come from the table: in order of their ids."""

    ids: list[FaceId] = field(default_factory=list)
    photos: list[NDArray[np.int64]] = field(default_factory=list)
    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    quality: list[NDArray[np.float32]] = field(default_factory=list)
    times: dict[int, dict[str, float]] = field(default_factory=dict)

    def add(self, rows: list[tuple[Any, ...]], pictures: _Pictures) -> None:
        """Take a block of `_COLUMNS`, without the faces of photos that lie nowhere."""
        rows = [row for row in rows if pictures.placed[row[1]]]
        if not rows:
            return
        start = len(self.ids)
        self.ids += [FaceId(row[0]) for row in rows]
        photos = np.array([row[1] for row in rows], dtype=np.int64)
        self.photos.append(photos)
        pixels = np.array([row[2:6] for row in rows], dtype=np.float64)
        self.boxes.append(pixels / pictures.size[photos])
        self.quality.append(np.array([row[6] for row in rows], dtype=np.float32))
        self.times |= {start + i: json.loads(row[7]) for i, row in enumerate(rows) if row[7]}

    def in_order(self, pictures: _Pictures) -> FaceColumns:
        """Sort everything by anchor."""
        photos = _joined(self.photos, np.int64)
        boxes = _joined(self.boxes, np.float64).reshape(-1, 4)
        keys = pictures.keys
        left, top, right, bottom = boxes.T
        ranks = pictures.rank[photos]
        order = np.lexsort((bottom, right, top, left, ranks))
        named = [keys[rank] for rank in ranks[order].tolist()]
        if self.times:
            order, named = self._with_times(order, named, boxes)
        rows = order.tolist()
        return FaceColumns(
            tuple(self.ids[row] for row in rows),
            photos[order],
            tuple(named),
            boxes[order],
            _joined(self.quality, np.float32)[order],
            {new: _span(self.times[old]) for new, old in enumerate(rows) if old in self.times},
        )

    def _with_times(
        self, order: NDArray[np.int64], named: list[str], boxes: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], list[str]]:
        """Name the frames of videos; their order among themselves is that of their names."""
        rows = order.tolist()
        for place, row in enumerate(rows):
            if row in self.times:
                named[place] = frame_key(named[place], self.times[row]["seconds"])
        if all(map(le, named, islice(named, 1, None))) and len(set(named)) == len(named):
            return order, named
        by_name = sorted(range(len(rows)), key=lambda i: (named[i], boxes[rows[i]].tolist()))
        return order[by_name], [named[i] for i in by_name]
