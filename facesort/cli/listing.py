"""How people, faces and photos are shown, as text and as JSON."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from facesort.cli.render import counted
from facesort.domain import PlaceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from facesort.catalog.showing import PersonRow
    from facesort.cli.render import Screen
    from facesort.domain import Person, Place
    from facesort.jobs.viewing import ListedFace, SeenFace

__all__ = [
    "document_person",
    "face_document",
    "is_known",
    "person_document",
    "person_line",
    "show_people",
    "show_person",
    "show_places",
    "write_faces",
]

_CSV_COLUMNS = (
    "face", "photo", "left", "top", "right", "bottom", "score", "quality", "person", "name",
    "status",
)  # fmt: skip


def person_document(person: PersonRow | Person) -> dict[str, object]:
    """Return the JSON form of a person."""
    return {
        "person": person.id,
        "name": person.name,
        "faces": person.faces if isinstance(person.faces, int) else len(person.faces),
        "photos": person.photos,
        "cover": person.cover,
        "confirmed": person.confirmed,
        "ignored": bool(person.ignored),
    }


def person_line(person: PersonRow) -> str:
    """Return the JSON form of a person as text; the encoder takes four times as long."""
    name = "null" if person.name is None else json.dumps(person.name, ensure_ascii=False)
    cover = "null" if person.cover is None else f'"{person.cover}"'
    return (
        f'{{"person": "{person.id}", "name": {name}, "faces": {person.faces}, '
        f'"photos": {person.photos}, "cover": {cover}, "confirmed": {person.confirmed}, '
        f'"ignored": {"true" if person.ignored else "false"}}}'
    )


def is_known(person: PersonRow, min_photos: int) -> bool:
    """Whether a person is of interest: not ignored, and named or on that many photos."""
    return not person.ignored and (person.name is not None or person.photos >= min_photos)


def show_people(
    screen: Screen,
    listed: Sequence[PersonRow],
    few: int,
    ignored: int,
    *,
    filtered: bool,
    waiting: int,
) -> None:
    """Print the table of people, and a line each about those left out and faces that wait.

    Args:
        screen: prints.
        listed: in order.
        few: how many others are left out.
        ignored: how many are left out because they are ignored.
        filtered: not everybody was asked for.
        waiting: faces that are nobody's until the next grouping.
    """
    if listed:
        screen.table(
            ["person", "photos", "faces", "name"],
            [
                [
                    person.id,
                    str(person.photos),
                    str(person.faces),
                    (person.name or "") + (" (ignored)" if person.ignored else ""),
                ]
                for person in listed
            ],
            numbers=2,
        )
    if few:
        screen.text(
            f"... and {counted(few, 'person', 'people')} on fewer than 3 photos (--all shows them)."
        )
    if ignored:
        screen.text(f"... and {ignored:,} ignored.")
    nobody = not (listed or few or ignored)
    if filtered and nobody:
        screen.text("Nobody has that name or id.")
    elif nobody and not waiting:
        screen.text("Nobody has been found yet.")
    if waiting:
        are = "is" if waiting == 1 else "are"
        screen.text(f"{counted(waiting, 'face')} {are} not grouped yet: facesort group")


def document_person(screen: Screen, person: Person, faces: Sequence[SeenFace]) -> None:
    """Print a person and the faces that belong to it as JSON."""
    screen.document(
        {
            **person_document(person),
            "faces": len(faces),
            "merged": person.aliases,
            "list": [face_document(seen) for seen in faces],
        }
    )


def show_person(screen: Screen, person: Person, faces: Sequence[ListedFace]) -> None:
    """Print a person and the faces that belong to it."""
    screen.text(
        f"{person.id}  {person.name or '(no name)'}: {counted(len(faces), 'face')} on "
        f"{counted(person.photos, 'photo')}{', ignored' if person.ignored else ''}"
    )
    if person.aliases:
        screen.text(f"merged from: {', '.join(person.aliases)}")
    if faces:
        screen.table(
            ["face", "quality", "status", "photo"],
            [
                [
                    face.id,
                    f"{face.quality:.2f}",
                    face.status.value,
                    f"{face.path} (missing)" if face.is_missing else face.path,
                ]
                for face in faces
            ],
            numbers=1,
        )


def face_document(seen: SeenFace) -> dict[str, object]:
    """Return the JSON form of a face."""
    from facesort.imaging.geometry import points_to_upright, to_upright  # noqa: PLC0415 - NumPy

    face, photo = seen.face, seen.photo
    present = [place for place in photo.places if place.state is PlaceState.PRESENT]
    place = (present or photo.places)[0]
    turn = (photo.width, photo.height, place.orientation)
    box = to_upright(face.box, *turn)
    return {
        "face": face.id,
        "photo": os.fspath(present[0].path) if present else None,
        "places": [os.fspath(one.path) for one in photo.places],
        "box": [round(v, 1) for v in (box.left, box.top, box.right, box.bottom)],
        "landmarks": [
            [round(float(x), 1), round(float(y), 1)]
            for x, y in points_to_upright(face.landmarks, *turn)
        ],
        "score": round(face.score, 4),
        "quality": round(face.quality, 4),
        "measures": dict(face.measures),
        "person": seen.owner,
        "name": seen.name,
        "status": seen.status.value,
        **({} if face.seconds is None else {"seconds": face.seconds}),
    }


def write_faces(screen: Screen, rows: Iterable[dict[str, object]], form: str) -> None:
    """Print faces, one a line."""
    if screen.json:
        screen.documents(rows)
        return
    if form == "jsonl":
        for row in rows:
            screen.line(row)
        return
    screen.csv(_csv_rows(rows))


def _csv_rows(rows: Iterable[dict[str, object]]) -> Iterator[Sequence[object]]:
    yield _CSV_COLUMNS
    for row in rows:
        box = row["box"]
        corners = box if isinstance(box, list) else []
        values = dict(zip(("left", "top", "right", "bottom"), corners, strict=True))
        yield [{**row, **values}[column] for column in _CSV_COLUMNS]


def show_places(screen: Screen, places: Sequence[Place]) -> None:
    """Print photo files with their state and reason."""
    if screen.json:
        screen.document(
            [
                {"photo": os.fspath(p.path), "state": p.state.value, "reason": p.reason}
                for p in places
            ]
        )
        return
    for place in places:
        state = "" if place.state is PlaceState.PRESENT else f"  {place.state.value}"
        reason = f": {place.reason}" if place.reason else ""
        screen.text(f"{place.path}{state}{reason}")
    if not places:
        screen.say("There are none.")
