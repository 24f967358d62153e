"""Answers out of a file: a table as spreadsheets save it, or JSON.

What is wrong with one row is said of that row; the others hold.
"""

from __future__ import annotations

import csv
import io
import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesort.domain import FaceId, PersonId
from facesort.errors import UsageError
from facesort.review.filed import Filed, filed_from_about
from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["COLUMNS", "Row", "read_answers"]

# Of answers.csv, in this order.
COLUMNS = ("number", "id", "question", "allowed answers", "answer", "name", "not these", "about")

_NEEDED = ("id", "answer")
_READ = {*COLUMNS, "person"}  # columns that mean something
_DELIMITERS = ",;\t"
_EXAMPLE = "facesort review --export-questions DIR writes an answers.csv to fill in."
_UTF8 = 'Save it as "CSV UTF-8": the sign that some programs write instead means another letter.'

_TWICE = "written twice"  # a field of entries in which a field is
_TEXTS = {"id", "answer", "name", "person", "about", "kind"}
_LISTS = {"not_these", "not_people", "not_faces", "people", "faces"}
_LEFT_ALONE = {"number", "question", "allowed_answers"}


@dataclass(frozen=True, slots=True)
class Row:
    """One answer as it stands in the file, unjudged.

    Args:
        place: for messages: "line 7" or "answer 3".
        id: of the question.
        number: that the question has on the sheets, for messages.
        answer: as written.
        name: as written.
        person: id or name of somebody in the library.
        another: the name is somebody else's too, and this is another person.
        not_these: letters of what is taken out.
        not_people: likewise, as ids.
        not_faces: likewise, as ids.
        filed: what was asked, if the file says so.
        problem: why it cannot be used, and what helps; None where nothing is wrong so far.
    """

    place: str
    id: str = ""
    number: str = ""
    answer: str = ""
    name: str = ""
    person: str = ""
    another: bool = False
    not_these: tuple[str, ...] = ()
    not_people: tuple[PersonId, ...] = ()
    not_faces: tuple[FaceId, ...] = ()
    filed: Filed | None = None
    problem: UsageError | None = field(default=None, compare=False)


def read_answers(data: bytes) -> list[Row]:
    """Return all rows of a file.

    Args:
        data: the file: CSV with commas, semicolons or tabs, or JSON; UTF-8, or UTF-16 with a mark.

    Raises:
        UsageError: it is neither.
    """
    text = _decoded(data)
    if text.lstrip()[:1] in {"{", "["}:
        return [_row(_from_json, entry, place) for place, entry in _entries(text)]
    return list(_from_lines(text))


def _decoded(data: bytes) -> str:
    """Return the text; bytes that are none become halves of characters, and are found there."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.removeprefix(BOM_UTF8).decode("utf-8", "surrogateescape")


def _row(
    make: Callable[[Mapping[str, object], str], Row], entry: Mapping[str, object], place: str
) -> Row:
    """Make a row; where that is not possible, one that says why."""
    try:
        return make(entry, place)
    except UsageError as problem:
        given, number = entry.get("id"), entry.get("number")
        return Row(
            place,
            given if isinstance(given, str) else "",
            str(number) if isinstance(number, str | int) else "",
            problem=problem,
        )


# -- tables ----------------------------------------------------------------------------------------


def _from_lines(text: str) -> Iterator[Row]:
    delimiter, columns, lines, above = _header(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        place = f"line {above + reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(place, problem=_not_a_line(error))
            continue
        if any(cell.strip() for cell in cells):
            yield _line(columns, cells, place)


def _header(text: str) -> tuple[str, list[str], io.StringIO, int]:
    """Return the delimiter, the names of the columns, the lines below, and how many are above.

    Raises:
        UsageError: there is no such line.
    """
    lines = io.StringIO(text, newline="")
    for number, first in enumerate(lines, 1):
        line = first.strip()
        if not line or line.lower().startswith("sep="):  # a hint that some spreadsheets write
            continue
        for delimiter in _DELIMITERS:
            columns = [cell.strip(' "').lower().replace("_", " ") for cell in line.split(delimiter)]
            if all(needed in columns for needed in _NEEDED):
                _refuse_twice(columns)
                return delimiter, columns, lines, number
        break
    raise UsageError(
        "this holds no answers: the columns 'id' and 'answer' are missing", hint=_EXAMPLE
    )


def _refuse_twice(columns: list[str]) -> None:
    twice = sorted(name for name in _READ if columns.count(name) > 1)
    if twice:
        raise UsageError(
            f"two columns are called {twice[0]!r}: which of them?",
            hint="Take one of the two out, or call it otherwise.",
        )


def _not_a_line(error: csv.Error) -> UsageError:
    return UsageError(
        f"this is no row of a table ({error})",
        hint='Is a quotation mark " missing, or a cell extremely long?',
    )


def _line(columns: list[str], cells: list[str], place: str) -> Row:
    if len(cells) != len(columns):
        problem = UsageError(
            f"{len(cells)} cells where the first line has {len(columns)}",
            hint="A comma in a cell needs quotation marks around the cell.",
        )
        return Row(place, problem=problem)
    named = dict(zip(columns, cells, strict=True))
    return _row(_from_cells, {name: cell.strip() for name, cell in named.items()}, place)


def _from_cells(cells: Mapping[str, object], place: str) -> Row:
    text = {name: str(cell) for name, cell in cells.items()}
    if any(not _is_text(text.get(name, "")) for name in ("id", "answer", "name", "person")):
        raise UsageError("this is not UTF-8", hint=_UTF8)
    identity, about = text["id"], text.get("about", "")
    return Row(
        place,
        identity,
        text.get("number", ""),
        text["answer"],
        _unguarded(text.get("name", "")),
        text.get("person", ""),
        not_these=tuple(text.get("not these", "").replace(",", " ").replace(";", " ").split()),
        filed=filed_from_about(identity, about) if about else None,
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unguarded(name: str) -> str:
    """Take off the ' that keeps a spreadsheet from computing what begins like a formula."""
    return name[1:] if name[:1] == "'" and name[1:2] in set("=+-@") else name


