"""Choosing the faces that stand for people of a library, and making their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import photos as catalog
from facesort.catalog import showing, vectors
from facesort.catalog.descriptors import DescriptorRow
from facesort.descriptors.described import describe
from facesort.jobs.describing.coreset_rule import alike_cosine, coreset_rule, seconds_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow
    from facesort.descriptors.coreset import Rule
    from facesort.descriptors.described import Described
    from facesort.domain import FaceId, PersonId, PhotoId
    from facesort.inference.card import ModelCard
    from facesort.protocols import Aggregator

__all__ = ["describe_faces", "make"]


def make(
    db: Database,
    card: ModelCard,
    persons: Sequence[PersonId],
    *,
    min_face: int,
    aggregator: Aggregator | None = None,
) -> Iterator[DescriptorRow]:
    """Yield the looks of some people; those who have no face with a vector have none.

    Belongs inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        card: the embedder's.
        persons: as shown, in order of id.
        min_face: smaller faces do not count, pixels.
        aggregator: makes the vectors; None: the plain coreset.
    """
    whose = showing.members(db, persons)
    number = {person: i for i, person in enumerate(persons)}
    faces = sorted(showing.face_rows(db, list(whose), min_face=min_face))  # by id
    owner = np.array([number[whose[face.person]] for face in faces], dtype=np.int64)
    moments = catalog.taken_at(db, {face.photo for face in faces})
    known, described = describe_faces(
        db, card, faces, owner, moments, coreset_rule(db, card), aggregator=aggregator
    )
    if described is None:
        return
    best = _best(faces, whose)
    covers = _covers(persons, known, described, best)
    yield from _rows(persons, known, described, covers, moments)


def describe_faces(
    db: Database,
    card: ModelCard,
    faces: Sequence[FaceRow],
    owner: NDArray[np.int64],
    moments: Mapping[PhotoId, str],
    rule: Rule,
    *,
    pinned: Sequence[FaceId] = (),
    aggregator: Aggregator | None = None,
) -> tuple[list[FaceRow], Described | None]:
    """Choose the faces that stand for some people; inside a snapshot.

    Args:
        db: the catalog.
        card: the embedder's.
        faces: n of them, in order of id.
        owner: (n,) whose, as numbers.
        moments: when each photo was taken: ISO 8601 without zone, or ''.
        rule: how to choose.
        pinned: faces that are chosen first.
        aggregator: makes the vectors; None: the plain coreset.

    Returns:
        The faces that have a vector, and what stands for their people, as `descriptors.described`
        has it: its people are the numbers of `owner`, its rows those of these faces. None: there is
        no vector.
    """
    found, has = vectors.aligned(db, card.model_key, [face.id for face in faces])
    rows = np.flatnonzero(has)
    if not len(rows):
        return [], None
    known = list(faces) if len(rows) == len(faces) else [faces[row] for row in rows.tolist()]
    row_of = {face.id: row for row, face in enumerate(known)} if pinned else {}
    described = describe(
        found if len(rows) == len(faces) else found[rows],
        np.array([face.quality for face in known], dtype=np.float32),
        owner[rows],
        rule,
        alike=alike_cosine(db, card),
        moments=seconds_of([moments[face.photo] for face in known]),
        trusted=np.array([face.confirmed for face in known], dtype=bool),
        pinned=[row_of[face] for face in pinned if face in row_of],
        aggregator=aggregator,
    )
    return known, described


def _best(faces: Collection[FaceRow], whose: Mapping[PersonId, PersonId]) -> dict[PersonId, FaceId]:
    """Return everybody's best face."""
    best: dict[PersonId, FaceId] = {}
    for face in sorted(faces, key=lambda face: (-face.quality, face.id)):
        best.setdefault(whose[face.person], face.id)
    return best


def _covers(
    names: Sequence[PersonId],
    faces: Sequence[FaceRow],
    described: Described,
    best: Mapping[PersonId, FaceId],
) -> dict[PersonId, FaceId]:
    """Return the best chosen face of those whose best face was not chosen."""
    chosen: dict[PersonId, FaceRow] = {}
    for place, row in zip(described.person.tolist(), described.chosen[:, 0].tolist(), strict=True):
        first, person = faces[row], names[place]
        before = chosen.setdefault(person, first)
        chosen[person] = min(before, first, key=lambda face: (-face.quality, face.id))
    return {person: face.id for person, face in chosen.items() if face.id != best[person]}


def _rows(
    names: Sequence[PersonId],
    faces: Sequence[FaceRow],
    described: Described,
    covers: Mapping[PersonId, FaceId],
    moments: Mapping[PhotoId, str],
) -> Iterator[DescriptorRow]:
    spans = _spans(described.label, faces, moments)
    odd: dict[int, list[FaceId]] = {}
    for row in described.odd.tolist():
        odd.setdefault(int(described.label[row]), []).append(faces[row].id)
    looks = zip(described.person.tolist(), described.look.tolist(), strict=True)
    for row, (place, look) in enumerate(looks):
        person = names[place]
        since, until = spans.get(row, ("", ""))
        yield DescriptorRow(
            person,
            look,
            int(described.faces[row]),
            tuple(faces[face].id for face in described.chosen[row].tolist() if face >= 0),
            tuple(odd.get(row, ())),
            float(described.radius[row]),
            float(described.cohesion[row]),
            float(described.quality[row]),
            covers.get(person) if look == 0 else None,
            since,
            until,
            described.descriptors[row],
        )


def _spans(
    label: NDArray[np.int64], faces: Sequence[FaceRow], moments: Mapping[PhotoId, str]
) -> dict[int, tuple[str, str]]:
    """Return when the first and the last dated photo of each look was taken."""
    spans: dict[int, tuple[str, str]] = {}
    for row, face in zip(label.tolist(), faces, strict=True):
        moment = moments[face.photo]
        if moment:
            since, until = spans.get(row, (moment, moment))
            spans[row] = min(since, moment), max(until, moment)
    return spans
