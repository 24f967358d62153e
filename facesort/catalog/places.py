"""Where photos lie: the files below the scanned roots."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.catalog.roots import RootPart, find_root, roots_below, shown_path, stored_path
from facesort.domain import Photo, PhotoId, Place, PlaceState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from facesort.catalog.connection import Database

__all__ = [
    "StoredPlace",
    "first_paths",
    "forget_place",
    "keys_since",
    "known_files",
    "newest_photo",
    "of_photo",
    "photos",
    "place_at",
    "places_below",
    "places_in_state",
    "places_within",
    "present_photos",
    "put_place",
    "set_place_state",
]


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """What the catalog knows of one file; see `domain.Place`.

    Args:
        id: row id.
        photo_id: None while the file cannot be read.
        content_key: of the photo, or empty.
        pipeline: the detector that looked at the photo, or empty.
        embedder: likewise.
        min_face: the smallest face that was looked for, pixels.
        tried_with: the facesort version that failed on it.
    """

    id: int
    photo_id: PhotoId | None
    size: int
    mtime_ns: int
    orientation: int
    state: PlaceState
    reason: str
    tried_with: str
    content_key: str
    pipeline: str
    embedder: str
    min_face: int


def places_within(db: Database, part: RootPart) -> dict[str, StoredPlace]:
    """Return what is known below a scanned folder, by path relative to that folder."""
    rows = db.rows(
        """SELECT l.path, l.id, l.photo_id, l.size, l.mtime_ns, l.orientation, l.state, l.reason,
               l.tried_with, p.content_key, p.pipeline, p.embedder, p.min_face
           FROM places l LEFT JOIN photos p ON p.id = l.photo_id WHERE l.root_id = ?""",
        (part.root_id,),
    )
    prefix = stored_path(part.prefix)
    return {
        shown_path(path[len(prefix) :]): StoredPlace(
            place_id,
            photo_id,
            size,
            mtime_ns,
            orientation,
            PlaceState(state),
            reason,
            tried_with,
            key or "",
            pipeline or "",
            embedder or "",
            min_face or 0,
        )
        for (
            path, place_id, photo_id, size, mtime_ns, orientation, state, reason, tried_with,
            key, pipeline, embedder, min_face,
        ) in rows
        if path.startswith(prefix)
    }  # fmt: skip


def place_at(db: Database, part: RootPart, path: str) -> tuple[PhotoId, int] | None:
    """Return photo and orientation of the file at a path below a scanned folder.

    None where no photo is known to be there now.
    """
    row = db.execute(
        """SELECT photo_id, orientation FROM places WHERE root_id = ? AND path = ?
           AND state = 'present' AND photo_id IS NOT NULL""",
        (part.root_id, stored_path(part.prefix + path)),
    ).fetchone()
    return None if row is None else (PhotoId(row[0]), row[1])


def places_below(db: Database, folder: Path) -> dict[str, StoredPlace]:
    """Return what `places_within` will return once the folder is claimed. Reads only."""
    part = find_root(db, folder)
    if part is not None:
        return places_within(db, part)
    return {
        prefix + path: place
        for root_id, prefix in roots_below(db, folder).items()
        for path, place in places_within(db, RootPart(root_id, "")).items()
    }


def put_place(
    db: Database,
    part: RootPart,
    path: str,
    *,
    photo_id: PhotoId | None,
    size: int,
    mtime_ns: int,
    orientation: int = 1,
    state: PlaceState = PlaceState.PRESENT,
    reason: str = "",
    tried_with: str = "",
) -> None:
    """Record what is at a path now; belongs inside a transaction."""
    db.execute(
        """INSERT INTO places (root_id, path, photo_id, size, mtime_ns, orientation, state, reason,
               tried_with) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (root_id, path) DO UPDATE SET photo_id = excluded.photo_id,
               size = excluded.size, mtime_ns = excluded.mtime_ns,
               orientation = excluded.orientation, state = excluded.state,
               reason = excluded.reason, tried_with = excluded.tried_with""",
        (
            part.root_id, stored_path(part.prefix + path), photo_id, size, mtime_ns, orientation,
            state.value, reason, tried_with,
        ),
    )  # fmt: skip


def set_place_state(db: Database, place_ids: Sequence[int], state: PlaceState) -> None:
    """Mark places present or missing; belongs inside a transaction."""
    db.executemany(
        "UPDATE places SET state = ? WHERE id = ?", [(state.value, i) for i in place_ids]
    )


def forget_place(db: Database, place_ids: Sequence[int]) -> None:
    """Drop places whose photo is known to be elsewhere now, or that never were photos."""
    db.executemany("DELETE FROM places WHERE id = ?", [(i,) for i in place_ids])


def photos(db: Database, ids: Collection[PhotoId] | None = None) -> dict[PhotoId, Photo]:
    """Return photos with their places: present ones first, then by path.

    Args:
        db: the catalog.
        ids: only these; None: all.
    """
    chosen, values = "", tuple[str, ...]()
    if ids is not None:
        chosen, values = "WHERE {} IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    found: dict[PhotoId, list[Place]] = {}
    for photo_id, root, path, size, mtime_ns, orientation, state, reason in db.rows(
        f"""SELECT l.photo_id, r.path, l.path, l.size, l.mtime_ns, l.orientation, l.state, l.reason
            FROM places l JOIN roots r ON r.id = l.root_id
            {chosen.format("l.photo_id") or "WHERE l.photo_id IS NOT NULL"}""",  # noqa: S608 - constants
        values,
    ):
        found.setdefault(PhotoId(photo_id), []).append(
            Place(
                Path(shown_path(root), shown_path(path)),
                size,
                mtime_ns,
                orientation,
                PlaceState(state),
                reason,
            )
        )
    return {
        PhotoId(photo_id): Photo(
            PhotoId(photo_id),
            key,
            width,
            height,
            taken_at,
            camera,
            tuple(
                sorted(
                    found.get(PhotoId(photo_id), ()),
                    key=lambda place: (place.state is not PlaceState.PRESENT, place.path),
                )
            ),
        )
        for photo_id, key, width, height, taken_at, camera in db.rows(
            f"""SELECT id, content_key, width, height, taken_at, camera FROM photos
                {chosen.format("id")}""",  # noqa: S608 - constants
            values,
        )
    }


def first_paths(db: Database, ids: Collection[PhotoId]) -> dict[PhotoId, tuple[Path, PlaceState]]:
    """Return path and state of the first place of photos, in the order of `Photo.places`."""
    roots = {root_id: shown_path(path) for root_id, path in db.rows("SELECT id, path FROM roots")}
    found: dict[PhotoId, list[tuple[bool, int, bytes, str]]] = {}
    for photo_id, root, path, state in db.rows(
        """SELECT l.photo_id, l.root_id, l.path, l.state FROM json_each(?) j
           JOIN places l ON l.photo_id = j.value""",
        (json.dumps(list(ids)),),
    ):
        found.setdefault(PhotoId(photo_id), []).append((state != "present", root, path, state))
    first: dict[PhotoId, tuple[Path, PlaceState]] = {}
    for photo, several in found.items():
        if len(several) == 1:
            ((_, root, path, state),) = several
            first[photo] = Path(roots[root], shown_path(path)), PlaceState(state)
        else:
            first[photo] = min(
                (is_gone, Path(roots[root], shown_path(path)), PlaceState(state))
                for is_gone, root, path, state in several
            )[1:]
    return first


def places_in_state(db: Database, states: Sequence[PlaceState]) -> list[Place]:
    """Return the places in any of these states, by path."""
    found = [
        Place(
            Path(shown_path(root), shown_path(path)),
            size,
            mtime_ns,
            orientation,
            PlaceState(state),
            reason,
        )
        for root, path, size, mtime_ns, orientation, state, reason in db.rows(
            """SELECT r.path, l.path, l.size, l.mtime_ns, l.orientation, l.state, l.reason
               FROM places l JOIN roots r ON r.id = l.root_id"""
        )
        if PlaceState(state) in states
    ]
    return sorted(found, key=lambda place: place.path)


def present_photos(db: Database, *, without: Collection[int]) -> set[PhotoId]:
    """Return the photos with a present place that is not one of these."""
    return {
        PhotoId(photo_id)
        for place_id, photo_id in db.rows(
            "SELECT id, photo_id FROM places WHERE state = 'present' AND photo_id IS NOT NULL"
        )
        if place_id not in without
    }


def of_photo(db: Database, photo_id: PhotoId) -> list[tuple[int, Path, Path]]:
    """Return row id, scanned folder and path of every place of a photo."""
    return [
        (place_id, Path(shown_path(root)), Path(shown_path(root), shown_path(path)))
        for place_id, root, path in db.rows(
            """SELECT l.id, r.path, l.path FROM places l JOIN roots r ON r.id = l.root_id
               WHERE l.photo_id = ?""",
            (photo_id,),
        )
    ]


def known_files(db: Database) -> list[tuple[int, Path, PlaceState, PhotoId | None]]:
    """Return row id, path, state and photo of every place."""
    return [
        (place_id, Path(shown_path(root), shown_path(path)), PlaceState(state), photo_id)
        for place_id, root, path, state, photo_id in db.rows(
            """SELECT l.id, r.path, l.path, l.state, l.photo_id
               FROM places l JOIN roots r ON r.id = l.root_id"""
        )
    ]


def newest_photo(db: Database) -> PhotoId:
    """Return the row id of the photo that the catalog got to know last, 0 without photos."""
    return PhotoId(int(db.execute("SELECT COALESCE(MAX(id), 0) FROM photos").fetchone()[0]))


def keys_since(db: Database, photo: PhotoId) -> set[str]:
    """Return the content keys of photos that the catalog got to know after another one."""
    return {key for (key,) in db.rows("SELECT content_key FROM photos WHERE id > ?", (photo,))}
