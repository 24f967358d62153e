"""Grouping the stored faces: snapshot, compute, publish."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import decisions, people, vectors
from facesort.catalog import photos as catalog
from facesort.domain import FaceColumns
from facesort.grouping.calibration import Calibration, MergeRule, merge_rule
from facesort.grouping.regroup import Grouping, check_method, regroup
from facesort.grouping.standing import replay, standing
from facesort.search.exact import ExactNeighbours

if TYPE_CHECKING:
    from facesort.catalog.connection import Database
    from facesort.inference.card import ModelCard
    from facesort.protocols import Progress

__all__ = ["GroupOptions", "GroupReport", "group_faces", "needs_grouping", "wants_regroup"]

# How often a grouping is computed anew because the user decided something meanwhile; the last time
# it is computed while decisions wait.
_TRIES = 3

# Two strangers on one photo are so much alike once in a million times: it shows one person twice.
_REPEAT_RATE = 1e-6


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How to group; None in all three numbers means the default rule."""

    method: str = "linkage"
    wrong_merges: float | None = None
    false_match_rate: float | None = None
    min_cosine: float | None = None

    def to_meta(self) -> str:
        """Return the form that is stored with the library, so that later scans group alike."""
        return json.dumps(
            {
                "method": self.method,
                "wrong_merges": self.wrong_merges,
                "false_match_rate": self.false_match_rate,
                "min_cosine": self.min_cosine,
            }
        )

    @classmethod
    def from_meta(cls, text: str) -> GroupOptions:
        """Read the stored form; '' gives the defaults."""
        return cls(**json.loads(text)) if text else cls()


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What a grouping found.

    Args:
        people: identities with at least one face.
        faces: faces that were grouped.
        unassigned: poor faces that nobody is close enough to.
        min_cosine: the cosine above which two single faces were joined.
        method: one of METHODS.
        rule: the rule in words.
    """

    people: int
    faces: int
    unassigned: int
    min_cosine: float
    method: str
    rule: str


def needs_grouping(db: Database) -> bool:
    """Whether faces changed since the last grouping, or an undo asked for a new one."""
    return db.meta("grouped_generation") != str(catalog.generation(db)) or wants_regroup(db)


def wants_regroup(db: Database) -> bool:
    """Whether what was undone or redone had shaped the last grouping."""
    return db.meta("regroup") == "1"


def group_faces(
    db: Database,
    card: ModelCard,
    options: GroupOptions,
    *,
    min_face: int,
    progress: Progress,
) -> GroupReport:
    """Group all faces and publish the result in one transaction.

    Decisions made while it computes are not lost: the grouping is computed again with them.

    Raises:
        UsageError: no such method, or an option is out of range.
    """
    check_method(options.method)
    rule = merge_rule(
        _calibration(card),
        wrong_merges=options.wrong_merges,
        false_match_rate=options.false_match_rate,
        min_cosine=options.min_cosine,
    )
    progress.start("Grouping faces", None)
    try:
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            with db.transaction() if last else db.snapshot():
                state = _state(db)
                grouping, faces = _compute(db, card, rule, options.method, min_face)
                if last:
                    _publish(db, grouping, options)
            if last:
                break
            with db.transaction():
                if _state(db) == state:
                    _publish(db, grouping, options)
                    break
    finally:
        progress.finish()
    return GroupReport(
        grouping.people,
        faces,
        faces - len(grouping.owners),
        grouping.min_cosine,
        options.method,
        _in_words(options),
    )


def _calibration(card: ModelCard) -> Calibration | None:
    return Calibration.from_card(card.calibration) if card.calibration else None


def _state(db: Database) -> tuple[int, int]:
    return decisions.last_id(db), catalog.generation(db)


def _compute(
    db: Database, card: ModelCard, rule: MergeRule, method: str, min_face: int
) -> tuple[Grouping, int]:
    calibration = _calibration(card)
    faces = catalog.faces(db, min_face=min_face)
    stands = standing(replay(decisions.log(db)))
    # An id may go to the cluster of the face that founded it again, unless the user spoke of it.
    idle = people.existing(db) - stands.spoken_of()
    known = people.existing(db) - idle
    grouping = regroup(
        FaceColumns.of(faces),
        vectors.matrix(db, card.model_key),
        stands,
        people.assignments(db),
        rule=rule,
        min_quality=float(str(card.quality.get("min_quality", 0.0))),
        method=method,
        repeat_cosine=calibration.min_cosine(_REPEAT_RATE) if calibration else None,
        make_index=ExactNeighbours,
        person_exists=known.__contains__,
    )
    return grouping, len(faces)


def _publish(db: Database, grouping: Grouping, options: GroupOptions) -> None:
    for person, anchor in grouping.new_people.items():
        people.found(db, person, anchor)
    people.publish(db, grouping.owners)
    db.set_meta("grouped_generation", str(catalog.generation(db)))
    db.set_meta("grouped_decision", str(decisions.last_id(db)))
    db.set_meta("regroup", "0")
    db.set_meta("group_options", options.to_meta())
    db.set_meta("threshold", repr(grouping.min_cosine))


def _in_words(options: GroupOptions) -> str:
    if options.min_cosine is not None:
        return f"mean cosine {options.min_cosine:g}"
    if options.false_match_rate is not None:
        return f"false match rate {options.false_match_rate:g}"
    from facesort.grouping.calibration import DEFAULT_WRONG_MERGES  # noqa: PLC0415

    wrong = DEFAULT_WRONG_MERGES if options.wrong_merges is None else options.wrong_merges
    return f"{wrong:g} expected wrong merges per 1,000 people"
