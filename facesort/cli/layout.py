"""How the faces of a question are laid out on a screen of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Layout", "arrange", "key_lines"]

# Cells that a face is wide at most.
_WIDEST = 32

_MOST = 8

# What is tried, the best first: how wide a face is at least, and how many of each person. At 14 and
# more one knows people well, at 8 one still recognises them.
_GOOD_ENOUGH = ((18, 6), (14, 1), (11, 1), (10, 4), (9, 4), (8, 1))


@dataclass(frozen=True, slots=True)
class Layout:
    """What is drawn of a question.

    Args:
        tile: cells that a face is wide; half as many high, and a line for what is written below.
        most: faces of each person at most. Those that are asked about are all drawn.
        flows: the people after the first stand beside each other, with one face each.
        fits: all of it fits on the screen.
    """

    tile: int
    most: int
    flows: bool = False
    fits: bool = True


def arrange(counts: Sequence[int], columns: int, rows: int, *, whole_first: bool) -> Layout:
    """Return the largest faces with which everything fits, and rather fewer than small ones.

    Args:
        counts: faces of each person.
        columns: of the screen.
        rows: that are left for people and their faces.
        whole_first: all faces of the first have to be seen, as they are asked about.
    """
    widest = max(1, min(_WIDEST, columns - 1))
    for enough, fewest in _GOOD_ENOUGH:
        for flows in (False, True) if len(counts) > 2 else (False,):
            for most in range(_MOST, fewest - 1, -1):
                for tile in range(widest, min(enough, widest) - 1, -1):
                    tried = Layout(tile, most, flows)
                    if _height(tried, counts, columns, whole_first=whole_first) <= rows:
                        return tried
    return Layout(min(_GOOD_ENOUGH[-1][0], widest), 1, flows=len(counts) > 2, fits=False)


def _height(layout: Layout, counts: Sequence[int], columns: int, *, whole_first: bool) -> int:
    """Return how many rows that takes."""
    in_a_row = max(1, (columns + 1) // (layout.tile + 1))
    high = layout.tile // 2 + 1
    alone = counts[:1] if layout.flows else counts
    total = 0
    for place, count in enumerate(alone):
        drawn = count if whole_first and not place else min(count, layout.most)
        total += 1 + -(-drawn // in_a_row) * high
    if layout.flows:
        total += -(-(len(counts) - 1) // in_a_row) * high
    return total


def key_lines(keys: Sequence[str], columns: int) -> list[str]:
    """Return keys on as many lines as they take; a key stays with its meaning."""
    lines = [""]
    for key in keys:
        longer = f"{lines[-1]}  {key}".strip()
        if len(longer) < columns or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(key)
    return lines
