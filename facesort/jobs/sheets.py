"""One strip of faces per person, as picture files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.errors import DestinationUnwritable
from facesort.export.names import safe_component
from facesort.files import atomic_write, explain_os_error
from facesort.imaging.sheet import draw_strip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.domain import FaceId, Person
    from facesort.jobs.situation import Situation
    from facesort.protocols import CropSource, Progress

__all__ = ["write_sheets"]

_FACE_PIXELS = 160
_FACES = 8


def write_sheets(
    folder: Path,
    persons: Sequence[Person],
    situation: Situation,
    crops: CropSource,
    progress: Progress,
) -> list[Path]:
    """Write `NAME (ID).jpg` for each person, best faces first, one per photo before any second.

    Raises:
        DestinationUnwritable: the folder cannot be made or written.
    """
    written = []
    progress.start("Drawing faces", len(persons), "person")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for person in persons:
            pictures = [
                picture
                for face in _different_photos(person, situation)[:_FACES]
                if (picture := crops.crop(situation.faces[face], _FACE_PIXELS)) is not None
            ]
            if pictures:
                caption = f"{person.id}   {person.name or '(no name)'}   {person.photos} photos"
                path = folder / safe_component(f"{person.name or 'unnamed'} ({person.id}).jpg")
                atomic_write(path, draw_strip(pictures, caption, columns=_FACES))
                written.append(path)
            progress.advance()
    except OSError as error:
        raise DestinationUnwritable(
            f"the sheets cannot be written to {folder}", hint=explain_os_error(error)
        ) from error
    finally:
        progress.finish()
    return written


def _different_photos(person: Person, situation: Situation) -> list[FaceId]:
    first: list[FaceId] = []
    rest: list[FaceId] = []
    seen = set()
    for face in person.faces:
        photo = situation.faces[face].photo_id
        (rest if photo in seen else first).append(face)
        seen.add(photo)
    return [*first, *rest]
