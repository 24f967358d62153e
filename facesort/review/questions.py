"""The words of a review: what is asked, what can be answered, and what an answer costs.

    SAME     are these one person?           people: somebody, then those who may be the same
    WHO      who is this?                    people: the unnamed one, then likely pieces of it
    BELONGS  do these faces belong to them?  people: the person; faces: those in doubt
    ALSO     are these also this person?     people: the person; faces: with nobody so far
    TWO      are these two people?           people: the person; faces: the part that may be another
    MIRROR   does the photo show one person twice?  faces: the two; people: whose, as far as known

One question may show several people or faces at once. Whoever answers it yes, or with a name, takes
out those it is not true of: `but_people`, `but_faces`. Each one taken out costs as much as an
answer, because it is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from facesort.domain import short_hash
from facesort.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from facesort.domain import FaceId, PersonId

__all__ = [
    "ABOUT_FACES",
    "ALLOWED",
    "WITH_FACES",
    "Answer",
    "Given",
    "Guess",
    "Kind",
    "Question",
    "check",
    "check_shown",
    "cost",
    "question_id",
]

_ID_LETTERS = 8


class Kind(StrEnum):
    """What is asked; see the module."""

    SAME = "same"
    WHO = "who"
    BELONGS = "belongs"
    ALSO = "also"
    TWO = "two"
    MIRROR = "mirror"


class Answer(StrEnum):
    """What can be answered.

    UNSURE is remembered, and the same is asked again only about people who have grown a lot; SKIP
    holds for this sitting.
    """

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    SKIP = "skip"
    NAME = "name"  # a typed name: somebody new
    PERSON = "person"  # somebody who is there
    IGNORE = "ignore"
    NOT_A_FACE = "not-a-face"


_ALWAYS = {Answer.UNSURE, Answer.SKIP}
_OF_FACES = {Answer.YES, Answer.NO, Answer.NAME, Answer.PERSON, Answer.NOT_A_FACE}

# What each kind of question can be answered with.
ALLOWED: dict[Kind, frozenset[Answer]] = {
    Kind.SAME: frozenset(_ALWAYS | {Answer.YES, Answer.NO}),
    Kind.WHO: frozenset(_ALWAYS | {Answer.NAME, Answer.PERSON, Answer.IGNORE, Answer.NOT_A_FACE}),
    Kind.BELONGS: frozenset(_ALWAYS | _OF_FACES),
    Kind.ALSO: frozenset(_ALWAYS | _OF_FACES),
    Kind.TWO: frozenset(_ALWAYS | {Answer.YES, Answer.NO, Answer.NAME, Answer.PERSON}),
    Kind.MIRROR: frozenset(_ALWAYS | {Answer.YES, Answer.NO}),
}

# Questions about single faces: who is not sure, or skips, is not sure about these faces.
ABOUT_FACES = frozenset({Kind.BELONGS, Kind.ALSO, Kind.MIRROR})

# Questions that make no sense without faces.
WITH_FACES = ABOUT_FACES | {Kind.TWO}

# A typed name takes longer than a key. One taken out of many is one more key.
_TYPED = 2


@dataclass(frozen=True, slots=True)
class Guess:
    """Who somebody may be.

    Args:
        person: somebody with a name, or somebody who is ignored.
        name: theirs, or None.
        chance: 0..1.
        ignored: the user does not want to see them.
    """

    person: PersonId
    name: str | None
    chance: float
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be answered.

    Args:
        id: short hash of kind and subjects: the same question has the same id tomorrow.
        kind: what is asked.
        people: see the module; the subject first.
        faces: see the module; of SAME and WHO those that are worth a look, because they may not be
            whose they are. Few, and none where nothing is doubted.
        chance: of yes; of WHO, that one of the guesses is right; of BELONGS and ALSO, that all
            belong.
        settles: expected number of faces that are right or settled afterwards, and were not.
        cost: expected, in answers.
        guesses: who it may be, likeliest first.
        chances: of SAME and WHO of each of `people[1:]`, of BELONGS and ALSO of each of `faces`:
            that it is this person, or belongs.
    """

    id: str
    kind: Kind
    people: tuple[PersonId, ...]
    faces: tuple[FaceId, ...] = ()
    chance: float = 0.5
    settles: float = 0.0
    cost: float = 1.0
    guesses: tuple[Guess, ...] = ()
    chances: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """An answer to a question.

    Args:
        question_id: which.
        answer: what.
        name: of NAME.
        person: of PERSON: a guess, or anybody else who is there.
        another: the name is somebody else's too, and this is another person.
        but_people: of `people[1:]` those that are not this person; with YES, NAME, PERSON, IGNORE.
        but_faces: faces of these people, or of those asked about, that are not theirs; likewise.
        known_as: the name of `person` that whoever answers has read; None where the question lists
            them, or where it was an id.
    """

    question_id: str
    answer: Answer
    name: str | None = None
    person: PersonId | None = None
    another: bool = False
    but_people: tuple[PersonId, ...] = ()
    but_faces: tuple[FaceId, ...] = ()
    known_as: str | None = None


