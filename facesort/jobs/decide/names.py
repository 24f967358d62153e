"""Giving somebody a name: a label that links nobody, unless the user says it is the same person."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import PersonId, Verdict, tidy_name
from facesort.errors import NameTaken, UsageError
from facesort.jobs.decide.people import merge
from facesort.jobs.decide.voicing import told

if TYPE_CHECKING:
    from facesort.catalog.connection import Database
    from facesort.domain import Person
    from facesort.jobs.showing.situation import Situation

__all__ = ["Naming", "clean_name", "name", "refuse_id"]

_MAX_NAME = 200

# Letters and a symbol that are drawn as nothing.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def clean_name(text: str) -> str:
    """Return a name as it is stored: one line, Unicode NFC, single blanks; see `tidy_name`.

    Raises:
        UsageError: nothing of it can be seen, it is too long, or it has control characters.
    """
    cleaned = tidy_name(text)
    if all(_is_unseen(c) for c in cleaned):
        raise UsageError("a name cannot be empty", hint='For example: facesort name p3k9 "Anna"')
    if len(cleaned) > _MAX_NAME:
        raise UsageError(f"a name of {len(cleaned)} characters is too long (at most {_MAX_NAME})")
    # Cc: control, Zl and Zp: line breaks, Cs: half of a broken character. None can be shown.
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in cleaned):
        raise UsageError("a name cannot hold line breaks or other control characters")
    return cleaned


def _is_unseen(letter: str) -> bool:
    # Mn: accents, and marks that choose how the letter before them is drawn; of nothing they are
    # nothing. Control characters have a refusal of their own.
    return letter in _BLANK_LETTERS or unicodedata.category(letter) in {"Cf", "Mn", "Me", "Zs"}


def refuse_id(situation: Situation, name: str) -> None:
    """Refuse to call anybody by what is somebody's id: commands would mean that one.

    Args:
        situation: who is who.
        name: a clean one.

    Raises:
        UsageError: it is one.
    """
    if PersonId(name.lower()) in situation.existing:
        raise UsageError(
            f"a name cannot be {name!r}: that is the id of a person",
            hint=f"If that is who it is, say so: facesort merge {name.lower()} ID",
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """What came of naming somebody.

    Args:
        decision: its number in the log; None when that is the person's name already.
        person: as they were before.
        name: as it was stored.
        joined: the person they were joined with because the user said it is the same one.
        notes: sentences about earlier decisions that this one takes the place of.
    """

    decision: int | None
    person: Person
    name: str
    joined: Person | None = None
    notes: tuple[str, ...] = ()


def name(
    db: Database, situation: Situation, person: Person, text: str, *, same: bool | None
) -> Naming:
    """Give a person a name.

    Args:
        db: the catalog.
        situation: who is who.
        person: to be named.
        text: the name.
        same: when somebody else has that name: True makes the two one person, False makes them two
            of one name, None asks. Nobody asks when the person to be named has that name already.

    Raises:
        NameTaken: somebody else has that name and `same` is None; or several do, and it is True.
        UsageError: not a name, or somebody's id.
    """
    cleaned = clean_name(text)
    others = [p for p in situation.called(cleaned) if p.id != person.id]
    has_it = person.name == cleaned and not person.ignored
    if has_it and not (others and same):
        return Naming(None, person, cleaned)
    refuse_id(situation, cleaned)
    if others and (same is None or (same and len(others) > 1)):
        who = ", ".join(f"{p.id} ({p.photos} photos)" for p in others)
        raise NameTaken(
            f"{cleaned!r} is already the name of {who}",
            hint="Is it the same person? Add --same, or --another for a second one of that name."
            if len(others) == 1
            else f"Say which one: facesort merge ID {person.id}, or add --another.",
            several=len(others) > 1,
        )
    if others and same:
        # "The same person" is an answer about any name given before, too.
        number = merge(db, situation, [others[0], person], keep_first_name=True)
        return Naming(number, person, cleaned, others[0])
    number = decisions.append(
        db,
        Verdict.NAME,
        people=(person.id,),
        name=cleaned,
        votes=situation.ballots([person]),
    )
    return Naming(number, person, cleaned, notes=_no_longer_ignored(situation, person))


def _no_longer_ignored(situation: Situation, person: Person) -> tuple[str, ...]:
    if not person.ignored:
        return ()
    ignoring = [
        decision
        for decision in situation.history.active
        if decision.verdict is Verdict.IGNORE
        and any(situation.standing.survivor(p) == person.id for p in decision.people)
    ]
    by = f" ({told(ignoring[-1])})" if ignoring else ""
    return (f"{person.id} was ignored{by}; whoever has a name is shown.",)
