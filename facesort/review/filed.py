"""A question on its way to somebody without facesort, and back: as it was written into a file.

Whoever answers sees listed people under digits and, under letters, what can be taken out of the
answer: people first, then faces, in the order they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice, product
from string import ascii_lowercase
from typing import TYPE_CHECKING

from facesort.domain import FaceId, PersonId, short_hash
from facesort.errors import UsageError
from facesort.review.questions import ALLOWED, Answer, Kind, question_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "Filed",
    "FiledSide",
    "Listed",
    "Removable",
    "about_of",
    "filed_from_about",
    "headline",
    "letters",
    "merged_hash",
    "removable",
]

# Questions that name whole people; the others are about some faces.
_OF_PEOPLE = frozenset({Kind.SAME, Kind.WHO})

_NOTHING = "-"
_FIELDS = 5
_MERGED_LETTERS = 6


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody whom the answer may name by a digit.

    Args:
        person: who.
        name: as it was when the question was written, or None.
        chance: 0..1.
        ignored: the user does not want to see them.
    """

    person: PersonId
    name: str | None = None
    chance: float = 0.0
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class FiledSide:
    """What was shown of one person.

    Args:
        person: None where the faces were with nobody.
        name: as it was, or None.
        faces: that were shown.
        ignored: the user did not want to see them.
        merged: by what one sees that somebody has been merged into them since; see `merged_hash`.
            None where nobody said.
    """

    person: PersonId | None
    name: str | None = None
    faces: tuple[FaceId, ...] = ()
    ignored: bool = False
    merged: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """A question as it was written.

    Args:
        id: see `review.questions.question_id`.
        kind: what is asked.
        people: the subject first.
        faces: those asked about; see `review.questions.Question`.
        listed: the guesses, in the order of their digits.
        sides: what was shown, in the order it was; empty where nobody said.
        is_alone: it comes from a row without questions.json: who had which name is not known.
    """

    id: str
    kind: Kind
    people: tuple[PersonId, ...]
    faces: tuple[FaceId, ...] = ()
    listed: tuple[Listed, ...] = ()
    sides: tuple[FiledSide, ...] = ()
    is_alone: bool = False

    @property
    def allowed(self) -> tuple[Answer, ...]:
        """What it can be answered with, in the order of `Answer`."""
        return tuple(answer for answer in Answer if answer in ALLOWED[self.kind])

    @property
    def faces_asked(self) -> tuple[FaceId, ...]:
        """The faces that make it this question and no other."""
        return () if self.kind in _OF_PEOPLE else self.faces

    def shows_as(self, other: Filed) -> bool:
        """Whether digits and letters mean the same in both, so that they are of one export."""
        return (
            (self.kind, self.people, self.faces) == (other.kind, other.people, other.faces)
            and [one.person for one in self.listed] == [one.person for one in other.listed]
            and [(side.person, side.faces, side.merged) for side in self.sides]
            == [(side.person, side.faces, side.merged) for side in other.sides]
        )

    def check_id(self) -> None:
        """Make sure that the id is that of these people and faces.

        Raises:
            UsageError: it is not: somebody has changed the one or the other.
        """
        if question_id(self.kind, self.people, self.faces_asked) != self.id:
            raise UsageError(
                f"{self.id:.40} is not the question about these people and faces",
                hint="Leave the columns and fields beside the answer as facesort wrote them.",
            )


@dataclass(frozen=True, slots=True)
class Removable:
    """What can be taken out of an answer by its letter: a person, or a face."""

    letter: str
    person: PersonId | None = None
    face: FaceId | None = None


def merged_hash(merged: Iterable[PersonId]) -> str:
    """Return a short word for who had been merged into somebody; '' for nobody."""
    people = sorted(merged)
    return short_hash(" ".join(people), _MERGED_LETTERS) if people else ""


def letters() -> Iterator[str]:
    """Yield a, b, ..., z, aa, ab, ..."""
    for length in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=length))


