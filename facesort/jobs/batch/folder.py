"""Questions in a folder that can be sent to somebody who has no facesort."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image as PilImage

from facesort.errors import DestinationOccupied, DestinationUnwritable
from facesort.export.destination import check_outside, locked
from facesort.export.survey import LOCK_NAME
from facesort.files import PathKind, atomic_write, explain_os_error, kind_of
from facesort.jobs.batch.page import page_of
from facesort.jobs.batch.questions import choose, document_of, filed_of
from facesort.jobs.batch.sheet import draw_sheets
from facesort.review.answer_file import COLUMNS
from facesort.review.answer_words import WORDS
from facesort.review.filed import about_of, headline
from facesort.review.questions import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from facesort.domain import FaceId
    from facesort.jobs.review.picturing import Pictures
    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked
    from facesort.protocols import Image, Progress
    from facesort.review.filed import Filed

__all__ = ["Exported", "export_questions", "table_of"]

# The page of a review shows faces of this size too: they are cut once.
_FACE_PIXELS = 160
# What file managers leave in folders that were only looked into.
_OF_NOBODY = {".DS_Store", "Thumbs.db", "desktop.ini", LOCK_NAME}

_HOW_TO = """How to answer

Open index.html in a browser: click the answers, press "Save the answers", and send back the file
answers.csv that it saves. Nothing leaves this computer by itself.

Or on paper or in an e-mail: look at the pictures in sheets/, and write for each number what it is,
like   1 Anna   2 yes   3 yes, not b   4 not sure

Or in a spreadsheet: fill in answers.csv. Under "answer" comes one of the allowed answers, under
"name" who it is, under "not these" the letters of faces or people that it is not true of.

