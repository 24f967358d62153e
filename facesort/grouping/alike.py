"""How alike two sets of faces are: the best pair, and on average. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from facesort.domain import FaceId, FaceMatrix
    from facesort.grouping.calibration import MergeRule

__all__ = ["Alike", "compare", "needed_cosine"]

# Rows compared at a time: two people of ten thousand faces each would fill 400 MB at once.
_BLOCK = 1024

_STEPS = 40  # halvings of the interval from -1 to 1: to the ninth digit and beyond


@dataclass(frozen=True, slots=True)
class Alike:
    """How alike two sets of faces are.

    Args:
        best: cosine of the most alike pair, 1 at most.
        pair: its faces.
        mean: mean cosine over all pairs.
        faces: how many faces of each set were compared.
    """

    best: float
    pair: tuple[FaceId, FaceId]
    mean: float
    faces: tuple[int, int]


def compare(one: FaceMatrix, other: FaceMatrix) -> Alike | None:
    """Compare every face of one set with every face of the other; None when one is empty.

    Raises:
        ModelMismatch: the vectors are of different models.
    """
    if not len(one) or not len(other):
        return None
    best, pair, total = -2.0, (0, 0), 0.0
    for start in range(0, len(one), _BLOCK):
        rows = slice(start, start + _BLOCK)
        part = type(one)(one.face_ids[rows], one.vectors[rows], one.model_key).cosine(other)
        total += float(part.sum(dtype=np.float64))
        row, column = divmod(int(part.argmax()), len(other))
        if part[row, column] > best:
            best, pair = float(part[row, column]), (start + row, column)
    return Alike(
        min(1.0, best),
        (one.face_ids[pair[0]], other.face_ids[pair[1]]),
        total / (len(one) * len(other)),
        (len(one), len(other)),
    )


def needed_cosine(rule: MergeRule, clusters: int, size: int, other: int) -> float:
    """Return the lowest mean cosine at which a rule joins clusters of these sizes.

    Args:
        rule: its score rises with the cosine.
        clusters: how many there are.
        size: faces in the one.
        other: faces in the other.
    """
    limit = rule.limit(clusters)
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        score = rule.score(np.array([middle]), np.array([float(size)]), float(other))[0]
        low, high = (low, middle) if score >= limit else (middle, high)
    return high
