"""What a sitting shows: questions with faces, what came of answers, people, history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.domain import short_hash

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.domain import Box, FaceId, FaceStatus, PersonId, PhotoId
    from facesort.review.questions import Question

_VERSION_LETTERS = 8

__all__ = [
    "Answered",
    "Asked",
    "Done",
    "Entry",
    "FaceShown",
    "PersonShown",
    "SideShown",
    "Undone",
]


@dataclass(frozen=True, slots=True)
class FaceShown:
    """One face to show.

    Args:
        id: the face: `CropSource.crop` draws it.
        photo: its photo.
        path: where that lies: the first present place, else the first.
        is_missing: it was not there at the last scan.
        taken_at: ISO 8601 without zone, or ''.
        box: left, top, right, bottom in pixels of the upright photo.
        size: width and height of the upright photo.
        quality: 0..1.
        status: how it stands to its person.
        doubt: 0..1, that it is not its person's; 0 where nothing is known against it.
        seconds: when in a video it is; None on a photo.
    """

    id: FaceId
    photo: PhotoId
    path: Path
    is_missing: bool
    taken_at: str
    box: Box
    size: tuple[int, int]
    quality: float
    status: FaceStatus
    doubt: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SideShown:
    """One person in a question.

    Args:
        person: None where a face is with nobody.
        name: or None.
        ignored: the user does not want to see them.
        faces: how many they have.
        photos: how many photos those are on.
        shown: up to eight, those that the question doubts first.
        since: when the first of their dated photos was taken, '' without one.
        until: and the last.
        chance: of SAME and WHO: that this is the person of the first side; None for that one.
        merged: who had been merged into this person when they were shown.
    """

    person: PersonId | None
    name: str | None
    ignored: bool
    faces: int
    photos: int
    shown: tuple[FaceShown, ...]
    since: str = ""
    until: str = ""
    chance: float | None = None
    merged: tuple[PersonId, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what there is to see.

    Args:
        question: what is asked.
        sides: SAME and WHO: one for each of `question.people`. BELONGS, ALSO and TWO: the faces in
            question (of ALSO with nobody), then the rest of the person. MIRROR: one for each of the
            two faces.
        guesses: faces of each of `question.guesses`, up to three, in their order.
    """

    question: Question
    sides: tuple[SideShown, ...]
    guesses: tuple[SideShown, ...] = ()

    @property
    def version(self) -> str:
        """By what one sees that somebody was shown something else under the same id.

        New faces that are not among those shown make no other version.
        """
        sides = [
            (side.person, side.name, side.ignored, sorted(side.merged), [f.id for f in side.shown])
            for side in self.sides
        ]
        guesses = [(side.person, side.name, side.ignored) for side in self.guesses]
        named = [(guess.person, guess.name, guess.ignored) for guess in self.question.guesses]
        return short_hash(repr((self.question.id, sides, guesses, named)), _VERSION_LETTERS)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer.

    Args:
        sentence: to show, like "merged 3 people into Anna: 41 faces".
        decisions: numbers in the log, in the order they were made; none for unsure and skip.
        doubt: number of what was noted as not sure, or None.
        settled: by how many faces what is settled has grown.
    """

    sentence: str
    decisions: tuple[int, ...] = ()
    doubt: int | None = None
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an act that was no answer: merge, reject, split and so on.

    Args:
        sentence: to show.
        decisions: as above.
        person: whom it was about, or the new one of a split; None for faces that are none.
    """

    sentence: str
    decisions: tuple[int, ...]
    person: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back, or brought back.

    Args:
        sentence: to show.
        decisions: their numbers.
        doubt: likewise of a not-sure.
    """

    sentence: str
    decisions: tuple[int, ...] = ()
    doubt: int | None = None


@dataclass(frozen=True, slots=True)
class PersonShown:
    """A person in a list.

    Args:
        id: as shown.
        name: or None.
        faces: how many.
        photos: how many.
        confirmed: how many faces the user has confirmed.
        ignored: the user does not want to see them.
        cover: the face that stands for them, None without faces.
        doubts: how many of the faces are in doubt.
    """

    id: PersonId
    name: str | None
    faces: int
    photos: int
    confirmed: int
    ignored: bool
    cover: FaceId | None
    doubts: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history.

    Args:
        made_at: ISO 8601, UTC.
        sentence: what was said.
        decision: its number, or None for a not-sure.
        doubt: number of the not-sure, or None for a decision.
        stands: it was not taken back.
    """

    made_at: str
    sentence: str
    decision: int | None
    doubt: int | None
    stands: bool
