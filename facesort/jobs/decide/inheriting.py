"""Accepting for edited photos what was said of their originals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.domain import Verdict
from facesort.jobs.decide.confirming import confirm_each
from facesort.jobs.decide.faces import not_a_face
from facesort.jobs.decide.parting import reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facesort.catalog.connection import Database
    from facesort.jobs.scanning.inherit import Suggestion
    from facesort.jobs.showing.situation import Situation

__all__ = ["accept"]


def accept(db: Database, situation: Situation, suggested: Sequence[Suggestion]) -> list[int]:
    """Say of faces what was said of their other pictures: one decision for each kind of word.

    Args:
        db: the catalog.
        situation: with all of these faces and people.
        suggested: from `jobs.scanning.inherit.suggestions`, in this very situation.

    Returns:
        The numbers of the decisions.

    Raises:
        UsageError, DecisionConflict: see `confirm`, `reject` and `not_a_face`.
    """
    said = {
        verdict: [s for s in suggested if s.verdict is verdict]
        for verdict in (Verdict.CONFIRM, Verdict.REJECT, Verdict.NOT_A_FACE)
    }
    made = []
    if said[Verdict.CONFIRM]:
        wanted = [
            (situation.faces[s.like.face], situation.people.by_id[s.person])
            for s in said[Verdict.CONFIRM]
            if s.person is not None
        ]
        made.append(confirm_each(db, situation, wanted))
    if said[Verdict.REJECT]:
        faces = [situation.faces[s.like.face] for s in said[Verdict.REJECT]]
        made.append(reject(db, situation, faces))
    if said[Verdict.NOT_A_FACE]:
        faces = [situation.faces[s.like.face] for s in said[Verdict.NOT_A_FACE]]
        made.append(not_a_face(db, situation, faces))
    return [decided.decision for decided in made if decided.decision is not None]
