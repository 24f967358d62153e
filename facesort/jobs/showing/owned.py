"""Everybody's faces as columns; inside a snapshot of tables that are up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import showing, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId, PersonId

__all__ = ["OwnedFaces", "owned_faces"]


@dataclass(frozen=True, slots=True, eq=False)
class OwnedFaces:
    """The faces that are shown with somebody, in order of face id.

    Args:
        ids: n face ids.
        people: whom they are shown with, sorted.
        owner: (n,) int64 positions in `people`.
        quality: (n,) float32, 0..1.
        ignored: those of `people` whom the user does not want to see.
    """

    ids: list[FaceId]
    people: list[PersonId]
    owner: NDArray[np.int64]
    quality: NDArray[np.float32]
    ignored: frozenset[PersonId]


def owned_faces(db: Database, *, min_face: int) -> OwnedFaces:
    """Read them; see `jobs.showing.shown.ensure_fresh`."""
    people = sorted(row.id for row in showing.people(db) if row.faces)
    number = {person: i for i, person in enumerate(people)}
    number |= {who: number[to] for who, to in showing.merges(db).items() if to in number}
    ids: list[FaceId] = []
    owner = [np.zeros(0, dtype=np.int64)]
    quality = [np.zeros(0, dtype=np.float32)]
    for block in shown.all_face_rows(db, shown.said(db), min_face=min_face):
        ids += [row.id for row in block]
        owner.append(np.array([number[row.person] for row in block], dtype=np.int64))
        quality.append(np.array([row.quality for row in block], dtype=np.float32))
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return OwnedFaces(
        [ids[row] for row in order],
        people,
        np.concatenate(owner)[order],
        np.concatenate(quality)[order],
        frozenset(showing.ignored(db).intersection(people)),
    )
