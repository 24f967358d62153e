"""How the faces of a question are laid out on a screen of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Layout", "Rows", "arrange", "key_lines", "share"]

# Cells that a face is wide at most.
_WIDEST = 32

_MOST = 8

# What is tried, the best first: how wide a face is at least, and how many of each person. At 14 and
# more one knows people well, at 8 one still recognises them.
_GOOD_ENOUGH = ((18, 6), (14, 1), (11, 1), (10, 4), (9, 4), (8, 1))
_SMALLEST = 8

# Rows for a person and one row of the smallest faces: what is said and the keys leave so many.
_LEAST_ROWS = 1 + _SMALLEST // 2 + 1


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows each part of a question gets; what has fewer than it takes is cut.

    Args:
        title: the question.
        note: what came of the last answer.
        progress: how far it has come.
        keys: those that mean something.
        guesses: people that a digit answers with.
        faces: what is left for people and their faces.
    """

    title: int
    note: int
    progress: int
    keys: int
    guesses: int
    faces: int


def share(rows: int, *, title: int, note: int, keys: int, guesses: int) -> Rows:
    """Share a screen out, so that what is said is always on it.

    Args:
        rows: of the screen; the last is for what is typed.
        title: rows that it takes whole, likewise the others.
        note: 0 where there is none.
        keys: at least 1.
        guesses: may be 0.
    """
    left = max(0, rows - 1)
    got = dict.fromkeys(("title", "note", "progress", "keys", "guesses"), 0)
    # The first row of each, then the rest of the most important.
    wanted = [("title", 1), ("note", min(1, note)), ("keys", 1), ("progress", 1)]
    wanted += [("title", title - 1), ("note", note - 1)]
    for part, count in wanted:
        taken = max(0, min(count, left))
        got[part] += taken
        left -= taken
    for part, count in (("guesses", guesses), ("keys", keys - 1)):
        taken = max(0, min(count, left - _LEAST_ROWS))
        got[part] += taken
        left -= taken
    return Rows(**got, faces=left)


@dataclass(frozen=True, slots=True)
class Layout:
    """What is drawn of a question.

    Args:
        tile: cells that a face is wide; half as many high, and a line for what is written below.
        drawn: how many faces of each person.
        lines: so many people have a line of their own above their faces.
        flows: the people after the first stand beside each other, with one face each.
        fits: nothing is left out that has to be seen.
    """

    tile: int
    drawn: tuple[int, ...]
    lines: int
    flows: bool = False
    fits: bool = True


def arrange(counts: Sequence[int], columns: int, rows: int, *, whole_first: bool) -> Layout:
    """Return the largest faces with which everything fits, and rather fewer than small ones.

    Where not everything fits, as many as possible are drawn, first those of the first person.

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
                drawn = _at_most(counts, 1 if flows else most)
                drawn[0] = counts[0] if whole_first else min(counts[0], most)
                for tile in range(widest, min(enough, widest) - 1, -1):
                    if _height(tile, drawn, columns, flows=flows) <= rows:
                        return Layout(tile, tuple(drawn), 1 if flows else len(drawn), flows)
    return _cut(counts, columns, rows, widest)


def _at_most(counts: Sequence[int], most: int) -> list[int]:
    return [min(count, most) for count in counts]


def _height(tile: int, drawn: Sequence[int], columns: int, *, flows: bool) -> int:
    """Return how many rows that takes."""
    in_a_row, high = _measures(tile, columns)
    total = sum(1 + -(-count // in_a_row) * high for count in (drawn[:1] if flows else drawn))
    return total + (-(-sum(drawn[1:]) // in_a_row) * high if flows else 0)


def _measures(tile: int, columns: int) -> tuple[int, int]:
    """Return how many faces stand in a row, and how many lines a row takes."""
    return max(1, (columns + 1) // (tile + 1)), max(1, tile // 2) + 1


def _cut(counts: Sequence[int], columns: int, rows: int, widest: int) -> Layout:
    """Return as many faces of the first as fit, and a face of each of the others if that fits."""
    least = min(_SMALLEST, widest)
    flows = len(counts) > 2
    alone = [1 if flows else min(count, _measures(least, columns)[0]) for count in counts[1:]]
    if flows:
        # Of people beside each other at least one has to be seen: the second.
        in_a_row, high = _measures(least, columns)
        alone = alone[: max(0, (rows - 1 - high) // high) * in_a_row]
    for others in (alone, []):
        best = None
        for tile in range(min(14, widest), least - 1, -1):
            in_a_row, high = _measures(tile, columns)
            below = _height(tile, [0, *others], columns, flows=flows) - 1
            first = min(counts[0], max(0, (rows - 1 - below) // high) * in_a_row)
            if first and (best is None or first > best[0]):
                best = (first, tile)
        if best is not None:
            drawn = (best[0], *others, *[0] * (len(counts) - 1 - len(others)))
            return Layout(best[1], drawn, 1 if flows else 1 + len(others), flows, fits=False)
    tile = max(1, min(widest, 2 * (rows - 2) + 1))
    first = min(counts[0], _measures(tile, columns)[0]) if rows > 2 else 0
    drawn = (first, *[0] * (len(counts) - 1))
    return Layout(tile, drawn, min(1, max(0, rows)), flows, fits=False)


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
