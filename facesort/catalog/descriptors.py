"""What stands for each person as shown: the faces chosen of each look, and their vector.

Derived. Triggers take a person's rows away as soon as anything changes that they were made of
(`schema_6`); rows of another rule count as missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from facesort.domain import FaceId, PersonId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.protocols import Vectors

__all__ = [
    "DescriptorRow",
    "Descriptors",
    "means_of_some",
    "missing",
    "of_person",
    "put",
    "read",
    "stack",
]

_FLOAT = np.dtype("<f4")


class DescriptorRow(NamedTuple):
    """One look of a person; a tuple, because there may be 100,000.

    Args:
        person: as shown.
        look: from 0, the one of most faces first.
        faces: how many the look has that have a vector.
        chosen: those that stand for it, in the order of their choice.
        odd: faces of the look that may not be the person's.
        radius: largest distance, (1 - cosine) / 2, of a face to the nearest chosen one.
        cohesion: mean cosine of a face to the chosen ones, over its cosine to the descriptor.
        quality: mean quality of the chosen, 0..1.
        cover: the person's cover, where it is not simply their best face; at look 0 only.
        since: when the first photo of the look was taken, ISO 8601 without zone, or ''.
        until: and the last.
        descriptor: (d,) unit float32.
    """

    person: PersonId
    look: int
    faces: int
    chosen: tuple[FaceId, ...]
    odd: tuple[FaceId, ...]
    radius: float
    cohesion: float
    quality: float
    cover: FaceId | None
    since: str
    until: str
    descriptor: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Descriptors:
    """Looks of many people as columns, those of one person together.

    Args:
        people: r ids.
        looks: (r,) which of the person's looks, from 0.
        vectors: (r, d) unit float32.
        cohesion: (r,) float32.
        quality: (r,) float32.
        sizes: (r,) how many faces were chosen.
    """

    people: tuple[PersonId, ...]
    looks: NDArray[np.int64]
    vectors: Vectors
    cohesion: NDArray[np.float32]
    quality: NDArray[np.float32]
    sizes: NDArray[np.int64]


def missing(db: Database, model: str, rule: str) -> list[tuple[PersonId, int]]:
    """Return those who have faces and no descriptor, in order of id, and how many faces."""
    return [
        (PersonId(person), faces)
        for person, faces in db.rows(
            """SELECT person_id, faces FROM shown_people s WHERE faces > 0 AND NOT EXISTS
               (SELECT 1 FROM descriptors d
                WHERE d.person_id = s.person_id AND d.model = ? AND d.rule = ?)""",
            (model, rule),
        )
    ]


def read(db: Database, model: str, rule: str) -> Descriptors:
    """Return all that are stored, in order of person and look."""
    people: list[PersonId] = []
    vectors: list[bytes] = []
    numbers: list[tuple[int, float, float, int]] = []
    for rows in db.blocks(
        """SELECT person_id, descriptor, look, cohesion, quality, size FROM descriptors
           WHERE model = ? AND rule = ? ORDER BY person_id, look""",
        (model, rule),
    ):
        people += [PersonId(row[0]) for row in rows]
        vectors += [row[1] for row in rows]
        numbers += [row[2:] for row in rows]
    columns = np.array(numbers, dtype=np.float64).reshape(-1, 4)
    return Descriptors(
        tuple(people),
        columns[:, 0].astype(np.int64),
        np.frombuffer(b"".join(vectors), dtype=_FLOAT).reshape(len(people), -1 if people else 0),
        columns[:, 1].astype(np.float32),
        columns[:, 2].astype(np.float32),
        columns[:, 3].astype(np.int64),
    )


def means_of_some(db: Database, model: str) -> tuple[list[PersonId], Vectors, NDArray[np.float64]]:
    """Return what stands for people of whose faces only some were chosen.

    Returns:
        r identities (whoever was merged into somebody stands for themselves as that person), the
        (r, d) mean vectors of the chosen faces, and the (r,) numbers of them.
    """
    rows = db.rows(
        """WITH some AS (SELECT person_id, look, size, cohesion, descriptor FROM descriptors
                         WHERE model = ? AND faces > size)
           SELECT person_id, size, cohesion, descriptor, look FROM some
           UNION ALL SELECT m.person_id, s.size, s.cohesion, s.descriptor, s.look
           FROM some s JOIN shown_merges m ON m.survivor = s.person_id ORDER BY 1, 5""",
        (model,),
    )
    if not rows:
        return [], np.zeros((0, 0), dtype=np.float32), np.zeros(0)
    units = np.frombuffer(b"".join(row[3] for row in rows), dtype=_FLOAT).reshape(len(rows), -1)
    cohesion = np.array([row[2] for row in rows], dtype=np.float32)
    return (
        [PersonId(row[0]) for row in rows],
        units * cohesion[:, None],
        np.array([row[1] for row in rows], dtype=np.float64),
    )


def stack(rows: Iterable[DescriptorRow]) -> Descriptors:
    """Return rows as columns."""
    found = list(rows)
    vectors = [row.descriptor for row in found]
    return Descriptors(
        tuple(row.person for row in found),
        np.array([row.look for row in found], dtype=np.int64),
        np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32),
        np.array([row.cohesion for row in found], dtype=np.float32),
        np.array([row.quality for row in found], dtype=np.float32),
        np.array([len(row.chosen) for row in found], dtype=np.int64),
    )


def of_person(db: Database, model: str, rule: str, person: PersonId) -> list[DescriptorRow]:
    """Return the looks of one person; none where they are missing."""
    return [
        DescriptorRow(
            person,
            look,
            faces,
            tuple(map(FaceId, json.loads(chosen))),
            tuple(map(FaceId, json.loads(odd))),
            radius,
            cohesion,
            quality,
            None if cover is None else FaceId(cover),
            since,
            until,
            np.frombuffer(descriptor, dtype=_FLOAT),
        )
        for (
            look, faces, chosen, odd, radius, cohesion, quality, cover, since, until, descriptor,
        ) in db.rows(
            """SELECT look, faces, chosen, odd, radius, cohesion, quality, cover, since, until,
                   descriptor
               FROM descriptors WHERE person_id = ? AND model = ? AND rule = ? ORDER BY look""",
            (person, model, rule),
        )
    ]  # fmt: skip


def put(db: Database, model: str, rule: str, rows: Iterable[DescriptorRow]) -> None:
    """Store all looks of some people, right at this moment; belongs inside a transaction."""
    ordered = sorted(rows, key=lambda row: row[:2])  # each page of the table is touched once
    db.executemany(
        "DELETE FROM descriptors WHERE person_id = ? AND model = ?",
        [(person, model) for person in dict.fromkeys(row.person for row in ordered)],
    )
    db.executemany(
        "INSERT INTO descriptors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                r.person, model, r.look, rule, r.faces, len(r.chosen), json.dumps(r.chosen),
                json.dumps(r.odd), r.radius, r.cohesion, r.quality, r.cover, r.since, r.until,
                r.descriptor.astype(_FLOAT).tobytes(),
            )
            for r in ordered
        ],
    )  # fmt: skip
