"""Questions for somebody else: which go out together, and how they are written down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from facesort.domain import FaceId, PersonId, short_hash
from facesort.errors import UsageError
from facesort.review.filed import (
    Filed,
    FiledSide,
    Listed,
    about_of,
    headline,
    merged_hash,
    removable,
)
from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Asked, SideShown

__all__ = ["FORMAT", "SCHEMA", "choose", "document_of", "filed_of", "filed_questions"]

FORMAT = "facesort questions"
SCHEMA = 1

# Questions that could be chosen are looked at in steps of this many.
_AT_ONCE = 100
_MOST = 5000

_ID_LETTERS = 12


def filed_of(asked: Asked) -> Filed:
    """Return a question as it is written down."""
    question = asked.question
    return Filed(
        question.id,
        question.kind,
        question.people,
        question.faces,
        tuple(
            Listed(guess.person, guess.name, round(guess.chance, 3), guess.ignored)
            for guess in question.guesses[:9]
        ),
        tuple(
            FiledSide(
                side.person,
                side.name,
                tuple(face.id for face in side.shown),
                side.ignored,
                None if side.person is None else merged_hash(side.merged),
            )
            for side in asked.sides
        ),
    )


def choose(session: ReviewSession, most: int) -> list[Asked]:
    """Return the questions that come next and can be answered without knowing of each other.

    Two questions about one person are not asked together: the answer to the first might move the
    faces that the second shows. Somebody who is only listed as a guess may be so often: to be named
    moves nobody.
    """
    chosen: list[Asked] = []
    taken: set[str] = set()
    seen: set[str] = set()
    wanted = most
    while len(chosen) < most and wanted <= _MOST:
        wanted = min(wanted + _AT_ONCE, 2 * wanted + _AT_ONCE)
        questions = session.upcoming(wanted)
        for question in questions:
            if question.id in seen or len(chosen) == most:
                continue
            seen.add(question.id)
            asked = session.asked(question.id)
            touched = _touched(asked)
            if not touched & taken:
                taken |= touched
                chosen.append(asked)
        if len(questions) < wanted:
            break
    return chosen


def _touched(asked: Asked) -> set[str]:
    """Return the people and faces that an answer may change."""
    people = {side.person for side in asked.sides if side.person is not None}
    return {*asked.question.people, *people, *asked.question.faces}


# -- JSON ------------------------------------------------------------------------------------------


def document_of(chosen: Sequence[Asked], pictures: Mapping[FaceId, str]) -> dict[str, Any]:
    """Return the content of questions.json.

    Args:
        chosen: the questions, in the order of their numbers.
        pictures: the file of each face, relative to the folder; faces without one are left out.
    """
    questions = [_question(asked, number, pictures) for number, asked in enumerate(chosen, 1)]
    # Of all that is shown: the page keeps what was clicked under this id, and a later export of
    # the same questions may have other letters and digits.
    identity = short_hash(json.dumps(questions, sort_keys=True), _ID_LETTERS)
    return {"format": FORMAT, "schema": SCHEMA, "id": identity, "questions": questions}


def _question(asked: Asked, number: int, pictures: Mapping[FaceId, str]) -> dict[str, Any]:
    filed = filed_of(asked)
    letter = {one.person or one.face: one.letter for one in removable(filed)}
    guesses = list(asked.guesses) + [None] * len(filed.listed)
    return {
        "number": number,
        "id": filed.id,
        "kind": filed.kind.value,
        "asked": headline(filed),
        "people": list(filed.people),
        "faces": list(filed.faces),
        "chance": round(asked.question.chance, 3),
        "chances": [round(chance, 3) for chance in asked.question.chances],
        "answers": [answer.value for answer in filed.allowed],
        "listed": [
            {
                "digit": digit,
                "person": one.person,
                "name": one.name,
                "chance": one.chance,
                "ignored": one.ignored,
                "shown": _shown(guess, pictures, {}),
            }
            for digit, (one, guess) in enumerate(zip(filed.listed, guesses, strict=False), 1)
        ],
        "sides": [
            {
                "person": side.person,
                "letter": letter.get(side.person) if place and side.person else None,
                "name": side.name,
                "ignored": side.ignored,
                "faces": side.faces,
                "photos": side.photos,
                "merged": None if side.person is None else merged_hash(side.merged),
                "shown": _shown(side, pictures, letter),
            }
            for place, side in enumerate(asked.sides)
        ],
        "about": about_of(filed),
    }


def _shown(
    side: SideShown | None, pictures: Mapping[FaceId, str], letter: Mapping[Any, str]
) -> list[dict[str, Any]]:
    return [
        {"face": face.id, "letter": letter.get(face.id), "picture": pictures.get(face.id)}
        for face in (() if side is None else side.shown)
    ]


def filed_questions(data: bytes) -> dict[str, Filed]:
    """Return the questions of a questions.json by id.

    Raises:
        UsageError: it is none, or of a later facesort.
    """
    try:
        document = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
        if document["format"] != FORMAT:
            raise UsageError("it holds no questions of facesort")
        if document["schema"] > SCHEMA:
            raise UsageError("a newer facesort wrote it", hint="Update facesort.")
        return {filed.id: filed for filed in _filed(document["questions"])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("it is damaged", hint="Take the one that was exported.") from error


def _filed(questions: Sequence[Mapping[str, Any]]) -> Iterator[Filed]:
    for entry in questions:
        filed = Filed(
            str(entry["id"]),
            Kind(entry["kind"]),
            tuple(map(PersonId, map(str, entry["people"]))),
            tuple(map(FaceId, map(str, entry["faces"]))),
            tuple(
                Listed(
                    PersonId(str(one["person"])),
                    _name(one),
                    float(one["chance"]),
                    bool(one["ignored"]),
                )
                for one in entry["listed"]
            ),
            tuple(
                FiledSide(
                    None if side["person"] is None else PersonId(str(side["person"])),
                    _name(side),
                    tuple(FaceId(str(face["face"])) for face in side["shown"]),
                    bool(side["ignored"]),
                    None if side.get("merged") is None else str(side["merged"]),
                )
                for side in entry["sides"]
            ),
        )
        filed.check_id()
        yield filed


def _name(entry: Mapping[str, Any]) -> str | None:
    return None if entry["name"] is None else str(entry["name"])
