"""Photos that show people together; inside a snapshot of tables that are up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog import places, showing
from facesort.domain import PersonId, comparable_name
from facesort.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import PersonRow
    from facesort.domain import FaceId, Photo, PhotoId

__all__ = ["ShownFace", "Together", "TogetherPhoto", "matching", "photos_together"]


class ShownFace(NamedTuple):
    """A face that was asked for.

    Args:
        id: the face.
        person: whose it is, as shown.
        name: of that person, or None.
    """

    id: FaceId
    person: PersonId
    name: str | None


@dataclass(frozen=True, slots=True)
class TogetherPhoto:
    """A photo that shows everybody who was asked for.

    Args:
        photo: the photo, with its places.
        faces: of these people, by name and id.
    """

    photo: Photo
    faces: tuple[ShownFace, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """What was found.

    Args:
        photos: by path.
        unknown: texts that nobody's name or id has.
        hidden: texts that only ignored people have, who are not to be shown.
    """

    photos: tuple[TogetherPhoto, ...]
    unknown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def matching(everybody: Sequence[PersonRow], text: str) -> list[PersonRow]:
    """Return those whose name has the text in it, or whose id begins so."""
    wanted = comparable_name(text.strip())
    return [
        person
        for person in everybody
        if wanted in comparable_name(person.name or "") or person.id.startswith(wanted)
    ]


def photos_together(
    db: Database, texts: Sequence[str], *, ignored: bool, min_face: int
) -> Together:
    """Find the photos that show somebody for every text.

    Args:
        db: the catalog.
        texts: parts of names, or beginnings of ids; one of somebody merged away means the survivor.
        ignored: also show ignored people.
        min_face: smaller faces do not count, pixels.

    Raises:
        UsageError: a text is empty.
    """
    if not all(text.strip() for text in texts):
        raise UsageError("an empty TEXT means everybody", hint="facesort photos lists all files.")
    everybody = showing.people(db)
    meant = {text: _meant(db, everybody, text) for text in texts}
    wanted = {
        text: {person.id: person.name for person in people if ignored or not person.ignored}
        for text, people in meant.items()
    }
    unknown = tuple(text for text, people in meant.items() if not people)
    hidden = tuple(text for text, people in wanted.items() if meant[text] and not people)
    if unknown or hidden:
        return Together((), unknown, hidden)
    return Together(_photos(db, list(wanted.values()), min_face))


def _meant(db: Database, everybody: Sequence[PersonRow], text: str) -> list[PersonRow]:
    given = PersonId(text.strip().lower())
    survivor = showing.survivors(db, [given])[given]
    return [person for person in everybody if person.id == survivor] or matching(everybody, text)


def _photos(
    db: Database, wanted: Sequence[dict[PersonId, str | None]], min_face: int
) -> tuple[TogetherPhoto, ...]:
    names = {person: name for people in wanted for person, name in people.items()}
    survivor = showing.members(db, names)
    faces: dict[PhotoId, list[ShownFace]] = {}
    for row in showing.face_rows(db, survivor, min_face=min_face):
        person = survivor[row.person]
        faces.setdefault(row.photo, []).append(ShownFace(row.id, person, names[person]))
    everyone = {
        photo: shown
        for photo, shown in faces.items()
        if all(any(face.person in people for face in shown) for people in wanted)
    }
    found = places.photos(db, everyone)
    return tuple(
        TogetherPhoto(found[photo], tuple(sorted(everyone[photo], key=_by_name)))
        for photo in sorted(everyone, key=lambda photo: found[photo].places[0].path)
    )


def _by_name(face: ShownFace) -> tuple[bool, str, PersonId, FaceId]:
    return face.name is None, comparable_name(face.name or ""), face.person, face.id
