"""One strip of faces per person, as picture files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.errors import DestinationUnwritable
from facesort.export.names import safe_component, with_suffix
from facesort.files import atomic_write, explain_os_error
from facesort.imaging.sheet import SHEET_MARK, draw_strip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.domain import FaceId, Person
    from facesort.jobs.showing.situation import Situation
    from facesort.protocols import CropSource, Progress

__all__ = ["write_sheets"]

_FACE_PIXELS = 160
_COLUMNS, _FACES = 8, 24
_HEAD = 1024  # bytes of a JPEG file in which its comment lies


def write_sheets(
    folder: Path,
    persons: Sequence[Person],
    situation: Situation,
    crops: CropSource,
    progress: Progress,
) -> list[Path]:
    """Write `NAME (ID).jpg` for each person, best faces first, one per photo before any second.

    An older strip of that person, under another name or another id of theirs, goes.

    Raises:
        DestinationUnwritable: the folder cannot be made or written.
    """
    written = []
    progress.start("Drawing faces", len(persons), "sheet")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for person in persons:
            pictures = [
                picture
                for face in _different_photos(person, situation)[:_FACES]
                if (picture := crops.crop(situation.faces[face], _FACE_PIXELS)) is not None
            ]
            if pictures:
                path = folder / _file_name(person)
                _remove_older(folder, person, path.name)
                caption = _caption(person, len(pictures))
                columns = min(_COLUMNS, max(4, len(pictures)))  # four are as wide as the caption
                atomic_write(path, draw_strip(pictures, caption, columns=columns))
                written.append(path)
            progress.advance()
    except OSError as error:
        raise DestinationUnwritable(
            f"the sheets cannot be written to {folder}", hint=explain_os_error(error)
        ) from error
    finally:
        progress.finish()
    return written


def _file_name(person: Person) -> str:
    # The id outlives the cut of a long name.
    return with_suffix(safe_component(person.name or "unnamed"), f" ({person.id}).jpg")


def _caption(person: Person, shown: int) -> str:
    total = len(person.faces)
    faces = f"{shown} of {total} faces" if shown < total else f"{total} face{'s' * (total != 1)}"
    return f"{person.id}   {person.name or '(no name)'}   {faces}"


def _remove_older(folder: Path, person: Person, name: str) -> None:
    endings = tuple(f" ({identity}).jpg" for identity in (person.id, *person.aliases))
    for old in list(folder.iterdir()):
        if old.name.endswith(endings) and old.name != name and _is_ours(old):
            old.unlink()


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return SHEET_MARK in file.read(_HEAD)
    except OSError:
        return False


def _different_photos(person: Person, situation: Situation) -> list[FaceId]:
    first: list[FaceId] = []
    rest: list[FaceId] = []
    seen = set()
    for face in person.faces:
        photo = situation.faces[face].photo_id
        (rest if photo in seen else first).append(face)
        seen.add(photo)
    return [*first, *rest]
