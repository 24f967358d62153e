"""What somebody wrote, as an answer to the question that they were shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facesort.errors import UsageError
from facesort.review.filed import removable
from facesort.review.questions import Answer, Given, check_shown

if TYPE_CHECKING:
    from facesort.domain import FaceId, PersonId
    from facesort.review.answer_file import Row
    from facesort.review.filed import Filed

__all__ = ["WORDS", "given_of"]

# How each answer is written on sheets and in tables.
WORDS: dict[Answer, str] = {
    Answer.YES: "yes",
    Answer.NO: "no",
    Answer.UNSURE: "not sure",
    Answer.SKIP: "skip",
    Answer.NAME: "name",
    Answer.PERSON: "person",
    Answer.IGNORE: "ignore",
    Answer.NOT_A_FACE: "not a face",
}
# Also: the words of `Answer`, and the keys of the terminal.
_KEYS = {
    "y": Answer.YES,
    "n": Answer.NO,
    "?": Answer.UNSURE,
    "s": Answer.SKIP,
    "i": Answer.IGNORE,
    "x": Answer.NOT_A_FACE,
    "unsure": Answer.UNSURE,
}
_MEANINGS = {word: answer for answer, word in WORDS.items()} | _KEYS
_LONGEST = 40  # of what somebody wrote, in messages
_LONGEST_NAME = 400  # more than any name in a library


def given_of(row: Row, filed: Filed) -> Given | None:
    """Return the answer of a row; None where it was left open.

    A person given by a text is in `Given.person` as written: only the library knows who that is.

    Raises:
        UsageError: that is no answer to this question.
    """
    taken_out = row.not_these or row.not_people or row.not_faces
    if not row.answer:
        if row.name:
            return _taking_out(
                Given(filed.id, Answer.NAME, row.name, another=row.another), row, filed
            )
        if row.person:
            return _taking_out(_somebody(filed, row.person), row, filed)
        if taken_out:
            raise UsageError("it says what is taken out, but not of which answer")
        return None
    written = " ".join(row.answer.casefold().replace("-", " ").replace("_", " ").split())
    if written.isdecimal():
        given = _listed(filed, written)
        if row.name:
            raise UsageError(f"both a name and {written}, who is somebody listed: which of them?")
        return _taking_out(given, row, filed)
    answer = _MEANINGS.get(written if written in _MEANINGS else written.rstrip(".!"))
    if answer is None:
        raise UsageError(
            f"{row.answer[:_LONGEST]!r} is no answer",
            hint=f"{_choices(filed)} A name belongs under 'name'.",
        )
    return _taking_out(_said(row, filed, answer), row, filed)


def _said(row: Row, filed: Filed, answer: Answer) -> Given:
    if answer is Answer.PERSON:
        return _somebody(filed, row.person or row.name)
    if answer is Answer.NO and row.name and Answer.NAME in filed.allowed:
        answer = Answer.NAME  # "no: it is Bea"
    if answer not in filed.allowed:
        raise UsageError(f"{WORDS[answer]!r} is no answer to this question", hint=_choices(filed))
    if answer is Answer.NAME and not row.name:
        raise UsageError("the name is missing", hint="It belongs under 'name'.")
    if row.name and answer is not Answer.NAME:
        raise UsageError(
            f"{WORDS[answer]!r} and a name: which of them?",
            hint="Leave one of the two out.",
        )
    name = row.name if answer is Answer.NAME else None
    return Given(filed.id, answer, name, another=row.another)


def _somebody(filed: Filed, reference: str) -> Given:
    if Answer.PERSON not in filed.allowed:
        raise UsageError("nobody can be named in answer to this question", hint=_choices(filed))
    if len(reference) > _LONGEST_NAME:
        raise UsageError("nobody has so long a name", hint="Give an id or a name.")
    if not reference:
        raise UsageError("it does not say who", hint="Give an id or a name.")
    return Given(filed.id, Answer.PERSON, person=reference)  # type: ignore[arg-type]


def _listed(filed: Filed, digits: str) -> Given:
    place = int(digits) if len(digits) == 1 else 0
    if Answer.PERSON not in filed.allowed or not 1 <= place <= len(filed.listed):
        raise UsageError(
            f"nobody is listed under {digits[:_LONGEST]} at this question", hint=_choices(filed)
        )
    return Given(filed.id, Answer.PERSON, person=filed.listed[place - 1].person)


def _choices(filed: Filed) -> str:
    words = [WORDS[answer] for answer in filed.allowed if answer is not Answer.PERSON]
    digits = [str(n) for n in range(1, len(filed.listed) + 1)]
    named = digits if Answer.PERSON in filed.allowed else []
    return f"It takes: {', '.join([*words, *named])}."


def _taking_out(given: Given, row: Row, filed: Filed) -> Given:
    if given.answer in {Answer.UNSURE, Answer.SKIP}:
        return given  # who is not sure of anything has taken out nothing
    by_letter = {one.letter: one for one in removable(filed)}
    people: list[PersonId] = list(row.not_people)
    faces: list[FaceId] = list(row.not_faces)
    for letter in row.not_these:
        one = by_letter.get(letter.casefold().strip(".()"))
        if one is None:
            raise UsageError(
                f"nothing has the letter {letter[:_LONGEST]!r} at this question",
                hint=f"Letters go from a to {list(by_letter)[-1]}." if by_letter else "",
            )
        if one.person is not None:
            people.append(one.person)
        elif one.face is not None:
            faces.append(one.face)
    shown = {face for side in filed.sides for face in side.faces} | set(filed.faces)
    strangers = sorted(set(faces) - shown) if filed.sides else []
    if strangers:
        raise UsageError(f"{strangers[0][:_LONGEST]} was not shown with this question")
    # Who is taken out as a whole keeps their faces.
    theirs = {face for side in filed.sides if side.person in set(people) for face in side.faces}
    kept = [face for face in faces if face not in theirs]
    given = replace(
        given, but_people=tuple(dict.fromkeys(people)), but_faces=tuple(dict.fromkeys(kept))
    )
    check_shown(
        filed.kind, filed.people, given, [(side.person, side.faces) for side in filed.sides]
    )
    return given
