"""Faces that the descriptors of their people leave out, and that deserve a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from facesort.catalog import reviewing
from facesort.catalog import vectors as stored
from facesort.jobs.describing.coreset_rule import coreset_rule, rule_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from facesort.catalog.connection import Database
    from facesort.domain import FaceId
    from facesort.inference.card import ModelCard
    from facesort.jobs.review.owned import Owned
    from facesort.protocols import Vectors

__all__ = ["odd_rows"]

# Of people with many faces so many are looked at to know what is usual, and of so many people.
_LOOKED_AT, _MOST_PEOPLE = 64, 500

# Standard deviations per median distance from the median, and the least one: `descriptors.odd`.
_PER_MEDIAN_DEVIATION, _LEAST_DEVIATION = 1.4826, 0.03


def odd_rows(
    db: Database,
    card: ModelCard,
    owned: Owned,
    sums: Vectors,
    weights: NDArray[np.int64],
    *,
    min_face: int,
) -> list[int]:
    """Return the odd faces that are unusual: as rows of `owned`, sorted, confirmed ones left out.

    Of many faces a coreset leaves out a few per cent in any case, those least like the others. To
    ask about these would never end: they are asked about only where they are far from usual.

    Args:
        db: the catalog.
        card: the embedder's.
        owned: whose each face is.
        sums: (p, d) everybody's vectors added up.
        weights: (p,) of how many.
        min_face: smaller faces do not count, pixels.
    """
    rule = coreset_rule(db, card)
    key = rule_key(db, card, min_face=min_face)
    odd = set(reviewing.odd_faces(db, card.model_key, key))
    if not odd:
        return []
    rows = [row for row, face in enumerate(owned.faces) if face in odd and not owned.confirmed[row]]
    owner = owned.owner[rows]
    many = weights[owner] * rule.odd_share + 1e-9 >= 1
    found = [row for row, is_many in zip(rows, many.tolist(), strict=True) if not is_many]
    people = sorted(set(owner[many].tolist()), key=lambda person: -int(weights[person]))
    for person in people[:_MOST_PEOPLE]:
        mine = np.array(rows)[owner == person].tolist()
        likeness = _Likeness(db, card, owned, sums[person], int(weights[person]))
        first, behind = int(owned.first[person]), int(owned.first[person + 1])
        seen = np.unique(np.linspace(first, behind - 1, _LOOKED_AT).astype(np.int64))
        usual = likeness.of(seen.tolist())
        usual = usual[np.isfinite(usual)]
        middle = np.median(usual) if len(usual) else -1.0
        apart = np.median(np.abs(usual - middle)) if len(usual) else 0.0
        width = max(_PER_MEDIAN_DEVIATION * float(apart), _LEAST_DEVIATION)
        unusual = likeness.of(mine) < middle - rule.odd_deviations * width
        found += [row for row, is_so in zip(mine, unusual.tolist(), strict=True) if is_so]
    return sorted(found)


class _Likeness:
    """Mean cosines of faces of one person to the others of the person."""

    def __init__(
        self, db: Database, card: ModelCard, owned: Owned, total: NDArray[np.float32], size: int
    ) -> None:
        self._db = db
        self._model = card.model_key
        self._owned = owned
        self._total = total
        self._others = max(1, size - 1)

    def of(self, rows: list[int]) -> NDArray[np.float64]:
        """Return (n,) mean cosines, NaN without a vector."""
        faces: list[FaceId] = [self._owned.faces[row] for row in rows]
        vectors, has = stored.aligned(self._db, self._model, faces)
        found = np.full(len(rows), np.nan)
        found[has] = (vectors[has] @ self._total - 1) / self._others
        return found
