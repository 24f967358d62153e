"""Grouping the stored faces: snapshot, compute, publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.catalog import decisions, people
from facesort.catalog import photos as catalog
from facesort.jobs.grouping.due import wants_regroup
from facesort.jobs.grouping.job import GroupJob
from facesort.jobs.grouping.options import GroupOptions

if TYPE_CHECKING:
    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, PersonId
    from facesort.grouping.chosen import ThresholdEvidence
    from facesort.inference.card import ModelCard
    from facesort.protocols import Progress

__all__ = ["GroupReport", "group_faces", "grouped_anew"]

# How often a grouping is computed anew because the user decided something meanwhile; the last time
# it is computed while decisions wait.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What a grouping found.

    Args:
        people: identities with at least one face.
        faces: that were grouped, now or before.
        unassigned: poor faces that nobody is close enough to, and what the user called no face.
        new: faces that had not been grouped before; None when all were grouped anew.
        repeats: pairs of faces by which a photo seems to show one person twice; kept apart.
        method: one of METHODS.
        threshold: which cosine joined, and why that one.
    """

    people: int
    faces: int
    unassigned: int
    new: int | None
    repeats: int
    method: str
    threshold: ThresholdEvidence


def group_faces(
    db: Database,
    card: ModelCard,
    options: GroupOptions,
    *,
    everything: bool,
    min_face: int,
    progress: Progress,
) -> GroupReport:
    """Group faces and publish the result in one transaction.

    Decisions made while it computes are not lost: the grouping is computed again with them.

    Args:
        db: the catalog.
        card: of the embedder in use.
        options: how to group.
        everything: group all faces from nothing: a function of faces, decisions and options only.
            Otherwise new faces join who is there, where an earlier grouping was made in the same
            way.
        min_face: smaller faces do not count.
        progress: is told.

    Raises:
        UsageError: no such method, or an option is out of range.
    """
    progress.start("Grouping faces", None)
    try:
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            with db.transaction() if last else db.snapshot():
                state = _state(db)
                # Asked each time: an undo meanwhile may have made everything necessary.
                all_faces = everything or not _can_add(db, card, options)
                job = GroupJob(db, card, options, min_face, everything=all_faces)
                result = job.compute()
                if last:
                    job.publish(result)
            if last:
                break
            with db.transaction():
                if _state(db) == state:
                    job.publish(result)
                    break
    finally:
        progress.finish()
    return GroupReport(
        result.people,
        people.count_assigned(db) + people.count_unassigned(db),
        people.count_unassigned(db),
        None if job.everything else job.new_faces,
        len(people.repeats(db)),
        options.method,
        job.evidence(result),
    )


def grouped_anew(
    db: Database, card: ModelCard, options: GroupOptions, *, min_face: int
) -> dict[FaceId, PersonId]:
    """Group everything and return who would be whose; nothing is stored. Inside a snapshot."""
    job = GroupJob(db, card, options, min_face, everything=True)
    return dict(job.compute().owners)


def _can_add(db: Database, card: ModelCard, options: GroupOptions) -> bool:
    """Whether the last grouping was made in the same way, and nothing that shaped it was undone."""
    return (
        options.method == "linkage"
        and not wants_regroup(db)
        and db.meta("grouped_model") == card.model_key
        and db.meta("group_options") == options.to_meta()
    )


def _state(db: Database) -> tuple[int, int]:
    return decisions.last_id(db), catalog.generation(db)
