"""Carries a plan out, so that it can be killed at any moment and run again.

Order of events: folders are checked; every intention goes into the journal; files are removed,
moved and written; empty folders of ours go; the manifest is replaced; the journal goes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from facesort.errors import DestinationUnwritable, Unreadable
from facesort.export.destination import check_folders, parents
from facesort.export.journal import Journal, temporary_path
from facesort.export.manifest import (
    Manifest,
    entry_to_json,
    same_but_for_time,
    write_manifest,
)
from facesort.export.operations import Keep, Missing, Move, Plan, Remove, Write
from facesort.export.survey import known_folders, recognise, source_facts
from facesort.export.transfer import transfer
from facesort.files import explain_os_error, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from facesort.export.journal import Recovered
    from facesort.export.manifest import FileEntry
    from facesort.export.operations import Operation
    from facesort.protocols import Progress

__all__ = ["ExportResult", "apply_plan"]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export did.

    Args:
        written: files made or renewed.
        moved: files of earlier exports that were moved.
        removed: files of earlier exports that no album holds any more.
        kept: files that were right already.
        reported: lines for the user about everything that was not as expected.
        missing: originals that were not there or could not be read.
    """

    written: int = 0
    moved: int = 0
    removed: int = 0
    kept: int = 0
    reported: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()


def apply_plan(
    plan: Plan,
    dest: Path,
    *,
    library: str,
    previous: Manifest | None,
    recovered: Recovered,
    progress: Progress,
    step: Callable[[str], None] = lambda _: None,
) -> ExportResult:
    """Do what a plan says.

    Args:
        plan: made from a survey of `dest` just now, under the destination's lock.
        dest: resolved; exists.
        library: id of the library.
        previous: the last manifest.
        recovered: the journal of an export that was cut off.
        progress: is told of every file.
        step: called with a label after every change of the disk (tests kill the process there).

    Returns:
        Counts and reports. A photo whose original fails is reported and the rest goes on.

    Raises:
        DestinationOverlaps: a folder on the way is a link that may lead out of the destination.
        DestinationOccupied: a file is where an album folder must be.
        DestinationUnwritable: no space, no permission; run again to go on where it stopped.
    """
    run = _Run(plan, dest, library=library, previous=previous, progress=progress, step=step)
    try:
        return run.result() if run.is_idle(recovered) else run.carry_out(recovered)
    except OSError as error:
        place = error.filename2 or error.filename or dest
        raise DestinationUnwritable(
            f"{place} cannot be written: {error.strerror or error}", hint=explain_os_error(error)
        ) from error


