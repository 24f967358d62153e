"""Farthest points, taken for many people at the same time: the loop behind every coreset.

All people take their next face in the same pass, so that the work is a few passes over the faces
however many people there are. Nothing of n x d numbers is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.descriptors.rows import NO_ROW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.descriptors.rows import PersonRows
    from facesort.protocols import Vectors

__all__ = ["TIE", "Picks", "Wanted", "pick_each"]

# Scores closer than that are equal: below it order and processor differ.
TIE = 1e-6

# Rows whose vectors are gathered at a time: 2 MiB of 512 numbers each.
_BLOCK_ROWS = 1 << 10


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What faces are worth; (n,) arrays sorted as the rows that they belong to.

    Args:
        quality: of equal scores the best counts.
        first: what the first face is chosen by: quality held to the floor.
        worth: what the distance of the later ones is multiplied with.
        allowed: which may be chosen.
    """

    quality: NDArray[np.float32]
    first: NDArray[np.float32]
    worth: NDArray[np.float32]
    allowed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Picks:
    """What p people took of n faces.

    Args:
        rows: (p, k) in the order of choice, NO_ROW where there are fewer.
        gains: (p, k) distance to the nearest one chosen before; 1 for the first.
        scores: (p, k) what each was chosen by.
        distance: (n,) of each face to the nearest chosen one, sorted.
        nearest: (n,) which one that is, as a place in `rows`, sorted.
    """

    rows: NDArray[np.int64]
    gains: NDArray[np.float32]
    scores: NDArray[np.float32]
    distance: NDArray[np.float32]
    nearest: NDArray[np.int32]


def pick_each(
    vectors: Vectors,
    rows: PersonRows,
    wanted: Wanted,
    pins: NDArray[np.int64],
    *,
    size: int,
    min_gain: float,
) -> Picks:
    """Take face after face.

    Args:
        vectors: (m, d) unit float32, those of `rows` among them.
        rows: the n faces of p people.
        wanted: what they are worth.
        pins: (p, q) rows that are taken first, NO_ROW where there are fewer.
        size: faces of a person at most; more only where more are pinned.
        min_gain: distance below which a face adds nothing any more.
    """
    shape = (len(rows.sizes), max(size, pins.shape[1]))
    chosen = np.full(shape, NO_ROW, dtype=np.int64)
    gains, scores = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    allowed = wanted.allowed.copy()
    distance = np.ones(len(allowed), dtype=np.float32)
    nearest = np.zeros(len(allowed), dtype=np.int32)
    for turn in range(shape[1]):
        score = wanted.worth * distance if turn else wanted.first
        place = rows.best(np.where(allowed, score, np.float32(-1)), wanted.quality, TIE)
        found = allowed[place] & (turn < size)
        if turn < pins.shape[1]:
            pinned = pins[:, turn] != NO_ROW
            place = np.where(pinned, rows.places(pins[:, turn]), place)
            found |= pinned
        if not found.any():
            break
        taken = place[found]
        chosen[found, turn] = rows.order[taken]
        gains[found, turn], scores[found, turn] = distance[taken], score[taken]
        where, away = _away(vectors, rows, np.where(found, rows.order[place], NO_ROW))
        closer = away < distance[where]
        nearest[where] = np.where(closer, np.int32(turn), nearest[where])
        distance[where] = np.minimum(distance[where], away)
        allowed &= distance >= np.float32(min_gain)
        allowed[taken] = False
    return Picks(chosen, gains, scores, distance, nearest)


def _away(
    vectors: Vectors, rows: PersonRows, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | slice, NDArray[np.float32]]:
    """Return the distances of faces to what their person chose, and which sorted faces they are.

    Each cosine is computed by itself: unlike with a matrix product, the same two vectors give the
    same last bit wherever they stand, so that copies tie.
    """
    if len(chosen) == 1 and len(rows.order) == len(vectors):
        cosine = np.einsum("ij,j->i", vectors, vectors[chosen[0]])[rows.order]
        return slice(None), np.maximum((1 - cosine) / 2, np.float32(0))
    still = np.flatnonzero(np.repeat(chosen != NO_ROW, rows.sizes))
    mine, others = rows.order[still], np.repeat(chosen, rows.sizes)[still]
    cosine = np.empty(len(still), dtype=np.float32)
    for start in range(0, len(still), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        cosine[block] = np.einsum("ij,ij->i", vectors[mine[block]], vectors[others[block]])
    return still, np.maximum((1 - cosine) / 2, np.float32(0))
