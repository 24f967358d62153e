"""What was read before, as long as nobody has written anything since."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from facesort.catalog.connection import Database

__all__ = ["Remembered"]

_Found = TypeVar("_Found")

# Lists kept at a time: those of a person and a wall of people in a few orders, in several windows.
_MOST_KEPT = 16


class Remembered:
    """Keeps what was read of a catalog until it, or what is known in memory, is another.

    Whoever turns pages asks for the same list again and again; sorting all faces of a person takes
    longer than showing a hundred of them.

    Args:
        db: the catalog.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: tuple[int, int] | None = None
        self._memory: object = None
        self._kept: dict[Hashable, object] = {}

    def get(self, key: Hashable, memory: object, make: Callable[[], _Found]) -> _Found:
        """Return what was made for a key before, or make it; inside a snapshot.

        Args:
            key: what is asked for.
            memory: what it was made of besides the catalog: only the same object is the same.
            make: reads it.
        """
        now = self._db.state()
        if now != self._seen or memory is not self._memory:
            self._kept.clear()
            self._seen, self._memory = now, memory
        if key not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = make()
        return cast("_Found", self._kept[key])