class _Run:
    """One execution of a plan: what has been done so far, and what the manifest will say."""

    def __init__(
        self,
        plan: Plan,
        dest: Path,
        *,
        library: str,
        previous: Manifest | None,
        progress: Progress,
        step: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._dest = dest
        self._library = library
        self._previous = previous
        self._progress = progress
        self._step = step
        # The token keeps the names of temporary files apart from those of an earlier, killed run.
        self._token = secrets.token_hex(6)
        self._entries = {op.entry.path: op.entry for op in plan.operations if isinstance(op, Keep)}
        self._kept = len(self._entries)
        self._done = {Write: 0, Move: 0, Remove: 0}
        self._reported = list(plan.notes)
        self._missing = list(plan.missing)
        self._folders: set[str] = set()
        self._touched: set[Path] = {dest}

    def is_idle(self, recovered: Recovered) -> bool:
        """Whether there is nothing to do, so that not one byte on the disk changes."""
        return (
            not self._plan.changes
            and not recovered.present
            and self._previous is not None
            and same_but_for_time(self._previous, self._manifest(set(self._previous.folders)))
        )

    def result(self) -> ExportResult:
        return ExportResult(
            written=self._done[Write],
            moved=self._done[Move],
            removed=self._done[Remove],
            kept=self._kept,
            reported=tuple(self._reported),
            missing=tuple(self._missing),
        )

    def carry_out(self, recovered: Recovered) -> ExportResult:
        check_folders(self._plan, self._dest)
        self._folders = known_folders(self._previous, recovered)
        if self._previous is None:
            # From the first moment on, scanning knows the folder for an export and stays out of it.
            write_manifest(self._dest, self._manifest(set()))
            self._step("first manifest")
        journal = Journal(self._dest, library=self._library)
        try:
            self._announce(journal)
            self._sweep(recovered)
            self._execute(journal)
            self._finish(journal)
        finally:
            journal.close()
        return self.result()

    def _announce(self, journal: Journal) -> None:
        new = [
            folder
            for folder in sorted({f for path in self._plan.targets for f in parents(path)})
            if not os.path.lexists(self._dest / folder)
        ]
        journal.intend([{"folder": folder} for folder in new])
        journal.intend(self._intention(op) for op in self._plan.changes)
        self._folders.update(new)
        self._step("journal")

    def _intention(self, op: Operation) -> dict[str, object]:
        if isinstance(op, Move):
            return {"move": entry_to_json(op.new), "from": op.old.path}
        if isinstance(op, Remove):
            return {"remove": op.entry.path}
        return {
            "write": entry_to_json(op.entry),
            "temporary": temporary_path(op.entry.path, self._token),
        }

    def _sweep(self, recovered: Recovered) -> None:
        for path in sorted(recovered.temporaries):
            (self._dest / path).unlink(missing_ok=True)
            self._step(f"swept {path}")

    def _execute(self, journal: Journal) -> None:
        changes = self._plan.changes
        self._progress.start("Writing albums", len(changes), "file")
        try:
            for op in changes:
                if isinstance(op, Remove):
                    self._remove(op)
                elif isinstance(op, Move):
                    self._move(op, journal)
                elif isinstance(op, Write):
                    self._write(op, journal)
                self._progress.advance()
        finally:
            self._progress.finish()

    def _remove(self, op: Remove) -> None:
        full = self._dest / op.entry.path
        if not os.path.lexists(full):
            return
        if recognise(full, op.entry, thoroughly=True) is None:
            self._report(f"{op.entry.path} was changed since the last export and stays")
            return
        full.unlink()
        self._count(Remove, full)
        self._step(f"removed {op.entry.path}")

    def _move(self, op: Move, journal: Journal) -> None:
        old, new = self._dest / op.old.path, self._dest / op.new.path
        ours = recognise(old, op.old, thoroughly=True)
        if ours is None:
            if os.path.lexists(old):
                self._report(f"{op.old.path} was changed since the last export and stays")
            self._write_instead(op.new, journal)
        elif os.path.lexists(new) and not _is_same(old, new):
            self._report(f"{op.new.path} is taken; {op.old.path} stays until the next export")
            self._entries[op.old.path] = replace(op.new, path=op.old.path)
        else:
            self._make_folder(op.new.path)
            old.replace(new)
            # In a ring the parked place is only a stop on the way.
            self._entries.pop(op.old.path, None)
            self._entries[op.new.path] = replace(op.new, mtime_ns=ours.mtime_ns)
            self._count(Move, old, new)
            self._step(f"moved {op.new.path}")

    def _write_instead(self, entry: FileEntry, journal: Journal) -> None:
        facts = source_facts(entry.source)
        if facts is None:
            self._missing.append(Missing(entry.photo, entry.source, "the original is not there"))
            return
        op = Write(replace(entry, sha256="", size=facts.size, source_mtime_ns=facts.mtime_ns))
        journal.intend([self._intention(op)])
        self._write(op, journal)

    def _write(self, op: Write, journal: Journal) -> None:
        path = op.entry.path
        target, temporary = self._dest / path, self._dest / temporary_path(path, self._token)
        self._make_folder(path)
        try:
            original = transfer(op.entry.source, temporary, self._plan.mode)
            self._step(f"transferred {path}")
            if not self._may_take(target, op):
                return
            temporary.replace(target)
        except Unreadable as error:
            self._report(f"{error.message}. {error.hint}")
            self._missing.append(Missing(op.entry.photo, op.entry.source, "it cannot be read"))
            if op.replaces is not None:  # the older copy is better than none
                self._entries[path] = op.replaces
            return
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._step(f"written {path}")
        entry = replace(
            op.entry,
            sha256=original.sha256,
            size=original.size,
            mtime_ns=target.lstat().st_mtime_ns,
            source_mtime_ns=original.mtime_ns,
        )
        journal.done(entry)
        self._entries[path] = entry
        self._count(Write, target)
        self._step(f"recorded {path}")

    def _may_take(self, target: Path, op: Write) -> bool:
        if not os.path.lexists(target):
            return True
        if op.replaces is None:
            self._report(f"{op.entry.path} has appeared meanwhile and stays; export again")
            return False
        if recognise(target, op.replaces, thoroughly=True) is None:
            self._report(f"{op.entry.path} was changed since the last export and stays as it is")
            self._entries[op.entry.path] = op.replaces
            return False
        return True

    def _make_folder(self, path: str) -> None:
        for folder in parents(path):
            full = self._dest / folder
            if not full.is_dir():
                full.mkdir()
                self._folders.add(folder)
                self._touched.add(full.parent)
                self._step(f"made {folder}")

    def _finish(self, journal: Journal) -> None:
        folders = self._prune()
        for folder in sorted(self._touched):
            if folder.is_dir():
                sync_folder(folder)
        manifest = self._manifest(folders)
        if self._previous is None or not same_but_for_time(self._previous, manifest):
            write_manifest(self._dest, manifest)
            self._step("manifest")
        journal.discard()
        self._step("journal gone")

    def _prune(self) -> set[str]:
        """Remove the folders of ours that are empty now; return those that stay."""
        used = {folder for path in self._entries for folder in parents(path)}
        staying = set()
        for folder in sorted(self._folders, key=lambda f: (-f.count("/"), f)):
            full = self._dest / folder
            if full.is_symlink() or not full.is_dir():
                continue
            if folder not in used and not any(full.iterdir()):
                full.rmdir()
                self._step(f"pruned {folder}")
            else:
                staying.add(folder)
        return staying

    def _manifest(self, folders: set[str]) -> Manifest:
        return Manifest(
            library=self._library,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            mode=self._plan.mode,
            layout=self._plan.layout,
            people=self._plan.people,
            files=tuple(sorted(self._entries.values(), key=lambda entry: entry.path)),
            folders=tuple(sorted(folders)),
        )

    def _report(self, line: str) -> None:
        self._reported.append(line)
        self._progress.note(line)

    def _count(self, kind: type[Write | Move | Remove], *places: Path) -> None:
        self._done[kind] += 1
        self._touched.update(place.parent for place in places)


def _is_same(one: Path, other: Path) -> bool:
    return os.path.samestat(one.lstat(), other.lstat())
