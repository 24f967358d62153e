"""Which search a grouping uses: exact where that is affordable, cells above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.errors import UsageError
from facesort.search.cells import CellNeighbours
from facesort.search.exact import ExactNeighbours

if TYPE_CHECKING:
    from facesort.protocols import NeighbourIndex, Vectors

__all__ = ["EFFORTS", "EXACT_UP_TO", "self_join_index"]

# Up to here every neighbour is found, and nothing approximate finds 99 % of the ten nearest sooner:
# ADR 9 (2026-11-22, two cores).
EXACT_UP_TO = 200_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """How an effort searches.

    Args:
        exact_up_to: vectors that are compared with all others.
        cells: of how many cells the members are compared, above that.
    """

    exact_up_to: int
    cells: int


# Recall of neighbours above cosine .5 and of the ten nearest, and times: ADR 9.
_PLANS: dict[str, _Plan] = {
    "fast": _Plan(exact_up_to=20_000, cells=12),
    "normal": _Plan(exact_up_to=EXACT_UP_TO, cells=96),
    "thorough": _Plan(exact_up_to=EXACT_UP_TO, cells=192),
}
EFFORTS = tuple(_PLANS)


def self_join_index(vectors: Vectors, effort: str = "normal") -> NeighbourIndex:
    """Return what finds the neighbours of all faces among themselves.

    The result is a function of the vectors in their order, whichever search it is.

    Args:
        vectors: (n, d) unit float32.
        effort: one of EFFORTS; more finds more of the neighbours above EXACT_UP_TO faces.

    Raises:
        UsageError: there is no such effort.
    """
    plan = _PLANS.get(effort)
    if plan is None:
        raise UsageError(f"no effort '{effort}'", hint=f"Choose one of {', '.join(EFFORTS)}.")
    if len(vectors) <= plan.exact_up_to:
        return ExactNeighbours(vectors)
    return CellNeighbours(vectors, plan.cells)
