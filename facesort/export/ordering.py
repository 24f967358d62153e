"""The order of moves: a file moves only when its new place is free. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from facesort.export.names import comparable_path
from facesort.export.operations import Move

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facesort.export.manifest import FileEntry

__all__ = ["PARKING", "order_moves"]

# No album folder can have this name: safe names do not begin with a dot.
PARKING = ".facesort-parked"


def order_moves(moves: Iterable[Move]) -> list[Move]:
    """Order moves so that no target is still held by a file that has yet to move.

    A ring (two files swap their names) is broken by parking one of them in between.

    Args:
        moves: with distinct old and distinct new places, as comparable paths.
    """
    waiting = {comparable_path(move.old.path): move for move in moves}
    ordered: list[Move] = []
    for start in sorted(waiting):
        if start not in waiting:
            continue
        chain = [start]  # each waits for the next; places are distinct, so only the start can recur
        while (held := comparable_path(waiting[chain[-1]].new.path)) in waiting and held != start:
            chain.append(held)
        if held == start and len(chain) > 1:
            move = waiting[start]
            parked = _parked(move)
            ordered.append(Move(move.old, parked))
            waiting[start] = Move(parked, move.new)
            chain.append(chain.pop(0))
            ordered += [waiting.pop(key) for key in (*reversed(chain[:-1]), start)]
        else:
            ordered += [waiting.pop(key) for key in reversed(chain)]
    return ordered


def _parked(move: Move) -> FileEntry:
    name = hashlib.sha256(move.old.path.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return replace(move.new, path=f"{PARKING}/{name}")
