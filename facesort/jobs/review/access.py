"""What a sitting needs of its library, so that it knows no more of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractContextManager

    from facesort.catalog.connection import Database
    from facesort.inference.card import ModelCard
    from facesort.jobs.showing.situation import Situation

__all__ = ["Access"]


class _Deciding(Protocol):
    def __call__(
        self, persons: Collection[str] = (), faces: Collection[str] = ()
    ) -> AbstractContextManager[Situation]:
        """Judge and write in one transaction."""


@dataclass(frozen=True, slots=True)
class Access:
    """The parts of an open library that a sitting works with.

    Args:
        db: the catalog.
        card: the embedder's.
        min_face: returns the smallest face that counts, pixels.
        deciding: see `jobs.deciding`.
        up_to_date: reads at one moment, tables of what is shown being right.
        regroup_if_wanted: groups anew if what was undone had shaped the last grouping.
    """

    db: Database
    card: ModelCard
    min_face: Callable[[], int]
    deciding: _Deciding
    up_to_date: Callable[[], AbstractContextManager[None]]
    regroup_if_wanted: Callable[[], None]
