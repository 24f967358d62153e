"""What vectors say as a review begins: sums of people, faces in doubt, people who may be two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import crowd, people, shown
from facesort.catalog import vectors as stored
from facesort.jobs.review.odd import odd_rows
from facesort.review.candidates import find_part, find_suspects, may_be_two
from facesort.review.crowd import Part, Suspect

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.inference.card import ModelCard
    from facesort.jobs.review.owned import Owned
    from facesort.protocols import Vectors
    from facesort.review.chances import Chances

__all__ = ["compare"]

# Libraries of so many faces are looked at face by face for what may not belong. In larger ones only
# odd faces are: reading a million vectors takes longer than a user waits.
_LOOKED_AT_EACH = 60_000

# Assumed: of five faces that a coreset leaves out as odd, one is somebody else. Their likeness to
# their person does not tell: that of a stranger whom grouping has joined is always high. In LFW
# (2026-11-22, default models; 6,783 faces with somebody) 42 faces are odd. Of the 11 central faces
# with another name than most of the five faces or more that they are with, 6 are among them; by
# likeness alone none is suspected.
_ODD_BELONGS = 0.8

# People whose faces are divided to see whether they are two, the least alike first.
_MOST_DIVIDED = 500


def compare(
    db: Database, card: ModelCard, owned: Owned, chances: Chances, *, min_face: int
) -> tuple[Vectors, NDArray[np.int64], tuple[Suspect, ...], tuple[Part, ...]]:
    """Return everybody's sums and of how many faces, doubtful faces, and people who may be two."""
    if len(owned.faces) > _LOOKED_AT_EACH:
        sums, weights = _stored_sums(db, card, owned)
        odd = odd_rows(db, card, owned, sums, weights, min_face=min_face)
        candidates = np.array(odd, dtype=np.int64)
        vectors, has = stored.aligned(db, card.model_key, [owned.faces[row] for row in odd])
    else:
        candidates = np.arange(len(owned.faces))
        vectors, has = stored.aligned(db, card.model_key, owned.faces)
        sums, weights = _added_up(vectors, has, owned)
        odd = odd_rows(db, card, owned, sums, weights, min_face=min_face)
    rows, seen = candidates[has], vectors[has]
    looked = find_suspects(seen, owned.owner[rows], sums, weights, chances)
    suspects = _suspects(seen, rows, owned, set(odd), looked)
    return sums, weights, suspects, _parts(db, card, owned, sums, weights, chances)


def _added_up(
    vectors: Vectors, has: NDArray[np.bool_], owned: Owned
) -> tuple[Vectors, NDArray[np.int64]]:
    sums = np.zeros((len(owned.people), vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, owned.owner[has], vectors[has])
    return sums, np.bincount(owned.owner[has], minlength=len(sums))


def _suspects(
    vectors: Vectors,
    rows: NDArray[np.int64],
    owned: Owned,
    odd: Collection[int],
    looked: tuple[NDArray[np.int64], NDArray[np.float64]],
) -> tuple[Suspect, ...]:
    """Return faces that may not be whose they are: odd ones, and those of a low chance.

    Args:
        vectors: (n, d) unit float32.
        rows: (n,) which of the faces of `owned` each is.
        owned: whose they are.
        odd: those of these rows that the descriptors of their people leave out.
        looked: places in `rows`, and the chance of each to belong; see `find_suspects`.
    """
    chance = {place: _ODD_BELONGS for place, row in enumerate(rows.tolist()) if row in odd}
    for place, belongs in zip(looked[0].tolist(), looked[1].tolist(), strict=True):
        chance[place] = min(belongs, chance.get(place, 1.0))
    owner = owned.owner
    return tuple(
        Suspect(owned.faces[row], owned.people[int(owner[row])], vectors[place], chance[place])
        for place, row in enumerate(rows.tolist())
        if place in chance and not owned.confirmed[row]
    )


def _parts(
    db: Database,
    card: ModelCard,
    owned: Owned,
    sums: Vectors,
    weights: NDArray[np.int64],
    chances: Chances,
) -> tuple[Part, ...]:
    found: list[Part] = []
    for row in may_be_two(sums, weights, chances)[:_MOST_DIVIDED].tolist():
        members = range(owned.first[row], owned.first[row + 1])
        faces = [owned.faces[member] for member in members]
        sure = {faces[k] for k, member in enumerate(members) if owned.confirmed[member]}
        vectors, has = stored.aligned(db, card.model_key, faces)
        known = np.flatnonzero(has)
        if len(known) < 2:
            continue
        part = find_part(
            owned.people[row], [faces[k] for k in known.tolist()], vectors[known], chances
        )
        # A part of which most was confirmed has been asked about, or was put together by hand; that
        # of one face confirmed says nothing of faces that were merged wrongly since.
        if part is not None and 2 * len(sure.intersection(part.faces)) <= len(part.faces):
            found.append(part)
    return tuple(found)


def _stored_sums(db: Database, card: ModelCard, owned: Owned) -> tuple[Vectors, NDArray[np.int64]]:
    """Add up people from the sums of identities, and move the faces that decisions have moved."""
    read = [part for part in crowd.read(db, card.model_key) if len(part.ids)]
    dimension = max((part.sums.shape[1] for part in read), default=0)
    sums = np.zeros((len(owned.people), dimension), dtype=np.float32)
    weights = np.zeros(len(owned.people), dtype=np.int64)
    for part in read:
        there = [row for row, person in enumerate(part.ids) if person in owned.number]
        rows = np.array([owned.number[part.ids[row]] for row in there], dtype=np.int64)
        np.add.at(sums, rows, part.sums[there])
        np.add.at(weights, rows, part.sizes[there])
    said = shown.said(db)
    before = people.assigned(db, said)
    moved = [
        (face, owned.number.get(before[face]) if face in before else None, _now(owned, row))
        for face, row in said.items()
    ]
    moved = [one for one in moved if one[1] != one[2]]
    vectors, has = stored.aligned(db, card.model_key, [face for face, _, _ in moved])
    for place, (_, left, joined) in enumerate(moved):
        for row, sign in ((left, -1), (joined, 1)):
            if has[place] and row is not None:
                sums[row] += sign * vectors[place]
                weights[row] += sign
    return sums, weights


def _now(owned: Owned, row: shown.SaidRow) -> int | None:
    if row.not_face or row.person is None:
        return None
    return owned.number.get(row.person)
