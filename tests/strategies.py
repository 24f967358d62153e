"""Generators of boxes, points, clustering problems and logs of decisions for Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from facesort.domain import Box
from facesort.grouping.constraints import NOBODY, Constraints
from facesort.grouping.moments import Moments
from tests.vectors import random_vectors

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from facesort.protocols import Vectors

__all__ = ["Scene", "boxes", "orientations", "pixel_boxes", "scenes", "seeds"]

orientations = st.integers(1, 8)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def boxes(draw: DrawFn, *, largest: float = 5000.0) -> Box:
    """A box with corners anywhere, right of left and below top."""
    side = st.floats(0, largest, allow_nan=False)
    left, right = sorted((draw(side), draw(side)))
    top, bottom = sorted((draw(side), draw(side)))
    return Box(left, top, right, bottom)


@st.composite
def pixel_boxes(draw: DrawFn, width: int, height: int) -> Box:
    """A box of whole pixels, not empty, inside a picture."""
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return Box(float(left), float(top), float(right), float(bottom))


@dataclass(frozen=True, eq=False)
class Scene:
    """Faces to cluster, and what is known about them."""

    vectors: Vectors
    constraints: Constraints

    def violations(self, labels: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[str]:
        """Say which facts a clustering breaks; labels below zero are nobody's."""
        facts, broken = self.constraints, []
        for label in sorted(set(labels.tolist()) - {-1}):
            rows = np.flatnonzero(labels == label).tolist()
            seen = [moment for row in rows for moment in facts.moments.of(row)]
            if len(set(seen)) < len(seen):
                broken.append(f"cluster {label} holds two faces of one moment")
            claims = {int(facts.claims[row]) for row in rows} - {NOBODY}
            if len(claims) > 1:
                broken.append(f"cluster {label} holds faces of {len(claims)} identities")
            broken += [
                f"face {row} is with an identity that it was rejected from"
                for row in rows
                if claims & facts.rejected.get(row, frozenset())
            ]
        return broken


@st.composite
def scenes(draw: DrawFn, *, largest: int = 30) -> Scene:
    """Random vectors with few moments, claims, rejections and confirmed faces.

    What is confirmed is free of contradictions: such faces have a moment of their own, and nothing
    is rejected from the identity that it claims.
    """
    n = draw(st.integers(1, largest))
    vectors = random_vectors(n, draw(st.integers(2, 12)), draw(seeds), lean=draw(st.floats(0, 3)))
    few = draw(st.integers(1, 2 * n))
    moments, more, claims, rejected, fixed = [], {}, [], {}, []
    for row in range(n):
        claim = draw(st.integers(NOBODY, 3))
        others = frozenset(draw(st.sets(st.integers(0, 3), max_size=2))) - {claim}
        sure = claim != NOBODY and draw(st.integers(0, 3)) == 0
        moments.append(2 * n + row if sure else draw(st.integers(0, few)))
        if not sure and draw(st.integers(0, 4)) == 0:  # an appearance in a video
            more[row] = draw(st.frozensets(st.integers(0, few), max_size=3))
        claims.append(claim)
        fixed.append(sure)
        if others:
            rejected[row] = others
    return Scene(
        vectors,
        Constraints(
            Moments(np.array(moments, dtype=np.int64), more),
            np.array(claims, dtype=np.int64),
            rejected,
            np.array(fixed, dtype=bool),
        ),
    )
