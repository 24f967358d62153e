"""Reading what a file of vectors holds: people, their descriptors, their faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import columns, descriptors, showing, vectors
from facesort.domain.keys import photo_key
from facesort.export.vector_file import PersonVector, VectorFile
from facesort.jobs.describing.aggregating import aggregator_key, library_aggregator
from facesort.jobs.describing.coreset_rule import rule_key
from facesort.jobs.describing.making import make

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.catalog.descriptors import DescriptorRow
    from facesort.catalog.showing import FaceRow, PersonRow
    from facesort.domain import PersonId
    from facesort.inference.card import ModelCard

__all__ = ["VectorOrder", "read_vectors"]


@dataclass(frozen=True, slots=True)
class VectorOrder:
    """Whose vectors the user wants, and where.

    Args:
        file: where.
        names: with the names.
        unnamed: also people without a name.
        min_photos: people without a name need that many.
    """

    file: Path
    names: bool = True
    unnamed: bool = False
    min_photos: int = 1


def read_vectors(db: Database, card: ModelCard, order: VectorOrder, *, min_face: int) -> VectorFile:
    """Read the vectors of people; inside a snapshot of tables that are up to date.

    Ignored people are left out, and so are faces that are none and those that this model has not
    seen.

    Args:
        db: the catalog.
        card: the embedder's.
        order: whose.
        min_face: smaller faces do not count, pixels.
    """
    people = {row.id: row for row in sorted(showing.people(db)) if _is_wanted(row, order)}
    survivor = showing.members(db, list(people))
    found = showing.face_rows(db, list(survivor), min_face=min_face)
    rows = sorted(found, key=lambda row: (survivor[row.person], row.id))
    stored, has = vectors.aligned(db, card.model_key, [row.id for row in rows])
    if not has.all():
        rows = [row for row, seen in zip(rows, has.tolist(), strict=True) if seen]
        stored = stored[has]
    nothing = np.zeros((0, _dimension(db, card)), dtype=np.float32)
    looks = _looks(db, card, list(people), min_face=min_face)
    code = vectors.code_of(db, card.model_key)
    return VectorFile(
        library=db.meta("library_id"),
        model_key=card.model_key,
        aggregator=aggregator_key(db, card) or "coreset",
        stored="float16" if code is None else f"int8, {code.size} of {code.dimension} numbers",
        people=[_person(people[look.person], look, with_name=order.names) for look in looks],
        descriptors=np.stack([look.descriptor for look in looks]) if looks else nothing,
        face_ids=[row.id for row in rows],
        face_people=[survivor[row.person] for row in rows],
        vectors=stored if rows else nothing,
        quality=np.array([row.quality for row in rows], dtype=np.float32),
        photos=_photo_keys(db, rows, min_face),
    )


def _dimension(db: Database, card: ModelCard) -> int:
    code = vectors.code_of(db, card.model_key)
    if code is not None:
        return code.size
    return 1 if card.output is None else card.output.dimension


def _is_wanted(row: PersonRow, order: VectorOrder) -> bool:
    if row.ignored or not row.faces:
        return False
    return row.name is not None or (order.unnamed and row.photos >= order.min_photos)


def _looks(
    db: Database, card: ModelCard, persons: Sequence[PersonId], *, min_face: int
) -> list[DescriptorRow]:
    """Return what stands for some people, in order of person and look; as `identify` has it."""
    rule = rule_key(db, card, min_face=min_face)
    there = {one: descriptors.of_person(db, card.model_key, rule, one) for one in persons}
    absent = [person for person, looks in there.items() if not looks]
    aggregator = library_aggregator(db, card) if absent else None
    for look in make(db, card, absent, min_face=min_face, aggregator=aggregator):
        there[look.person].append(look)
    return [look for person in persons for look in there[person]]


def _person(row: PersonRow, look: DescriptorRow, *, with_name: bool) -> PersonVector:
    return PersonVector(
        row.id,
        (row.name or "") if with_name else "",
        look.look + 1,
        look.faces,
        look.cohesion,
        look.chosen,
    )


def _photo_keys(db: Database, rows: Sequence[FaceRow], min_face: int) -> list[str]:
    read = columns.columns_of(db, [row.id for row in rows], min_face=min_face)
    keys = dict(zip(read.ids, read.picture_keys, strict=True))
    return [photo_key(keys[row.id]) for row in rows]
