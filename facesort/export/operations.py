"""What an export knows before it starts, and what it can do: the words of `plan` and `apply`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facesort.export.manifest import FileEntry, Mode, PersonEntry

__all__ = [
    "Found",
    "Keep",
    "Missing",
    "Move",
    "Operation",
    "Plan",
    "Remove",
    "SourceFacts",
    "Survey",
    "Write",
]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the disk says of an original that is present."""

    size: int
    mtime_ns: int
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the destination that an earlier export wrote and that is still there.

    Args:
        entry: what was written.
        edited: somebody has changed it since, so it is theirs now.
        link: where it points to, if it is a symbolic link.
        device: of the file itself.
        inode: of the file itself; equal to the original's for a hard link.
    """

    entry: FileEntry
    edited: bool
    link: str | None
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What the disk says before anything is done.

    Args:
        sources: every readable original and companion by absolute path, those of the albums and
            those of earlier exports; one that is not here is missing.
        found: what earlier exports wrote.
        foreign: relative paths of everything else in the destination.
    """

    sources: Mapping[str, SourceFacts]
    found: tuple[Found, ...] = ()
    foreign: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Write:
    """Make a new file, or renew one of ours (`replaces`) whose original has changed.

    Args:
        entry: as it will stand in the manifest; hash and times are known only after the writing.
        replaces: the unchanged file of ours that is at the target now.
    """

    entry: FileEntry
    replaces: FileEntry | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Move a file of ours.

    Args:
        old: as it stands now.
        new: as it will stand in the manifest.
    """

    old: FileEntry
    new: FileEntry


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave a file of ours where it is; `entry` is brought up to date."""

    entry: FileEntry


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file of ours that no album holds any more."""

    entry: FileEntry


Operation: TypeAlias = "Remove | Move | Write | Keep"


@dataclass(frozen=True, slots=True)
class Missing:
    """An original that was not there to be exported."""

    photo: str
    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an export will do, in this order: removals, moves, writes; then what stays.

    Args:
        mode: how files are written.
        layout: the template.
        people: what `{person}` stands for.
        operations: in the order in which they can be done.
        notes: lines for the user about everything that is not as expected.
        missing: originals that were not found.
    """

    mode: Mode
    layout: str
    people: tuple[PersonEntry, ...]
    operations: tuple[Operation, ...]
    notes: tuple[str, ...]
    missing: tuple[Missing, ...]

    @property
    def changes(self) -> tuple[Operation, ...]:
        """The operations that change the disk."""
        return tuple(op for op in self.operations if not isinstance(op, Keep))

    @property
    def targets(self) -> tuple[str, ...]:
        """The relative paths at which files will appear."""
        return tuple(
            op.new.path if isinstance(op, Move) else op.entry.path
            for op in self.changes
            if not isinstance(op, Remove)
        )
