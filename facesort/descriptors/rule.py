"""How faces that stand for a person are chosen: the numbers, and where they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.descriptors.odd import OneLikeOthers

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How to choose.

    Size and `min_gain` were chosen on LFW people (docs/coresets.md, SFace, 2026-11-22): with fewer
    than 8 faces a large set's descriptor is noisier than the mean of all, and a face that was put
    into the wrong person is more of it; near copies of a crop lie at .009 from it in the middle and
    at .021 at the 99th percentile, and of pairs of photos of two days 1 in 17,000 within .03.

    Args:
        size: faces at most; more only where more are pinned.
        gamma: how much quality counts against distance; 0: not at all.
        floor: of quality; poorer faces are chosen only where there are no others.
        min_gain: faces nearer than that to the chosen, (1 - cosine) / 2, are not chosen any more.
            Two photos of one burst differ by less.
        odd_share: share of a person's faces, those least like the others, that are never chosen,
            and are listed as odd. Below 1 / odd_share faces none.
        odd_deviations: so far below the median likeness of a person's faces one is listed as odd,
            but may be chosen; needs five different faces. Infinity: none is.
        one_person: what the mean cosine of a face to the others of its person hardly ever misses
            (the model card's `calibration.one_person`); faces that do are odd
            too, and never chosen. None: not known.
    """

    size: int = 8
    gamma: float = 1.0
    floor: float = 0.25
    min_gain: float = 0.03
    odd_share: float = 0.02
    odd_deviations: float = 4.0
    one_person: OneLikeOthers | None = None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"a coreset of {self.size} faces stands for nobody")

    def unguarded(self) -> Rule:
        """Return the same rule without any face being odd."""
        return replace(self, odd_share=0.0, odd_deviations=math.inf, one_person=None)
