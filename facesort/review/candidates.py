"""What is worth asking about single faces: those that may not belong, and people who may be two."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from facesort.domain import FaceId, PersonId
from facesort.review.crowd import Crowd, Loose, Part, Suspect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from facesort.protocols import Vectors
    from facesort.review.chances import Chances

__all__ = ["crowd_of", "find_part", "find_suspects", "may_be_two", "two_parts"]

# Faces that belong with a higher chance are no suspects.
_SUSPECT = 0.98

# People of fewer faces are not divided: their single faces are looked at instead.
_LEAST_DIVIDED = 4
_ROUNDS = 10

# Parts less likely to be another person are not kept.
_LEAST_PART = 0.02

_BLOCK_COSINES = 1 << 22


def find_suspects(
    vectors: Vectors,
    owner: NDArray[np.int64],
    sums: Vectors,
    weights: NDArray[np.int64],
    chances: Chances,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the faces that may not be whose they are.

    Args:
        vectors: (n, d) unit float32.
        owner: (n,) whose each is, as a row of `sums`.
        sums: (p, d) everybody's vectors added up.
        weights: (p,) of how many.
        chances: how likely likenesses are.

    Returns:
        (m,) rows of `vectors`, and (m,) the chance of each to belong, below .98.
    """
    shared = np.flatnonzero(weights[owner] > 1)
    own_sums = sums[owner[shared]]
    alone = np.einsum("ij,ij->i", vectors[shared], vectors[shared])
    own = np.einsum("ij,ij->i", vectors[shared], own_sums).astype(np.float64) - alone
    others = (weights[owner[shared]] - 1).astype(np.float64)
    own /= others
    # Faces as like the others as they should be are nobody else's, whoever is there.
    odd = own < chances.usual
    rows, own, others = shared[odd], own[odd], others[odd]
    best, best_sizes = _likest(vectors[rows], owner[rows], sums, weights)
    belongs = chances.belongs(own, others, best, best_sizes, float(weights.sum()))
    doubted = belongs < _SUSPECT
    return rows[doubted], belongs[doubted]