# -- JSON ------------------------------------------------------------------------------------------


def _entries(text: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        document = json.loads(text, object_pairs_hook=_fields)
    except (ValueError, RecursionError) as error:
        where = f" ({error})" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"this is not JSON{where}", hint=_EXAMPLE) from error
    if isinstance(document, dict):
        if _TWICE in document:
            raise UsageError(f"{document[_TWICE]!r:.40} is there twice: which of them?")
        document = document.get("answers")
    if not isinstance(document, list):
        raise UsageError(
            "this holds no list of answers",
            hint='It looks like this: {"answers": [{"id": "q...", "answer": "yes"}]}',
        )
    for number, entry in enumerate(document, 1):
        yield f"answer {number}", entry if isinstance(entry, dict) else {"": entry}


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON, with a mark where the last of two would hide the first."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    often = Counter(name for name, _ in pairs)
    return found | {_TWICE: often.most_common(1)[0][0]}


def _from_json(entry: Mapping[str, object], place: str) -> Row:
    if _TWICE in entry:
        raise UsageError(f"{entry[_TWICE]!r:.40} is there twice: which of them?")
    unknown = sorted(entry.keys() - _TEXTS - _LISTS - _LEFT_ALONE - {"another"})
    if unknown:
        raise UsageError(
            f"{unknown[0]!r:.40} has no meaning here",
            hint=f"Known are {', '.join(sorted(_TEXTS | _LISTS | {'another'}))}.",
        )
    text = {name: _text(entry, name) for name in _TEXTS}
    ids = {name: _ids(entry, name) for name in _LISTS}
    another = entry.get("another") or False
    if not isinstance(another, bool):
        raise UsageError("'another' is true or false")
    return Row(
        place,
        text["id"],
        str(entry.get("number", ""))[:20],
        text["answer"],
        text["name"],
        text["person"],
        another,
        ids["not_these"],
        tuple(map(PersonId, ids["not_people"])),
        tuple(map(FaceId, ids["not_faces"])),
        _subject(text, ids),
    )


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{name!r} is a text")
    if not _is_text(value):
        raise UsageError(f"{name!r} holds half a character", hint=_UTF8)
    return value.strip()


def _ids(entry: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = entry.get(name) or []
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, list) or not all(
        isinstance(one, str) and _is_text(one) for one in value
    ):
        raise UsageError(f"{name!r} is a list of texts")
    return tuple(value)


def _subject(text: Mapping[str, str], ids: Mapping[str, tuple[str, ...]]) -> Filed | None:
    """Return what was asked, if the entry says so."""
    if text["about"]:
        return filed_from_about(text["id"], text["about"])
    if not text["kind"]:
        return None
    if text["kind"] not in set(Kind):
        raise UsageError(f"{text['kind']!r:.40} is no kind of question")
    filed = Filed(
        text["id"],
        Kind(text["kind"]),
        tuple(map(PersonId, ids["people"])),
        tuple(map(FaceId, ids["faces"])),
        is_alone=True,
    )
    filed.check_id()
    return filed
