"""People, and what the user says about them."""

from __future__ import annotations

import re
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
    "tidy_name",
]

# Of no width in any script, or there to turn text round: in a name they come from pasting, and make
# two of what looks like one. Joiners (U+200C, U+200D) are left: Persian, Indic names and emoji need
# them.
_UNSEEN = dict.fromkeys(
    [
        *(0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
    ]
)

_JOINERS = dict.fromkeys([0x200C, 0x200D])

_BREAKS = "\n\r\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"

# Blanks of any width, but no line breaks.
_BLANKS = re.compile(f"[^\\S{_BREAKS}]+")

_EDGES = " " + _BREAKS + "".join(map(chr, _JOINERS))


def tidy_name(name: str) -> str:
    """Return a name without what cannot be seen: Unicode NFC, single blanks, none around it."""
    seen = unicodedata.normalize("NFC", name.translate(_UNSEEN))
    return _BLANKS.sub(" ", seen).strip(_EDGES)


def comparable_name(name: str) -> str:
    """Return the form in which two names are the same to a person.

    Letter case, what cannot be seen, and how wide and how many blanks are make no difference.
    """
    return tidy_name(name.translate(_JOINERS)).casefold()


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