def _likest(
    vectors: Vectors, owner: NDArray[np.int64], sums: Vectors, weights: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean cosine of each face to the likest other person, and that one's faces."""
    means = sums / np.maximum(weights, 1)[:, None].astype(np.float32)
    best = np.full(len(vectors), -np.inf)
    sizes = np.ones(len(vectors))
    if len(sums) < 2:
        return best, sizes
    step = max(1, _BLOCK_COSINES // len(sums))
    for at in range(0, len(vectors), step):
        cosines = vectors[at : at + step] @ means.T
        each = np.arange(len(cosines))
        cosines[each, owner[at : at + step]] = -np.inf
        likest = cosines.argmax(axis=1)
        best[at : at + step] = cosines[each, likest]
        sizes[at : at + step] = weights[likest]
    return best, sizes


def two_parts(vectors: Vectors) -> tuple[NDArray[np.bool_], float]:
    """Divide faces into the two groups that are least alike.

    Args:
        vectors: (n, d) unit float32, n > 1.

    Returns:
        (n,) which are of the smaller group, and the mean cosine between the two.
    """
    total = vectors.sum(axis=0)
    first = int((vectors @ total).argmin())
    centres = np.stack([vectors[first], vectors[int((vectors @ vectors[first]).argmin())]])
    small = np.zeros(len(vectors), dtype=bool)
    for _ in range(_ROUNDS):
        likes = vectors @ centres.T
        now = likes[:, 0] > likes[:, 1]
        if (now == small).all() or now.all() or not now.any():
            break
        small = now
        centres = np.stack([_direction(vectors[small]), _direction(vectors[~small])])
    if 2 * small.sum() > len(small):
        small = ~small
    here, there = vectors[small].sum(axis=0), vectors[~small].sum(axis=0)
    pairs = max(1, int(small.sum()) * int((~small).sum()))
    return small, float(here @ there) / pairs


def _direction(vectors: Vectors) -> Vectors:
    total = vectors.sum(axis=0)
    direction: Vectors = total / max(float(np.linalg.norm(total)), 1e-12)
    return direction


def may_be_two(sums: Vectors, weights: NDArray[np.int64], chances: Chances) -> NDArray[np.int64]:
    """Return the rows of people whose faces are so unlike each other that they may be two.

    Args:
        sums: (p, d) everybody's vectors added up.
        weights: (p,) of how many.
        chances: how likely likenesses are.
    """
    squares = np.einsum("ij,ij->i", sums, sums).astype(np.float64)
    pairs = np.maximum(weights * (weights - 1), 1)
    alike = (squares - weights) / pairs
    return np.flatnonzero((weights >= _LEAST_DIVIDED) & (alike < chances.usual))


def find_part(
    person: PersonId, faces: Sequence[FaceId], vectors: Vectors, chances: Chances
) -> Part | None:
    """Return the faces of a person that may be somebody else; None if there are hardly any.

    Args:
        person: who.
        faces: n ids.
        vectors: (n, d) theirs.
        chances: how likely likenesses are.
    """
    small, cosine = two_parts(vectors)
    count = int(small.sum())
    if count < 2:
        return None
    chance = chances.two(cosine, float(count), float(len(small) - count))
    if chance < _LEAST_PART:
        return None
    total = vectors[small].sum(axis=0)
    order = np.flatnonzero(small)
    order = order[np.argsort(-(vectors[order] @ total), kind="stable")]
    return Part(person, tuple(faces[row] for row in order.tolist()), total, chance)


def crowd_of(
    vectors: Vectors,
    owner: NDArray[np.int64],
    photo: NDArray[np.int64],
    chances: Chances,
    *,
    face_ids: Sequence[FaceId] | None = None,
    names: Mapping[int, str] | None = None,
    ignored: Sequence[int] = (),
) -> Crowd:
    """Make a crowd of vectors in memory, as `jobs.review.reading` makes one of a library.

    Args:
        vectors: (n, d) unit float32.
        owner: (n,) the group of each face, 0..p-1; every group has a face. -1: with nobody.
        photo: (n,) its photo.
        chances: how likely likenesses are.
        face_ids: n ids; None: "f0", "f1" ... by row.
        names: of groups that have one.
        ignored: groups that the user does not want to see.
    """
    ids = face_ids or [FaceId(f"f{row}") for row in range(len(owner))]
    if (owner < 0).any():
        held, left = np.flatnonzero(owner >= 0), np.flatnonzero(owner < 0).tolist()
        mine = [ids[row] for row in held.tolist()]
        made = crowd_of(
            vectors[held], owner[held], photo[held], chances,
            face_ids=mine, names=names, ignored=ignored,
        )  # fmt: skip
        loose = Loose(tuple(ids[row] for row in left), vectors[left], photo[left].astype(np.int64))
        return replace(made, loose=loose)
    order = np.argsort(owner, kind="stable")
    sizes = np.bincount(owner)
    first = np.concatenate([[0], np.cumsum(sizes)])
    sums = np.add.reduceat(vectors[order], first[:-1]) if len(order) else vectors[:0]
    people = tuple(PersonId(f"p{row}") for row in range(len(sizes)))
    rows, belongs = find_suspects(vectors, owner, sums, sizes, chances)
    suspects = tuple(
        Suspect(ids[row], people[int(owner[row])], vectors[row], chance)
        for row, chance in zip(rows.tolist(), belongs.tolist(), strict=True)
    )
    parts = []
    for row in may_be_two(sums, sizes, chances).tolist():
        members = order[first[row] : first[row + 1]]
        part = find_part(people[row], [ids[m] for m in members], vectors[members], chances)
        parts += [] if part is None else [part]
    at = {face: row for row, face in enumerate(ids)}
    photos = np.array(
        [len(np.unique(photo[order[a:b]])) for a, b in pairwise(first.tolist())],
        dtype=np.int64,
    )
    return Crowd(
        people,
        sums.astype(np.float32),
        sizes.astype(np.int64),
        tuple(ids[row] for row in order.tolist()),
        first.astype(np.int64),
        photo[order].astype(np.int64),
        photos,
        {people[row]: name for row, name in (names or {}).items()},
        frozenset(people[row] for row in ignored),
        suspects=suspects,
        parts=tuple(parts),
        vector_of=lambda face: vectors[at[face]],
    )
