"""How people, faces, photos and decisions are shown, as text and as JSON."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from facesort.cli.render import counted
from facesort.domain import PlaceState, Verdict
from facesort.imaging.geometry import points_to_upright, to_upright
from facesort.jobs.situation import comparable_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from facesort.cli.render import Screen
    from facesort.domain import Decision, Face, Person, PersonId, Photo, PhotoId, Place
    from facesort.jobs.situation import Situation

__all__ = [
    "face_documents",
    "in_order",
    "person_document",
    "show_changes",
    "show_log",
    "show_people",
    "show_person",
    "show_places",
    "write_faces",
]

_CSV_COLUMNS = (
    "face", "photo", "left", "top", "right", "bottom", "score", "quality", "person", "name",
    "status",
)  # fmt: skip


def in_order(situation: Situation, text: str | None) -> list[Person]:
    """Return people with most photos first, only those whose name has the text, or id begins so."""
    wanted = comparable_name(text or "")
    found = [
        person
        for person in situation.people.by_id.values()
        if wanted in comparable_name(person.name or "") or person.id.startswith(wanted)
    ]
    return sorted(found, key=lambda p: (-p.photos, -len(p.faces), p.name or "\U0010ffff", p.id))


def person_document(person: Person) -> dict[str, object]:
    """Return the JSON form of a person."""
    return {
        "person": person.id,
        "name": person.name,
        "faces": len(person.faces),
        "photos": person.photos,
        "cover": person.cover,
        "confirmed": person.confirmed,
        "ignored": person.ignored,
    }


def show_people(
    screen: Screen,
    everybody: Sequence[Person],
    listed: Sequence[Person],
    *,
    filtered: bool,
    waiting: int,
) -> None:
    """Print the table of people, and a line each about those left out and faces that wait."""
    if listed:
        screen.table(
            ["person", "photos", "faces", "name"],
            [
                [
                    person.id,
                    str(person.photos),
                    str(len(person.faces)),
                    (person.name or "") + (" (ignored)" if person.ignored else ""),
                ]
                for person in listed
            ],
            numbers=2,
        )
    shown = {person.id for person in listed}
    left_out = [person for person in everybody if person.id not in shown]
    ignored = sum(person.ignored for person in left_out)
    few = len(left_out) - ignored
    if few:
        screen.text(
            f"... and {counted(few, 'person', 'people')} on fewer than 3 photos (--all shows them)."
        )
    if ignored:
        screen.text(f"... and {ignored:,} ignored.")
    if filtered and not everybody:
        screen.text("Nobody has that name or id.")
    elif not everybody and not waiting:
        screen.text("Nobody has been found yet.")
    if waiting:
        are = "is" if waiting == 1 else "are"
        screen.text(f"{counted(waiting, 'face')} {are} not grouped yet: facesort group")


def show_person(
    screen: Screen, person: Person, situation: Situation, photos: Mapping[PhotoId, Photo]
) -> None:
    """Print a person and the faces that belong to it."""
    documents = [
        _face_document(situation.faces[face], situation, photos[situation.faces[face].photo_id])
        for face in person.faces
    ]
    if screen.json:
        screen.document({**person_document(person), "merged": person.aliases, "list": documents})
        return
    screen.text(
        f"{person.id}  {person.name or '(no name)'}: {counted(len(person.faces), 'face')} on "
        f"{counted(person.photos, 'photo')}{', ignored' if person.ignored else ''}"
    )
    if person.aliases:
        screen.text(f"merged from: {', '.join(person.aliases)}")
    if documents:
        screen.table(
            ["face", "quality", "status", "photo"],
            [
                [str(d["face"]), f"{d['quality']:.2f}", str(d["status"]), _shown_path(d)]
                for d in documents
            ],
            numbers=1,
        )


def _shown_path(document: Mapping[str, object]) -> str:
    places = document["places"]
    first = places[0] if isinstance(places, list) and places else ""
    return str(document["photo"] or f"{first} (missing)")


def face_documents(
    situation: Situation, photos: Mapping[PhotoId, Photo]
) -> Iterator[dict[str, object]]:
    """Yield the JSON form of every face, in anchor order."""
    for face in situation.faces.values():
        yield _face_document(face, situation, photos[face.photo_id])


def _face_document(face: Face, situation: Situation, photo: Photo) -> dict[str, object]:
    present = [place for place in photo.places if place.state is PlaceState.PRESENT]
    place = (present or photo.places)[0]
    turn = (photo.width, photo.height, place.orientation)
    box = to_upright(face.box, *turn)
    owner = situation.people.owners[face.id]
    status = situation.people.status[face.id]
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
        "person": owner,
        "name": situation.people.by_id[owner].name if owner else None,
        "status": status.value,
        **({} if face.seconds is None else {"seconds": face.seconds}),
    }


def write_faces(screen: Screen, rows: Iterable[dict[str, object]], form: str) -> None:
    """Print faces, one a line."""
    if screen.json:
        screen.document(list(rows))
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


def show_changes(
    screen: Screen, what: str, changed: Sequence[Decision], situation: Situation
) -> None:
    """Print what was undone or redone, with the names that people have now."""
    if screen.json:
        screen.document({what: [_decision_document(entry, standing=None) for entry in changed]})
        return
    for entry in changed:
        screen.say(f"{what.capitalize()}: {_sentence(entry, situation)}.")
    if not changed:
        screen.say("There is nothing to undo." if what == "undone" else "There is nothing to redo.")


def show_log(screen: Screen, entries: Sequence[Decision], situation: Situation) -> None:
    """Print the log of decisions, with the names that people have now."""
    standing = {entry.id for entry in situation.history.active}
    if screen.json:
        screen.document(
            [_decision_document(entry, standing=entry.id in standing) for entry in entries]
        )
        return
    for entry in entries:
        is_undone = entry.id not in standing and entry.verdict not in {Verdict.UNDO, Verdict.REDO}
        mark = "  (undone)" if is_undone else ""
        screen.text(f"{entry.id:>5}  {entry.made_at}  {_sentence(entry, situation)}{mark}")
    if not entries:
        screen.say("Nothing has been decided yet.")


def _decision_document(entry: Decision, *, standing: bool | None) -> dict[str, object]:
    document: dict[str, object] = {
        "decision": entry.id,
        "made_at": entry.made_at,
        "verdict": entry.verdict.value,
        "people": list(entry.people),
        "name": entry.name,
        "target": entry.target,
    }
    return document if standing is None else {**document, "stands": standing}


def _sentence(entry: Decision, situation: Situation) -> str:
    if entry.verdict is Verdict.NAME:
        who = ", ".join(entry.people)
        return f"{who} is {entry.name if entry.name is not None else '(forgotten)'}"
    who = ", ".join(_labelled(person, situation) for person in entry.people)
    if entry.verdict is Verdict.MERGE:
        return f"{who} are one person"
    if entry.verdict is Verdict.REJECT:
        rejected = len({f.anchor for f in entry.faces if f.role == "rejected"})
        return f"{counted(rejected, 'face')} rejected from {who}"
    if entry.verdict in {Verdict.UNDO, Verdict.REDO}:
        return f"{entry.verdict.value} of {entry.target}"
    return f"{entry.verdict.value} {who}"


def _labelled(identity: PersonId, situation: Situation) -> str:
    person = situation.people.by_id.get(identity)
    return f"{identity} {person.name}" if person is not None and person.name else identity
