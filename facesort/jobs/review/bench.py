"""The benchmark of questions: `bench review`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from facesort.catalog import places, vectors
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

__all__ = ["bench_review"]


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
    """Review the people of a library, as they are grouped now, with answers from a truth.

    Nothing is written: names that the library has do not count, and no answer is kept. Call it
    inside a snapshot of tables that are up to date.

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
    situation, photos = read_situation(db, min_face=min_face), places.photos(db)
    ids = tuple(situation.faces)
    names, lost = _truth_of(truth, situation, photos)
    found, _ = vectors.aligned(db, card.model_key, ids)
    crowd, chances = read_crowd(db, card, min_face=min_face)
    # Nothing has been said yet.
    crowd = replace(crowd, names={}, ignored=frozenset(), different=(), doubts=())
    progress.note(f"Reviewing {len(ids):,} faces of {len(crowd.people):,} people in memory.")
    return judge_review(
        LabelledFaces(
            found,
            [situation.people.owners[face] for face in ids],
            [names.get(face) for face in ids],
            lost,
        ),
        queue_order(crowd, chances, ids),
        mistakes=mistakes,
        seeds=range(seeds),
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