def removable(filed: Filed) -> tuple[Removable, ...]:
    """Return what can be taken out of the answer; nothing where there is only one to be seen."""
    if filed.kind is Kind.MIRROR:
        return ()
    sides = filed.sides if filed.kind in _OF_PEOPLE else filed.sides[:1]
    people = [side.person for side in sides[1:] if side.person is not None]
    faces = list(dict.fromkeys(face for side in sides for face in side.faces))
    if len(people) + len(faces) < 2:
        return ()
    names = list(islice(letters(), len(people) + len(faces)))
    return (
        *(Removable(letter, person=one) for letter, one in zip(names, people, strict=False)),
        *(
            Removable(letter, face=one)
            for letter, one in zip(names[len(people) :], faces, strict=True)
        ),
    )


def headline(filed: Filed) -> str:
    """Return the question as a sentence for somebody who knows nothing of facesort."""
    kind, several = filed.kind, len(filed.people) > 1
    name = next((side.name for side in filed.sides if side.person == filed.people[0]), None)
    if kind is Kind.WHO:
        return "Who is this? All of these may be one person." if several else "Who is this?"
    if kind is Kind.SAME:
        return f"Are these all {name}?" if name else "Are these the same person?"
    one = len(filed.faces) == 1
    whose = name or "the person shown below"
    if kind is Kind.BELONGS:
        return f"Is this {whose}?" if one else f"Are these {whose}?"
    if kind is Kind.TWO:
        return f"Are these two different people? The first may not be {name or 'the second'}."
    if kind is Kind.MIRROR:
        return "Is this one person, twice on one photo (a mirror, a collage, a screen)?"
    return f"Is this also {whose}?" if one else f"Are these also {whose}?"


# -- in one cell of a table ------------------------------------------------------------------------


def about_of(filed: Filed) -> str:
    """Return everything but the id and the names as one line: it returns with the answer.

    Kind, people, faces, listed people and what was shown, parted by spaces; several of one by +.
    What was shown of each person ends with `FiledSide.merged`.
    """
    sides = "/".join(map(_side, filed.sides))
    return " ".join(
        [
            filed.kind.value,
            _joined(filed.people),
            _joined(filed.faces),
            _joined([one.person for one in filed.listed]),
            sides or _NOTHING,
        ]
    )


def filed_from_about(identity: str, about: str) -> Filed:
    """Return the question that `about_of` wrote down, without names.

    Raises:
        UsageError: that is not what it wrote.
    """
    fields = about.split()
    if len(fields) != _FIELDS or fields[0] not in set(Kind):
        raise UsageError(
            f"'about' of {identity:.40} is not what facesort wrote there",
            hint="Copy it from answers.csv of the exported questions.",
        )
    kind, people, faces, listed, sides = fields
    shown = [] if sides == _NOTHING else [side.split(":") for side in sides.split("/")]
    filed = Filed(
        identity,
        Kind(kind),
        tuple(map(PersonId, _parted(people))),
        tuple(map(FaceId, _parted(faces))),
        tuple(Listed(PersonId(person)) for person in _parted(listed)),
        tuple(map(_shown, shown)),
        is_alone=True,
    )
    filed.check_id()
    return filed


def _side(side: FiledSide) -> str:
    parts = [side.person or _NOTHING, _joined(side.faces)]
    return ":".join(parts if side.merged is None else [*parts, side.merged])


def _shown(parts: Sequence[str]) -> FiledSide:
    person, of, *merged = [*parts, ""][: max(2, len(parts))]
    return FiledSide(
        None if person == _NOTHING else PersonId(person),
        None,
        tuple(map(FaceId, _parted(of))),
        merged=merged[0] if merged else None,
    )


def _joined(ids: Sequence[str]) -> str:
    return "+".join(ids) or _NOTHING


def _parted(text: str) -> list[str]:
    return [] if text in {_NOTHING, ""} else text.split("+")
