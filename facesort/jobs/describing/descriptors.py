"""What stands for each person, kept in the catalog: made when it is missing, used when it is there.

`describe_people` makes what is missing before and after a grouping; whoever reads makes the rest,
and stores it where that is possible. The catalog throws away what is not right any more
(`catalog.schema_6`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import descriptors, shown
from facesort.errors import LibraryLocked, LibraryUnwritable
from facesort.jobs.describing.aggregating import library_aggregator
from facesort.jobs.describing.coreset_rule import rule_key
from facesort.jobs.describing.making import make
from facesort.jobs.showing.shown import ensure_fresh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from facesort.catalog.connection import Database
    from facesort.catalog.descriptors import DescriptorRow, Descriptors
    from facesort.domain import PersonId
    from facesort.inference.card import ModelCard
    from facesort.protocols import Progress

__all__ = ["Made", "describe_people", "make_missing", "read_everybody", "store"]

# Faces whose vectors are in memory at a time. A million faces of 80,000 people take 21 such pieces.
_FACES_AT_ONCE = 50_000

# More faces than that take long enough to say so.
_WORTH_TELLING = 100_000


@dataclass(frozen=True, slots=True)
class Made:
    """Descriptors that were made at one moment; `store` them when it is over.

    Args:
        model: whose vectors.
        rule: how.
        rows: the looks of some people.
        version: of the catalog at that moment.
    """

    model: str
    rule: str
    rows: list[DescriptorRow]
    version: int


def make_missing(db: Database, card: ModelCard, *, min_face: int) -> Made:
    """Make the descriptors of all who have none; inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.
    """
    rule = rule_key(db, card, min_face=min_face)
    rows: list[DescriptorRow] = []
    aggregator = library_aggregator(db, card)
    for persons in _pieces(descriptors.missing(db, card.model_key, rule)):
        rows += make(db, card, persons, min_face=min_face, aggregator=aggregator)
    return Made(card.model_key, rule, rows, db.version())


def read_everybody(db: Database, card: ModelCard, *, min_face: int) -> tuple[Descriptors, Made]:
    """Return what stands for everybody, in order of person and look.

    Belongs inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.

    Returns:
        All descriptors, and those that had to be made: `store` them when the snapshot is over.
    """
    made = make_missing(db, card, min_face=min_face)
    stored = descriptors.read(db, made.model, made.rule)
    return _joined(stored, descriptors.stack(made.rows)), made


def _joined(one: Descriptors, other: Descriptors) -> Descriptors:
    if not one.people or not other.people:
        return one if one.people else other
    people = (*one.people, *other.people)
    order = sorted(range(len(people)), key=people.__getitem__)  # looks stay in their order
    return descriptors.Descriptors(
        tuple(people[row] for row in order),
        np.concatenate([one.looks, other.looks])[order],
        np.concatenate([one.vectors, other.vectors])[order],
        np.concatenate([one.cohesion, other.cohesion])[order],
        np.concatenate([one.quality, other.quality])[order],
        np.concatenate([one.sizes, other.sizes])[order],
    )


def store(db: Database, made: Made) -> bool:
    """Keep descriptors, if that is possible and they still are right; outside a transaction.

    Nothing is lost otherwise: who needs them makes them again.
    """
    if not made.rows:
        return True
    try:
        with db.transaction():
            if db.version() != made.version:  # somebody has written something meanwhile
                return False
            descriptors.put(db, made.model, made.rule, made.rows)
    except (LibraryLocked, LibraryUnwritable):
        return False
    return True


def describe_people(db: Database, card: ModelCard, *, min_face: int, progress: Progress) -> None:
    """Make and keep what is missing, piece by piece; outside a transaction.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: smaller faces do not count, pixels.
        progress: is told of people, if there are many.
    """
    ensure_fresh(db, min_face=min_face)
    rule = rule_key(db, card, min_face=min_face)
    absent = descriptors.missing(db, card.model_key, rule)
    aggregator = library_aggregator(db, card) if absent else None
    tell = sum(faces for _, faces in absent) > _WORTH_TELLING
    if tell:
        progress.start("Choosing faces for people", len(absent), "person")
    try:
        for persons in _pieces(absent):
            with db.snapshot():
                if not shown.is_fresh(db, min_face=min_face):
                    return  # people are being changed: whoever asks for them makes the rest
                rows = list(make(db, card, persons, min_face=min_face, aggregator=aggregator))
                made = Made(card.model_key, rule, rows, db.version())
            store(db, made)
            if tell:
                progress.advance(len(persons))
    finally:
        if tell:
            progress.finish()


def _pieces(people: Sequence[tuple[PersonId, int]]) -> Iterator[list[PersonId]]:
    """Divide people, so that the vectors of their faces fit in memory."""
    piece: list[PersonId] = []
    held = 0
    for person, faces in people:
        if piece and held + faces > _FACES_AT_ONCE:
            yield piece
            piece, held = [], 0
        piece.append(person)
        held += faces
    if piece:
        yield piece
