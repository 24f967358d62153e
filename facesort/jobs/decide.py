"""What the user says, checked against what they said before, and appended to the log.

Every function runs inside the caller's transaction, so that the situation it judges by is the one
the decision lands in.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import decisions, people
from facesort.domain import DecisionFace, FaceRole, PersonId, Verdict
from facesort.errors import DecisionConflict, NameTaken, UnknownPerson, UsageError
from facesort.grouping.identity import unused_person

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Decision, Face, FaceId, Person
    from facesort.jobs.situation import Situation

__all__ = ["Naming", "clean_name", "ignore", "merge", "name", "redo", "reject", "undo"]

_MAX_NAME = 200


def clean_name(text: str) -> str:
    """Return a name as it is stored: one line, Unicode NFC, no space around.

    Raises:
        UsageError: empty, too long, or with control characters.
    """
    cleaned = unicodedata.normalize("NFC", text).strip()
    if not cleaned:
        raise UsageError("a name cannot be empty", hint='For example: facesort name p3k9 "Anna"')
    if len(cleaned) > _MAX_NAME:
        raise UsageError(f"a name of {len(cleaned)} characters is too long (at most {_MAX_NAME})")
    # Cc: control, Cs: half of a broken character. Neither can be shown or stored.
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in cleaned):
        raise UsageError("a name cannot hold line breaks or other control characters")
    return cleaned


def _votes(situation: Situation, faces: Iterable[FaceId]) -> list[DecisionFace]:
    """Record who was there: each face for the identity it has beneath any merge."""
    votes = []
    for face in faces:
        identity = situation.people.identities[face]
        if identity is not None:
            votes.append(DecisionFace(situation.faces[face].anchor, identity, FaceRole.VOTE))
    return votes


@dataclass(frozen=True, slots=True)
class Naming:
    """What came of naming somebody.

    Args:
        decision: its number in the log.
        person: as they were before.
        name: as it was stored.
        joined: the person they were joined with because the user said it is the same one.
    """

    decision: int
    person: Person
    name: str
    joined: Person | None = None


def name(
    db: Database, situation: Situation, person: Person, text: str, *, same: bool | None
) -> Naming:
    """Give a person a name: a label that links nobody, unless the user says it is the same person.

    Args:
        db: the catalog.
        situation: who is who.
        person: to be named.
        text: the name.
        same: when somebody else has that name: True makes the two one person, False makes them two
            of one name, None asks.

    Raises:
        NameTaken: somebody else has that name and `same` is None; or several do, and it is True.
        UsageError: not a name.
    """
    cleaned = clean_name(text)
    others = [p for p in situation.called(cleaned) if p.id != person.id]
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
        faces=_votes(situation, person.faces),
    )
    return Naming(number, person, cleaned)


def merge(
    db: Database, situation: Situation, persons: Sequence[Person], *, keep_first_name: bool
) -> int:
    """Make several people one; the first survives, and its name, or else the first name among them.

    Raises:
        UsageError: fewer than two different people.
        DecisionConflict: two have different names (unless `keep_first_name`), or a face of one was
            rejected from another.
    """
    distinct = list({person.id: person for person in persons}.values())
    if len(distinct) < 2:
        raise UsageError(
            f"{persons[0].id} cannot be merged with itself"
            if len(persons) > 1
            else f"merging takes two people, and only {persons[0].id} was given",
            hint="For example: facesort merge Anna p8w2m4cd",
        )
    named = [person for person in distinct if person.name is not None]
    if len({person.name for person in named}) > 1 and not keep_first_name:
        _refuse_names(situation, named)
    _refuse_rejections(situation, distinct)
    faces = [face for person in distinct for face in person.faces]
    return decisions.append(
        db,
        Verdict.MERGE,
        people=tuple(person.id for person in distinct),
        faces=_votes(situation, faces),
    )


def _refuse_names(situation: Situation, named: Sequence[Person]) -> None:
    told = " and ".join(
        f"{p.id} {p.name!r} (decision {situation.people.named_at[p.id]})" for p in named
    )
    raise DecisionConflict(
        f"you gave these people different names: {told}",
        hint=f"If they are one person after all, all become {named[0].name!r} with: "
        f"facesort merge {' '.join(p.id for p in named)} --yes",
    )


def _refuse_rejections(situation: Situation, persons: Sequence[Person]) -> None:
    groups = {p.id: {p.id, *p.aliases} for p in persons}
    for person in persons:
        for face in person.faces:
            rejected = situation.standing.rejected.get(situation.faces[face].anchor, {})
            for other in persons:
                hit = sorted(rejected[p] for p in groups[other.id] if p in rejected)
                if hit and other.id != person.id:
                    raise DecisionConflict(
                        f"face {face} of {person.id} was rejected from {other.id} "
                        f"(decision {hit[0]})",
                        hint=f"Take that back first: facesort undo --decision {hit[0]}",
                    )


def reject(db: Database, situation: Situation, faces: Sequence[Face]) -> int:
    """Say that faces are not the person they are with; each becomes a person of its own.

    Raises:
        UsageError: a face is with nobody, or is all there is of an unnamed person.
    """
    said: list[DecisionFace] = []
    rejected = {face.id for face in faces}
    left = set(situation.existing)
    touched: dict[PersonId, Person] = {}
    for face in dict.fromkeys(face.id for face in faces):
        anchor = situation.faces[face].anchor
        owner = situation.people.owners[face]
        if owner is None:
            raise UsageError(f"face {face} is not with anybody", hint="There is nothing to reject.")
        person = situation.people.by_id[owner]
        if person.name is None and not set(person.faces) - rejected:
            raise UsageError(
                f"{person.id} has no other face than {face}",
                hint=f"To stop seeing this person: facesort ignore {person.id}",
            )
        touched[owner] = person
        # The person as shown, not the identity beneath: while a merge stands, all of it is meant;
        # once a wrong merge is taken back, the face is free to be who it was before.
        said.append(DecisionFace(anchor, owner, FaceRole.REJECTED))
        own = unused_person(anchor, left.__contains__)
        left.add(own)
        people.found(db, own, anchor)
        said.append(DecisionFace(anchor, own, FaceRole.VOTE))
    for person in touched.values():
        # Who stays is recorded, so that "not this person" means something after a re-grouping.
        said += _votes(situation, [face for face in person.faces if face not in rejected])
    return decisions.append(db, Verdict.REJECT, people=tuple(touched), faces=said)


def ignore(db: Database, situation: Situation, persons: Sequence[Person]) -> int:
    """Stop showing people; their future faces go to them and stay out of sight too."""
    distinct = list({person.id: person for person in persons}.values())
    faces = [face for person in distinct for face in person.faces]
    return decisions.append(
        db,
        Verdict.IGNORE,
        people=tuple(person.id for person in distinct),
        faces=_votes(situation, faces),
    )


def undo(db: Database, situation: Situation, count: int, decision: int | None) -> list[Decision]:
    """Take back the last decisions that stand, or one particular one; see `group.wants_regroup`.

    Raises:
        UnknownPerson: there is no decision of that number.
        DecisionConflict: it does not stand any more.
    """
    active = situation.history.active
    if decision is None:
        chosen = list(reversed(active[-count:])) if count > 0 else []
    else:
        chosen = [entry for entry in active if entry.id == decision]
        if not chosen:
            _refuse_target(db, situation, decision)
    for entry in chosen:
        decisions.append(db, Verdict.UNDO, target=entry.id)
    _mark_regroup(db, chosen)
    return chosen


def redo(db: Database, situation: Situation, count: int) -> list[Decision]:
    """Bring back what was undone last; see `group.wants_regroup`."""
    chosen = list(reversed(situation.history.undone[-count:])) if count > 0 else []
    for entry in chosen:
        decisions.append(db, Verdict.REDO, target=entry.id)
    _mark_regroup(db, chosen)
    return chosen


def _mark_regroup(db: Database, changed: list[Decision]) -> None:
    # What was decided before the last grouping shaped it: only a new one takes that back.
    grouped = int(db.meta("grouped_decision", "0"))
    if any(decision.id <= grouped for decision in changed):
        db.set_meta("regroup", "1")


def _refuse_target(db: Database, situation: Situation, decision: int) -> None:
    if any(entry.id == decision for entry in situation.history.undone):
        raise DecisionConflict(
            f"decision {decision} is already undone", hint="To bring it back: facesort redo"
        )
    if 0 < decision <= decisions.last_id(db):
        raise DecisionConflict(
            f"decision {decision} does not stand any more, or is itself an undo",
            hint="facesort log shows what stands.",
        )
    raise UnknownPerson(f"there is no decision {decision}", hint="facesort log lists them.")
