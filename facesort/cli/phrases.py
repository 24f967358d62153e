"""What a review says: questions, people, keys. Everything is safe to print on a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.cli.printable import visible
from facesort.cli.render import counted
from facesort.review.questions import ALLOWED, Answer, Kind

if TYPE_CHECKING:
    from facesort.domain import FaceId, PersonId
    from facesort.jobs.review.picturing import Scene
    from facesort.jobs.review.shown import Asked, FaceShown, PersonShown, SideShown
    from facesort.review.progress import Progress

__all__ = [
    "Item",
    "called",
    "headline",
    "how_far",
    "items_of",
    "key_words",
    "keys_of",
    "listed",
    "scene_lines",
    "side_line",
]


@dataclass(frozen=True, slots=True)
class Item:
    """What can be taken out of a question by its number: a person, or a face."""

    number: int
    person: PersonId | None = None
    face: FaceId | None = None


def items_of(asked: Asked) -> tuple[Item, ...]:
    """Return what can be taken out: people first, then faces as they are shown."""
    kind = asked.question.kind
    if kind is Kind.MIRROR:
        return ()
    sides = asked.sides
    if kind in {Kind.BELONGS, Kind.TWO}:
        sides = sides[:1]
    persons = [side.person for side in sides[1:] if side.person is not None]
    faces = [face.id for side in sides for face in side.shown]
    if len(persons) + len(faces) < 2:
        return ()
    numbered = [Item(number, person=one) for number, one in enumerate(persons, 1)]
    first = len(persons) + 1
    return (*numbered, *(Item(number, face=one) for number, one in enumerate(faces, first)))


def called(side: SideShown | PersonShown) -> str:
    """Return what somebody is called."""
    if side.name is not None:
        return visible(side.name)
    who = side.person if hasattr(side, "person") else side.id
    return "nobody yet" if who is None else f"({who})"


def headline(asked: Asked) -> str:
    """Return the question as a sentence."""
    kind, sides = asked.question.kind, asked.sides
    first = sides[0]
    if kind is Kind.WHO:
        return "Who is this?" if len(sides) == 1 else "Who is this? (All of these may be one.)"
    if kind is Kind.SAME:
        if first.name is not None:
            return f"Is this {called(first)} too?"
        return "Is this the same person?" if len(sides) == 2 else "Are these the same person?"
    if kind is Kind.BELONGS:
        these = "this face" if len(asked.question.faces) == 1 else "these faces"
        verb = "Does" if len(asked.question.faces) == 1 else "Do"
        return f"{verb} {these} belong to {called(first)}?"
    if kind is Kind.TWO:
        return f"Are these two people? The first may not be {called(first)}."
    return "Does the photo show one person twice (a mirror, a collage, a screen)?"


def side_line(asked: Asked, place: int) -> str:
    """Return what is written above the faces of a side."""
    side, kind = asked.sides[place], asked.question.kind
    if kind in {Kind.BELONGS, Kind.TWO}:
        if place == 0:
            return "asked about" if kind is Kind.BELONGS else "one"
        return f"{called(side)}: {_many(side)}" if kind is Kind.BELONGS else "the other"
    if side.person is None:
        return "a face with nobody yet"
    return f"{called(side)}: {_many(side)}"


def _many(side: SideShown) -> str:
    since, until = side.since[:10], side.until[:10]
    days = since if since == until else f"{since} to {until}"
    many = f"{counted(side.faces, 'face')} on {counted(side.photos, 'photo')}"
    ignored = ", ignored" if side.ignored else ""
    return many + (f", {days}" if days else "") + ignored


def listed(asked: Asked) -> list[str]:
    """Return a line for everybody that a digit answers with."""
    lines = []
    for number, guess in enumerate(asked.question.guesses[:9], 1):
        name = visible(guess.name) if guess.name is not None else f"({guess.person})"
        ignored = ", ignored" if guess.ignored else ""
        lines.append(f"[{number}] {name} ({guess.chance:.0%} likely{ignored})")
    return lines


def how_far(progress: Progress) -> str:
    """Return how far the review has come, and about how long it still takes."""
    line = f"{progress.settled:,} of {counted(progress.total, 'face')} settled"
    if progress.answers_to_99 > 0:
        line += f"; about {counted(progress.answers_to_99, 'answer')} to 99 %"
    return line


# -- keys ------------------------------------------------------------------------------------------

_YES = {
    Kind.SAME: "yes",
    Kind.BELONGS: "yes, it is theirs",
    Kind.TWO: "yes, two people",
    Kind.MIRROR: "yes, one person twice",
}
_NO = {
    Kind.SAME: "no, somebody else",
    Kind.BELONGS: "no, it is not theirs",
    Kind.TWO: "no, one person",
    Kind.MIRROR: "no, two people",
}


def keys_of(asked: Asked) -> list[tuple[str, str]]:
    """Return every key that means something at a question, and what."""
    kind = asked.question.kind
    allowed = ALLOWED[kind]
    keys = []
    if Answer.YES in allowed:
        keys += [("y", _YES[kind]), ("n", _NO[kind])]
    if Answer.PERSON in allowed and asked.question.guesses:
        keys.append(("1-9", "one of the people listed"))
    if Answer.NAME in allowed:
        keys.append(("n" if Answer.NO not in allowed else "Enter", "type a name"))
    if items_of(asked):
        keys.append(("t", "take some out, by their numbers"))
    keys += [("?", "not sure"), ("s", "skip for now")]
    if Answer.IGNORE in allowed:
        keys.append(("i", "ignore"))
    if Answer.NOT_A_FACE in allowed:
        keys.append(("x", "not a face"))
    return [
        *keys,
        ("w", "whole photo"),
        ("u", "undo"),
        ("r", "redo"),
        ("h", "help"),
        ("q", "quit"),
    ]


def key_words(asked: Asked) -> list[str]:
    """Return the keys, each with what it means in few words."""
    return [f"{key} {what.partition(',')[0]}" for key, what in keys_of(asked)]


# -- whole photos ----------------------------------------------------------------------------------


def scene_lines(face: FaceShown, scene: Scene | None, others: list[str]) -> list[str]:
    """Return what is known of a photo: where, when, in which burst, and who else is on it."""
    lines = [visible(str(face.path)) + (" (missing)" if face.is_missing else "")]
    when = face.taken_at.replace("T", " ") or "no date"
    if face.seconds is not None:
        when += f", {face.seconds:.1f} s into the video"
    if scene is not None and scene.of > 1:
        when += f", {scene.place} of {scene.of} photos within seconds"
    lines.append(when)
    if others:
        lines.append(f"also here: {', '.join(others)}")
    if scene is None or scene.image is None:
        lines.append("The original cannot be read now.")
    return lines
