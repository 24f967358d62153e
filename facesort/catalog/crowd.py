"""Everybody's vectors added up: what an incremental grouping reads instead of all vectors.

Derived. A trigger takes a person's sum away as soon as one of their faces or vectors changes; what
is missing is added up again from the vectors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog.vectors import Decoder
from facesort.domain import PersonId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database

__all__ = ["Sums", "put", "read"]

_FLOAT = np.dtype("<f4")
_PEOPLE_AT_ONCE = 500


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """People, the sums of their vectors, and of how many.

    Args:
        ids: p identities.
        sums: (p, d) float32.
        sizes: (p,) int64.
    """

    ids: tuple[PersonId, ...]
    sums: NDArray[np.float32]
    sizes: NDArray[np.int64]


def read(db: Database, model: str) -> tuple[Sums, Sums]:
    """Return the sums of everybody who has a face with a vector of a model.

    Returns:
        Those that are stored, and those that had to be added up: store them with `put` when there
        is a transaction to do it in.
    """
    ids: list[PersonId] = []
    sums: list[bytes] = []
    sizes: list[int] = []
    for rows in db.blocks(
        "SELECT person_id, faces, sum FROM person_sums WHERE model = ? ORDER BY person_id", (model,)
    ):
        ids += [PersonId(person) for person, _, _ in rows]
        sizes += [faces for _, faces, _ in rows]
        sums += [blob for _, _, blob in rows]
    stored = Sums(
        tuple(ids),
        np.frombuffer(b"".join(sums), dtype=_FLOAT).reshape(len(ids), -1 if ids else 0),
        np.array(sizes, dtype=np.int64),
    )
    return stored, _add_up(db, model)


def _add_up(db: Database, model: str) -> Sums:
    missing = [
        person
        for (person,) in db.rows(
            """SELECT DISTINCT person_id FROM assignments
               EXCEPT SELECT person_id FROM person_sums WHERE model = ?""",
            (model,),
        )
    ]
    decode = Decoder(db, model)
    ids: list[PersonId] = []
    sums: list[NDArray[np.float32]] = []
    sizes: list[int] = []
    for at in range(0, len(missing), _PEOPLE_AT_ONCE):
        rows = db.rows(
            """SELECT a.person_id, v.vector FROM json_each(?) j
               JOIN assignments a ON a.person_id = j.value
               JOIN vectors v ON v.face_id = a.face_id AND v.model = ? ORDER BY a.person_id""",
            (json.dumps(missing[at : at + _PEOPLE_AT_ONCE]), model),
        )
        if not rows:
            continue
        vectors = decode([vector for _, vector in rows]).astype(np.float64)
        people, starts, counts = np.unique(
            np.array([person for person, _ in rows]), return_index=True, return_counts=True
        )
        ids += [PersonId(person) for person in people.tolist()]
        sums.append(np.add.reduceat(vectors, starts).astype(np.float32))
        sizes += counts.tolist()
    filled = np.concatenate(sums) if sums else np.zeros((0, 0), dtype=np.float32)
    return Sums(tuple(ids), filled, np.array(sizes, dtype=np.int64))


def put(db: Database, model: str, sums: Sums) -> None:
    """Store sums that are right at this moment; belongs inside a transaction."""
    db.executemany(
        """INSERT INTO person_sums (person_id, model, faces, sum) VALUES (?, ?, ?, ?)
           ON CONFLICT (person_id, model)
           DO UPDATE SET faces = excluded.faces, sum = excluded.sum""",
        [
            (person, model, faces, row.astype(_FLOAT).tobytes())
            for person, faces, row in _in_order(sums)
        ],
    )


def _in_order(sums: Sums) -> Sequence[tuple[PersonId, int, NDArray[np.float32]]]:
    # By id: each page of the table is then touched once.
    order = sorted(range(len(sums.ids)), key=sums.ids.__getitem__)
    return [(sums.ids[row], int(sums.sizes[row]), sums.sums[row]) for row in order]
