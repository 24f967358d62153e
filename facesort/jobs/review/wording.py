"""The words of a question, and the numbers of what can be taken out of its answer: once for all.

Terminal, page and files ask with the same words and numbers, so that whoever knows one knows all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.review.questions import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.domain import FaceId, PersonId
    from facesort.jobs.review.shown import Asked, SideShown
    from facesort.review.progress import Progress

__all__ = ["Item", "all_is_settled", "counted", "headline", "how_far", "items_of"]

# Asked about: the first side's faces. The second side is only there to compare.
_ONE_SIDE = frozenset({Kind.BELONGS, Kind.ALSO, Kind.TWO})


@dataclass(frozen=True, slots=True)
class Item:
    """What can be taken out of a question by its number: a person, or a face."""

    number: int
    person: PersonId | None = None
    face: FaceId | None = None


def headline(asked: Asked, called: Callable[[SideShown], str]) -> str:
    """Return the question as a sentence.

    Args:
        asked: the question.
        called: what somebody is called where the sentence is shown.
    """
    kind, sides, faces = asked.question.kind, asked.sides, len(asked.question.faces)
    these, do = ("this face", "Does") if faces == 1 else ("these faces", "Do")
    if kind is Kind.WHO:
        return "Who is this?" if len(sides) == 1 else "Who is this? (All of these may be one.)"
    if kind is Kind.SAME:
        if sides[0].name is not None:
            return f"{'Is this' if len(sides) == 2 else 'Are these'} {called(sides[0])} too?"
        return "Is this the same person?" if len(sides) == 2 else "Are these the same person?"
    if kind is Kind.BELONGS:
        return f"{do} {these} belong to {called(sides[0])}?"
    if kind is Kind.ALSO:
        return f"{'Is this' if faces == 1 else 'Are these'} also {called(sides[-1])}?"
    if kind is Kind.TWO:
        doubted = "" if sides[0].name is None else f" The first may not be {called(sides[0])}."
        return "Are these two people?" + doubted
    return "Does the photo show one person twice (a mirror, a collage, a screen)?"


def all_is_settled(progress: Progress) -> bool:
    """Whether nothing that counts can still be asked: who counts is known, or was not sure."""
    waits = progress.answers_to_99 > 0 or progress.share >= 0.99  # the last of 100 may wait too
    return progress.settled >= progress.total or not waits


def how_far(progress: Progress, *, asks: bool = False) -> str:
    """Return how far the review has come, and about how long it still takes.

    Args:
        progress: how far.
        asks: something is still asked; where nothing that counts is left, this says about whom.
    """
    line = f"{progress.settled:,} of {counted(progress.total, 'face')} settled"
    if progress.answers_to_99 > 0:
        line += f"; about {counted(progress.answers_to_99, 'answer')} to 99 %"
    elif asks and all_is_settled(progress):
        line += "; only people on few photos and doubts are left"
    return line


def counted(number: int, one: str, many: str = "") -> str:
    """Return `1 face`, `2 faces` or, with `many`, `2 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def items_of(asked: Asked) -> tuple[Item, ...]:
    """Return what can be taken out: people first, then faces as they are shown."""
    kind = asked.question.kind
    if kind is Kind.MIRROR:
        return ()
    sides = asked.sides[:1] if kind in _ONE_SIDE else asked.sides
    persons = [side.person for side in sides[1:] if side.person is not None]
    faces = [face.id for side in sides for face in side.shown]
    if len(persons) + len(faces) < 2:
        return ()
    numbered = [Item(number, person=one) for number, one in enumerate(persons, 1)]
    first = len(persons) + 1
    return (*numbered, *(Item(number, face=one) for number, one in enumerate(faces, first)))
