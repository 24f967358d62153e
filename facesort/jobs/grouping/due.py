"""Whether a grouping is due. Knows nothing of how it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesort.catalog.connection import Database

__all__ = ["needs_grouping", "wants_regroup"]


def needs_grouping(db: Database) -> bool:
    """Whether faces changed since the last grouping, or an undo asked for a new one."""
    return db.meta("grouped_generation") != db.meta("generation", "0") or wants_regroup(db)


def wants_regroup(db: Database) -> bool:
    """Whether what was undone or redone had shaped the last grouping."""
    return db.meta("regroup") == "1"