def question_id(kind: Kind, people: tuple[PersonId, ...], faces: tuple[FaceId, ...] = ()) -> str:
    """Return the id of a question: people and faces in any order, but the subject first."""
    first, *others = people or ("",)
    return "q" + short_hash(
        " ".join([kind.value, first, *sorted(others), *sorted(faces)]), _ID_LETTERS
    )


def cost(given: Given) -> int:
    """Return what an answer costs: a key 1, a typed name 2, each one taken out 1 more."""
    base = _TYPED if given.answer is Answer.NAME else 1
    return base + len(given.but_people) + len(given.but_faces)


def check(question: Question, given: Given) -> None:
    """Make sure that an answer fits its question.

    Raises:
        UsageError: it does not.
    """
    if given.question_id != question.id:
        raise UsageError(f"{given.question_id} is not the question {question.id}")
    if given.answer not in ALLOWED[question.kind]:
        fitting = ", ".join(sorted(ALLOWED[question.kind]))
        raise UsageError(
            f"{given.answer.value!r} is no answer to {question.kind.value!r} ({question.id})",
            hint=f"One of: {fitting}",
        )
    if (given.answer is Answer.NAME) != (given.name is not None):
        raise UsageError(f"{question.id}: a name goes with the answer 'name', and only there")
    if (given.answer is Answer.PERSON) != (given.person is not None):
        raise UsageError(f"{question.id}: a person goes with the answer 'person', and only there")
    _check_taken_out(question, given)


def check_shown(
    kind: Kind,
    people: Sequence[PersonId],
    given: Given,
    sides: Iterable[tuple[PersonId | None, Collection[FaceId]]],
) -> None:
    """Make sure that an answer about people holds for some face that whoever gave it has seen.

    Args:
        kind: of the question; other ones than SAME and WHO are about the faces shown only.
        people: asked about, the subject first.
        given: the answer.
        sides: each person shown, with the faces that were shown of them.

    Raises:
        UsageError: all that was shown of somebody is taken out.
    """
    if kind not in {Kind.SAME, Kind.WHO} or not given.but_faces:
        return
    out = set(given.but_faces)
    for person, faces in sides:
        if faces and person not in given.but_people and out.issuperset(faces):
            first = person == people[0]
            raise UsageError(
                f"{given.question_id}: all that was shown of {person} is taken out",
                hint="The answer would count for faces that nobody has seen."
                if first
                else "Take out the person instead.",
            )


def _check_taken_out(question: Question, given: Given) -> None:
    taking = {Answer.YES, Answer.NAME, Answer.PERSON, Answer.IGNORE}
    if (given.but_people or given.but_faces) and given.answer not in taking:
        raise UsageError(
            f"{question.id}: nothing can be taken out of the answer {given.answer.value!r}"
        )
    strangers = set(given.but_people) - set(question.people[1:])
    if strangers:
        raise UsageError(
            f"{question.id} does not ask about {', '.join(sorted(strangers))}",
            hint="Only people that it shows besides the first can be taken out.",
        )
    if question.kind is Kind.SAME and len(given.but_people) == len(question.people) - 1:
        raise UsageError(f"{question.id}: everybody was taken out", hint="That is the answer 'no'.")
    asks_faces = question.kind in {Kind.BELONGS, Kind.ALSO, Kind.TWO}
    if asks_faces and not set(given.but_faces) <= set(question.faces):
        raise UsageError(f"{question.id} does not ask about all of these faces")
    if asks_faces and given.but_faces and set(given.but_faces) == set(question.faces):
        raise UsageError(
            f"{question.id}: all faces were taken out", hint="That is the answer 'no'."
        )