"ignore" means: nobody whom anybody will look for. One person has one name: give it again wherever
they are. Where two people have the same name, add something: Anna B., Anna M. Whatever is left open
stays open.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Args:
        folder: where.
        questions: how many.
        faces: how many pictures of faces.
        sheets: how many contact sheets.
        unseen: questions that were left out, because no original of theirs can be read now.
    """

    folder: Path
    questions: int
    faces: int
    sheets: int
    unseen: int


def export_questions(
    session: ReviewSession,
    pictures: Pictures,
    folder: Path,
    *,
    most: int,
    roots: Sequence[Path],
    library_folder: Path,
    progress: Progress,
) -> Exported:
    """Write the next questions into a folder; nothing in the library changes.

    Where there is nothing to ask, nothing is written. What makes the folder whole, questions.json
    and index.html, comes last; stopped before that, it holds nothing.

    Args:
        session: whose questions.
        pictures: draws the faces.
        folder: new or empty.
        most: so many questions at most.
        roots: folders that are scanned.
        library_folder: of the library.
        progress: told of each question.

    Raises:
        UsageError, DestinationOverlaps, DestinationOccupied, DestinationUnwritable: the folder
            cannot take them.
    """
    check_outside(folder, roots, library_folder)
    is_new = kind_of(folder, DestinationUnwritable) is PathKind.NOTHING
    with locked(folder):
        if is_new:  # faces and names are nobody else's on this machine
            with contextlib.suppress(PermissionError):  # a drive without access rights
                folder.chmod(0o700)
        _refuse_occupied(folder)
        with _whole_or_nothing(folder) as written:
            return _Folder(folder, written, progress).fill(session, pictures, most)


@contextlib.contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[list[Path]]:
    """Take away what was written if the rest cannot be."""
    written: list[Path] = []
    try:
        yield written
    except OSError as error:
        _remove(folder, written)
        raise DestinationUnwritable(
            f"the questions cannot be written to {folder}", hint=explain_os_error(error)
        ) from error
    except BaseException:
        _remove(folder, written)
        raise


def _refuse_occupied(folder: Path) -> None:
    try:
        found = sorted(path.name for path in folder.iterdir() if path.name not in _OF_NOBODY)
    except OSError as error:
        raise DestinationUnwritable(
            f"{folder} cannot be looked into", hint=explain_os_error(error)
        ) from error
    if found:
        raise DestinationOccupied(
            f"{folder} holds other files already, {found[0]} for one",
            hint="Choose a new folder, or empty this one: nothing is ever written over.",
        )


def _remove(folder: Path, written: Sequence[Path]) -> None:
    with contextlib.suppress(OSError):
        for path in written:
            path.unlink(missing_ok=True)
        for below in ("faces", "sheets"):
            if (folder / below).is_dir():
                (folder / below).rmdir()


class _Folder:
    """A folder being filled."""

    def __init__(self, folder: Path, written: list[Path], progress: Progress) -> None:
        self._folder = folder
        self._written = written
        self._progress = progress

    def fill(self, session: ReviewSession, pictures: Pictures, most: int) -> Exported:
        """Write everything."""
        asked = choose(session, most)
        faces: dict[FaceId, Image] = {}
        chosen = []
        self._progress.start("Drawing faces", len(asked), "question")
        try:
            for one in asked:
                found = _faces_of(one, pictures)
                if _can_be_seen(one, found):
                    chosen.append(one)
                    faces |= found
                self._progress.advance()
        finally:
            self._progress.finish()
        sheets = self._write(chosen, faces) if chosen else 0
        return Exported(self._folder, len(chosen), len(faces), sheets, len(asked) - len(chosen))

    def _write(self, chosen: Sequence[Asked], faces: Mapping[FaceId, Image]) -> int:
        # No scan enters a folder with this file: the faces in it would be found once more. First,
        # because nothing can be tidied up after a kill.
        self._put("manifest.json", b'{"facesort": "questions for somebody else"}\n')
        names = {face: f"faces/{face}.jpg" for face in faces}
        for face, name in names.items():
            self._put(name, _jpeg(faces[face]))
        document = document_of(chosen, names)
        sheets = 0
        for sheets, sheet in enumerate(draw_sheets(document["questions"], faces), 1):
            self._put(f"sheets/sheet-{sheets:02}.jpg", sheet)
        self._put("how-to.txt", _HOW_TO.encode())
        self._put("answers.csv", table_of([filed_of(one) for one in chosen]).encode("utf-8-sig"))
        text = json.dumps(document, ensure_ascii=False, indent=1)
        self._put("questions.json", (text + "\n").encode())
        self._put("index.html", page_of(document).encode())
        return sheets

    def _put(self, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._written.append(path)
        atomic_write(path, data, mode=0o600)


def _faces_of(asked: Asked, pictures: Pictures) -> dict[FaceId, Image]:
    found = {}
    for side in (*asked.sides, *asked.guesses):
        for face in side.shown:
            picture = pictures.crop(face.id, _FACE_PIXELS)
            if picture is not None:
                found[face.id] = picture
    return found


def _can_be_seen(asked: Asked, found: Mapping[FaceId, Image]) -> bool:
    """Whether there is something to see of everybody the question is about."""
    return all(any(face.id in found for face in side.shown) for side in asked.sides if side.shown)


def _jpeg(picture: Image) -> bytes:
    data = BytesIO()
    PilImage.fromarray(picture).save(data, "JPEG", quality=88)
    return data.getvalue()


# -- the table -------------------------------------------------------------------------------------


def table_of(filed: Sequence[Filed]) -> str:
    """Return answers.csv, ready to be filled in."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number, one in enumerate(filed, 1):
        allowed = "; ".join(_allowed(one))
        writer.writerow([number, one.id, headline(one), allowed, "", "", "", about_of(one)])
    return text.getvalue()


def _allowed(filed: Filed) -> Iterator[str]:
    for answer in filed.allowed:
        if answer is Answer.PERSON:
            for digit, one in enumerate(filed.listed, 1):
                who = one.name or ("somebody who is ignored" if one.ignored else one.person)
                yield f"{digit} ({who})"
        elif answer is Answer.NAME:
            yield "a name, under name"
        elif answer is not Answer.SKIP:
            yield WORDS[answer]
