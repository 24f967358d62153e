"""What is said about whole people: the same, different, not of interest."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from facesort.catalog import decisions
from facesort.domain import DecisionFace, FaceRole, Verdict
from facesort.errors import UsageError
from facesort.jobs.decide.conflicts import (
    declared_different,
    refuse_different,
    refuse_names,
    refuse_rejections,
    refuse_same,
    refuse_twice_on_a_photo,
    rejected_between,
)
from facesort.jobs.decide.voicing import Earlier, beneath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.domain import Person
    from facesort.jobs.showing.situation import Situation

__all__ = ["different", "ignore", "merge"]


def merge(
    db: Database,
    situation: Situation,
    persons: Sequence[Person],
    *,
    keep_first_name: bool = False,
    anyway: bool = False,
) -> int:
    """Make several people one; the first survives, and its name, or else the first name among them.

    Args:
        db: the catalog.
        situation: who is who.
        persons: the survivor first.
        keep_first_name: also when they have different names.
        anyway: also against what was said before; this is the later word.

    Raises:
        UsageError: fewer than two different people.
        DecisionConflict: two have different names, were declared different, have a face that was
            rejected from the other, or a confirmed face each on one photo.
    """
    distinct = _two_or_more(persons)
    earlier = Earlier(situation)
    if not anyway:
        if not keep_first_name:
            refuse_names(situation, distinct)
        refuse_different(situation, distinct)
        refuse_rejections(situation, earlier, distinct)
        refuse_twice_on_a_photo(situation, earlier, distinct)
    # What was rejected between them before is confirmed now: without that, it would go on keeping
    # the faces out.
    said = [
        DecisionFace(earlier.anchor(face), identity, FaceRole.CONFIRMED)
        for face, _, _ in rejected_between(situation, earlier, distinct)
        if (identity := situation.people.identities[face]) is not None
    ]
    return decisions.append(
        db,
        Verdict.MERGE,
        people=tuple(person.id for person in distinct),
        faces=said,
        votes=situation.ballots(distinct),
    )


def _two_or_more(persons: Sequence[Person]) -> list[Person]:
    """Return the people, each once.

    Raises:
        UsageError: there is only one.
    """
    distinct = list({person.id: person for person in persons}.values())
    if len(distinct) < 2:
        raise UsageError(
            f"{persons[0].id} cannot be merged with itself"
            if len(persons) > 1
            else f"merging takes two people, and only {persons[0].id} was given",
            hint="For example: facesort merge Anna p8w2m4cd",
        )
    return distinct


def different(
    db: Database, situation: Situation, persons: Sequence[Person], *, given: Sequence[str]
) -> int | None:
    """Say that people are different: no grouping joins them, and `merge` explains.

    Args:
        db: the catalog.
        situation: who is who.
        persons: as shown.
        given: the reference that led to each.

    Returns:
        The decision's number; None when every two of them had been declared different before.

    Raises:
        UsageError: fewer than two people.
        DecisionConflict: two of them are one person, by a merge or by the last grouping.
    """
    distinct = list({person.id: person for person in persons}.values())
    if len(persons) < 2:
        raise UsageError(
            f"two people are different, and only {persons[0].id} was given",
            hint="For example: facesort different Anna p8w2m4cd",
        )
    if len(distinct) < len(persons):
        meant = [beneath(*pair) for pair in zip(persons, given, strict=True)]
        refuse_same(situation, persons, meant)
    if all(declared_different(situation, a, b) for a, b in combinations(distinct, 2)):
        return None
    return decisions.append(
        db,
        Verdict.DIFFERENT,
        people=tuple(person.id for person in distinct),
        # Who is who now is recorded: faces that are claimed for two people stay apart.
        votes=situation.ballots(distinct),
    )


def ignore(db: Database, situation: Situation, persons: Sequence[Person]) -> int:
    """Stop showing people; their future faces go to them and stay out of sight too."""
    distinct = list({person.id: person for person in persons}.values())
    return decisions.append(
        db,
        Verdict.IGNORE,
        people=tuple(person.id for person in distinct),
        votes=situation.ballots(distinct),
    )
