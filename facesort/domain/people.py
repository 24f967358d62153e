"""People, and what the user says about them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.domain.keys import FaceId, PersonId
    from facesort.domain.pictures import Anchor

__all__ = [
    "Decision",
    "DecisionFace",
    "FaceRole",
    "FaceStatus",
    "Person",
    "Verdict",
    "comparable_name",
]


def comparable_name(name: str) -> str:
    """Return the form in which two names are the same to a person: letter case aside."""
    return unicodedata.normalize("NFC", name).casefold()


class FaceStatus(StrEnum):
    """How a face stands to its person."""

    CONFIRMED = "confirmed"
    AUTOMATIC = "automatic"
    UNASSIGNED = "unassigned"
    IGNORED = "ignored"
    NOT_A_FACE = "not-a-face"


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the user sees them: clusters plus decisions.

    Args:
        id: short hash of the founding anchor; kept for ever.
        name: a label, not unique, or None.
        faces: best first.
        photos: number of distinct photos.
        cover: the face that stands for the person, or None when no face is left.
        confirmed: how many of the faces the user has confirmed.
        ignored: the user asked not to be shown this person.
        aliases: ids of people that were merged into this one.
    """

    id: PersonId
    name: str | None
    faces: tuple[FaceId, ...]
    photos: int
    cover: FaceId | None
    confirmed: int
    ignored: bool = False
    aliases: tuple[PersonId, ...] = ()


class Verdict(StrEnum):
    """What the user said. The catalog accepts every one of these from its first schema on."""

    NAME = "name"
    MERGE = "merge"
    SPLIT = "split"
    REJECT = "reject"
    CONFIRM = "confirm"
    IGNORE = "ignore"
    NOT_A_FACE = "not-a-face"
    COVER = "cover"
    SAME = "same"
    DIFFERENT = "different"
    UNDO = "undo"
    REDO = "redo"


class FaceRole(StrEnum):
    """What a decision says about one face."""

    VOTE = "vote"  # was there; stays automatic
    CONFIRMED = "confirmed"  # never moves by itself
    REJECTED = "rejected"  # is not this person
    COVER = "cover"
    NOT_A_FACE = "not-a-face"


@dataclass(frozen=True, slots=True)
class DecisionFace:
    """One face that a decision speaks about, and for which person."""

    anchor: Anchor
    person: PersonId
    role: FaceRole


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the append-only log.

    Args:
        id: grows by one with every decision.
        made_at: ISO 8601, UTC.
        verdict: what was said.
        people: the people spoken of; the first is the subject (a merge's survivor).
        name: for `name`: the label. None when it has been erased (`forget`) or does not apply.
        faces: the faces spoken of.
        target: for `undo` and `redo`: the decision taken back or brought back.
    """

    id: int
    made_at: str
    verdict: Verdict
    people: tuple[PersonId, ...] = ()
    name: str | None = None
    faces: tuple[DecisionFace, ...] = ()
    target: int | None = None
