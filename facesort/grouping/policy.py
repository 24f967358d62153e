"""How faces are grouped: everything that is chosen, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.grouping.calibration import Calibration, MergeRule
    from facesort.protocols import NeighbourIndex, Vectors

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How to group.

    Args:
        rule: when clusters are alike enough.
        make_index: builds the neighbour index over the faces that are clustered.
        min_quality: faces below it start no cluster; they are attached afterwards.
        method: one of `methods.METHODS`.
        repeat_cosine: two faces of one photo that are this much alike are one person shown twice
            (collage, contact sheet, mirror); None looks for no such faces.
        calibration: the rule's; a library's own pairs of people refine it (`refine`). None: the
            rule stays as it is.
        poor_centre: (d,) what the poor faces of the whole library have in common, where only some
            of its faces are grouped; None: of those that are.
    """

    rule: MergeRule
    make_index: Callable[[Vectors], NeighbourIndex]
    min_quality: float = 0.0
    method: str = "linkage"
    repeat_cosine: float | None = None
    calibration: Calibration | None = None
    poor_centre: Vectors | None = None
