"""What the disk says before an export: which originals are there, whose files DEST holds."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from facesort.export.journal import JOURNAL_NAME
from facesort.export.manifest import MANIFEST_NAME
from facesort.export.names import comparable_path
from facesort.export.operations import Found, SourceFacts, Survey
from facesort.files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from facesort.export.journal import Recovered
    from facesort.export.manifest import FileEntry, Manifest
    from facesort.export.targets import Album

__all__ = ["LOCK_NAME", "known_folders", "look", "recognise", "source_facts"]

LOCK_NAME = ".facesort-lock"


def look(
    dest: Path,
    albums: Iterable[Album],
    *,
    previous: Manifest | None,
    recovered: Recovered,
) -> Survey:
    """Look at originals and destination without changing anything.

    Args:
        dest: resolved; need not exist.
        albums: what is to be exported.
        previous: the manifest of the last export.
        recovered: the journal of one that was cut off.
    """
    entries: dict[str, list[FileEntry]] = defaultdict(list)
    for entry in (*reversed(recovered.entries), *(previous.files if previous else ())):
        entries[entry.path].append(entry)
    paths = {entry.source for known in entries.values() for entry in known}
    for album in albums:
        for photo in album.photos:
            paths.update(photo.companions, [photo.source] if photo.source else [])
    sources = {path: facts for path in sorted(paths) if (facts := source_facts(path))}
    found = [item for path in sorted(entries) if (item := _found(dest, path, entries[path]))]
    own = {MANIFEST_NAME, JOURNAL_NAME, LOCK_NAME, *recovered.temporaries}
    own |= known_folders(previous, recovered) | {item.entry.path for item in found}
    listed = frozenset(path for path in _walk(dest) if path not in own)
    return Survey(sources, tuple(found), listed - _respelled(dest, listed, found))


def known_folders(previous: Manifest | None, recovered: Recovered) -> set[str]:
    """Return the folders that facesort made here, as far as it knows."""
    return recovered.folders.union(previous.folders if previous else ())


def source_facts(path: str) -> SourceFacts | None:
    """Return what the disk says of an original, None when it is not there or no file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a string: half a million of them are slow as Paths
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return SourceFacts(status.st_size, status.st_mtime_ns, status.st_dev, status.st_ino)


def _found(dest: Path, path: str, candidates: Sequence[FileEntry]) -> Found | None:
    full = dest / path
    try:
        status = full.lstat()
    except OSError:
        return None
    for candidate in candidates:
        entry = recognise(full, candidate)
        if entry is not None:
            link = _link(full) if stat.S_ISLNK(status.st_mode) else None
            return Found(entry, edited=False, link=link, device=status.st_dev, inode=status.st_ino)
    for candidate in candidates:
        if candidate.sha256:  # written for certain, so it is ours with somebody's changes
            return Found(candidate, edited=True, link=None, device=0, inode=0)
    return None


def _link(path: Path) -> str:
    return os.readlink(path).removeprefix("\\\\?\\")  # noqa: PTH115 - the target as text, unparsed


def recognise(path: Path, entry: FileEntry, *, thoroughly: bool = False) -> FileEntry | None:
    """Return the entry, completed from the disk, if the file is still as facesort wrote it.

    A symbolic link is known by its target and a hard link by its inode; a copy by its hash, or,
    unless `thoroughly`, by size and modification time when both are as they were left.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            if _link(path) != entry.source:
                return None
            return entry if entry.sha256 else _completed(entry, sha256_of(entry.source), status)
        if not stat.S_ISREG(status.st_mode):
            return None
        if _is_hard_link(entry.source, status):
            return entry if entry.sha256 else _completed(entry, sha256_of(path), status)
        if status.st_size != entry.size:
            return None
        if entry.sha256 and entry.mtime_ns == status.st_mtime_ns and not thoroughly:
            return entry
        sha256 = sha256_of(path)
        if sha256 != (entry.sha256 or sha256_of(entry.source)):
            return None
    except OSError:
        return None
    return _completed(entry, sha256, status)


def _is_hard_link(source: str, status: os.stat_result) -> bool:
    facts = source_facts(source)
    return facts is not None and (facts.device, facts.inode) == (status.st_dev, status.st_ino)


def _completed(entry: FileEntry, sha256: str, status: os.stat_result) -> FileEntry:
    return replace(entry, sha256=sha256, mtime_ns=status.st_mtime_ns)


def _walk(dest: Path) -> Iterator[str]:
    """Yield the relative path of everything in the destination; links are not followed."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(dest / folder) as children:
                listed = [(child.name, child.is_dir(follow_symlinks=False)) for child in children]
        except OSError:
            continue  # not ours to open; apply looks again before it writes anything
        for name, is_folder in listed:
            path = f"{folder}/{name}" if folder else name
            yield path
            if is_folder:
                waiting.append(path)


def _respelled(dest: Path, listed: Iterable[str], found: Iterable[Found]) -> set[str]:
    """Return listed paths that are our own files, spelled otherwise by the file system."""
    ours = {comparable_path(item.entry.path): dest / item.entry.path for item in found}
    same = set()
    for path in listed:
        own = ours.get(comparable_path(path))
        try:
            if own is not None and os.path.samestat(own.lstat(), (dest / path).lstat()):
                same.add(path)
        except OSError:
            continue
    return same
