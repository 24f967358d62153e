"""What a review says: questions, people, keys. Everything is safe to print on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.cli.printable import visible
from facesort.cli.render import counted
from facesort.jobs.review import wording
from facesort.jobs.review.wording import Item, how_far, items_of
from facesort.review.questions import ALLOWED, Answer, Kind

if TYPE_CHECKING:
    from facesort.jobs.review.picturing import Scene
    from facesort.jobs.review.shown import Asked, FaceShown, PersonShown, SideShown

__all__ = [
    "ASKS_FACES",
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


# The first side of these is faces that are asked about, the second whose they may be.
ASKS_FACES = frozenset({Kind.BELONGS, Kind.ALSO, Kind.TWO})


def called(side: SideShown | PersonShown) -> str:
    """Return what somebody is called."""
    if side.name is not None:
        return visible(side.name)
    who = side.person if hasattr(side, "person") else side.id
    return "nobody yet" if who is None else f"({who})"


def headline(asked: Asked) -> str:
    """Return the question as a sentence; people without a name are known by their faces."""
    return wording.headline(
        asked, lambda side: "this person" if side.name is None else visible(side.name)
    )


def side_line(asked: Asked, place: int) -> str:
    """Return what is written above the faces of a side."""
    side, kind = asked.sides[place], asked.question.kind
    if kind in ASKS_FACES and place == 0:
        return {Kind.BELONGS: "asked about", Kind.ALSO: "with nobody so far"}.get(kind, "one")
    if kind is Kind.TWO:
        return "the other"
    if side.person is None:
        return "a face with nobody yet"
    # People are known by their faces: an id comes last, for those who want to type it.
    return f"{called(side)}: {_many(side)}" if side.name else f"{_many(side)} {called(side)}"


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


# -- keys ------------------------------------------------------------------------------------------

_YES = {
    Kind.SAME: "yes",
    Kind.BELONGS: "yes, it is theirs",
    Kind.ALSO: "yes, they are",
    Kind.TWO: "yes, two people",
    Kind.MIRROR: "yes, one person twice",
}
_NO = {
    Kind.SAME: "no, somebody else",
    Kind.BELONGS: "no, it is not theirs",
    Kind.ALSO: "no, somebody else",
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


# What can be left out where there is little room: h lists it.
_RARE = frozenset("wurx")


def key_words(asked: Asked, *, few: bool = False) -> list[str]:
    """Return the keys, each with what it means in few words; or only those most wanted."""
    return [
        f"{key} {what.partition(',')[0]}"
        for key, what in keys_of(asked)
        if not (few and key in _RARE)
    ]


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
