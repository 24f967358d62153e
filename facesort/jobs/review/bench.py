"""The benchmark of questions: `bench review`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facesort.catalog import doubts, places, vectors
from facesort.domain import Verdict
from facesort.errors import UsageError
from facesort.evaluation.review import LabelledFaces, ReviewCosts, judge_review
from facesort.jobs.benches.bench import labelled_faces
from facesort.jobs.review.oracle import queue_order
from facesort.jobs.review.reading import read_crowd
from facesort.jobs.showing.situation import read_situation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, Photo, PhotoId
    from facesort.inference.card import ModelCard
    from facesort.jobs.showing.situation import Situation
    from facesort.protocols import Progress
    from facesort.review.chances import Chances
    from facesort.review.crowd import Crowd

__all__ = ["Start", "bench_review", "read_start"]

_NOT_WITH_WHOM = frozenset({Verdict.NAME, Verdict.IGNORE, Verdict.COVER})


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A library as its review starts, nobody named.

    Args:
        faces: all of the library, and whose they are.
        ids: of the rows of `faces`.
        crowd: its people, nobody named.
        chances: what likenesses mean in it.
        said: see `ReviewCosts`.
    """

    faces: LabelledFaces
    ids: tuple[FaceId, ...]
    crowd: Crowd
    chances: Chances
    said: int = 0


def bench_review(
    truth: Path,
    db: Database,
    card: ModelCard,
    *,
    min_face: int,
    mistakes: float = 0.0,
    seeds: int = 5,
    progress: Progress,
) -> ReviewCosts:
    """Review the people of a library, as they are now, with answers from a truth.

    Names and ignored people do not count, and what was kept apart, not sure or denied is asked
    again. What was said about who is with whom counts: it is in the people now. The result tells
    how often that was said.

    Nothing is written, no answer is kept. Call it inside a snapshot of tables that are up to date.

    Args:
        truth: a CSV file, or a folder whose subfolders are people.
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.
        mistakes: share of wrong answers, 0..1.
        seeds: with mistakes, how often each order is reviewed.
        progress: is told what is going on.

    Raises:
        UsageError: the truth cannot be read, or the library knows none of its photos.
    """
    start = read_start(truth, db, card, min_face=min_face)
    progress.note(
        f"Reviewing {len(start.ids):,} faces of {len(start.crowd.people):,} people in memory."
    )
    costs = judge_review(
        start.faces,
        queue_order(start.crowd, start.chances, start.ids),
        mistakes=mistakes,
        seeds=range(seeds),
    )
    return replace(costs, said=start.said)


def read_start(truth: Path, db: Database, card: ModelCard, *, min_face: int) -> Start:
    """Read what a review starts with; as for `bench_review`.

    The crowd reads vectors of single faces when they are asked for: leave the catalog open.
    """
    situation, photos = read_situation(db, min_face=min_face), places.photos(db)
    ids = tuple(situation.faces)
    names, lost = _truth_of(truth, situation, photos)
    found, _ = vectors.aligned(db, card.model_key, ids)
    crowd, chances = read_crowd(db, card, min_face=min_face)
    loose = crowd.loose and replace(crowd.loose, denied={})
    owners = [situation.people.owners[face] for face in ids]
    return Start(
        LabelledFaces(found, owners, [names.get(face) for face in ids], lost),
        ids,
        replace(crowd, names={}, ignored=frozenset(), different=(), doubts=(), loose=loose),
        chances,
        sum(one.verdict not in _NOT_WITH_WHOM for one in situation.history.active)
        + sum(doubt.answer == "no" for doubt in doubts.standing(db)),
    )


def _truth_of(
    truth: Path, situation: Situation, photos: Mapping[PhotoId, Photo]
) -> tuple[dict[FaceId, str], list[str]]:
    """Return whose faces are, and the names of the rows whose face was not found."""
    rows = labelled_faces(truth, situation.faces.values(), photos)
    known = {place.path for photo in photos.values() for place in photo.places}
    if known.isdisjoint(row.photo for row, _ in rows):
        raise UsageError(
            f"this library has none of the photos of {truth}",
            hint="Scan them first, or name their library with --library.",
        )
    names: dict[FaceId, str] = {}
    lost: list[str] = []
    for row, face in rows:
        # A face that two rows give to two people is one's; the other's has not been found.
        if face is None or names.setdefault(face, row.person) != row.person:
            lost.append(row.person)
    return names, lost
