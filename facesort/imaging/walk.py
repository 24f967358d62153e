"""Finds the photos under a folder, and says what it passed over and why.

Strings and `os.scandir` throughout, one `stat` a photo and none for other files: a scan that finds
nothing new costs little more than this walk.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from facesort.imaging.companions import Neighbours
from facesort.imaging.formats import RAW_SUFFIXES, VIDEO_SUFFIXES, skip_reason

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Companion", "FoundFile", "Walk", "walk"]

_MAY_BELONG = RAW_SUFFIXES | VIDEO_SUFFIXES

# What tells a folder from every other, whichever way leads there.
_Identity: TypeAlias = tuple[int, int] | str

# Thumbnails and bins that NAS boxes, archives and operating systems leave beside photos.
_SYSTEM_FOLDERS = frozenset(
    (
        "@eadir",
        "@recycle",
        "#recycle",
        "__macosx",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    )
)

_MANIFEST = "manifest.json"
_MANIFEST_START = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"facesort"\s*:')
_MANIFEST_BYTES = 4096


@dataclass(frozen=True, slots=True, order=True)
class FoundFile:
    """A file to be scanned.

    Args:
        path: relative to the root, `/` between folders, as `os.fsdecode` gives it (a name that is
            not UTF-8 holds surrogates).
        size: bytes.
        mtime_ns: nanoseconds since 1970.
    """

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, order=True)
class Companion:
    """A file that belongs to a photo beside it, and is not scanned.

    Args:
        path: as in FoundFile.
        photo: path of the photo.
        kind: `companions.RAW` or `companions.VIDEO`.
    """

    path: str
    photo: str
    kind: str


@dataclass(frozen=True, slots=True)
class Walk:
    """What lies under one root. Paths are relative to it; the root itself is `.`.

    Args:
        files: to be scanned, by path.
        companions: RAW files and videos that belong to a photo beside them, by path.
        skipped: how many files or folders were passed over, by reason.
        unreadable: folders that cannot be listed and files that cannot be looked at, each with the
            reason, by path. Nothing is known of what lies there: it must not be called missing.
        exported: folders passed over because facesort wrote them, by path.
    """

    files: list[FoundFile]
    skipped: dict[str, int]
    unreadable: list[tuple[str, str]]
    exported: list[str]
    companions: list[Companion] = field(default_factory=list)


def walk(root: Path, *, exclude: Collection[Path] = ()) -> Walk:
    """Find the photos under a folder.

    Links are followed, but every folder is entered once: loops end, and a folder that is also
    linked is found where it really lies.

    Args:
        root: a folder; one that cannot be listed makes `unreadable`, not an error.
        exclude: absolute folders that are never entered, whatever way leads there.
    """
    walker = _Walker(os.fspath(root))
    for folder in exclude:
        walker.leave_out(os.fspath(folder))
    walker.run()
    return Walk(
        files=sorted(walker.files),
        skipped=dict(sorted(walker.skipped.items())),
        unreadable=sorted(walker.unreadable),
        exported=sorted(walker.exported),
        companions=sorted(walker.companions),
    )


@dataclass(slots=True)
class _Walker:
    """One walk under way. `folders` and `links` hold relative paths that end with `/`, or ''."""

    root: str
    files: list[FoundFile] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    exported: list[str] = field(default_factory=list)
    companions: list[Companion] = field(default_factory=list)
    folders: list[str] = field(default_factory=lambda: [""])
    links: list[str] = field(default_factory=list)
    seen: set[_Identity] = field(default_factory=set)

    def leave_out(self, folder: str) -> None:
        """Treat a folder as if it had been entered already."""
        try:
            self.seen.add(_identity(folder))
        except OSError:
            return  # what is not there cannot be entered

    def run(self) -> None:
        """Enter all real folders, then those behind links, until nothing is left."""
        while self.folders or self.links:
            if not self.folders:
                # Among several links to one folder the first by name wins, on every machine.
                self.links.sort(reverse=True)
                self.folders.append(self.links.pop())
            self._enter(self.folders.pop())

    def _enter(self, folder: str) -> None:
        path = os.path.join(self.root, folder)
        try:
            identity = _identity(path)
            if identity in self.seen:
                return
            self.seen.add(identity)
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._note_unreadable(folder.removesuffix("/"), error)
            return
        if any(entry.name == _MANIFEST and _is_manifest(entry) for entry in entries):
            self.exported.append(folder.removesuffix("/") or ".")
            return
        belonging = _belonging(entries)
        for entry in entries:
            path = folder + entry.name
            try:
                if entry.name in belonging and entry.is_file():
                    photo, kind = belonging[entry.name]
                    self.companions.append(Companion(path, folder + photo, kind))
                else:
                    self._look_at(entry, path)
            except OSError as error:
                self._note_unreadable(path, error)

    def _look_at(self, entry: os.DirEntry[str], path: str) -> None:
        if _is_hidden(entry):
            self.skipped["hidden"] += 1
        elif entry.is_dir():
            if entry.name.lower() in _SYSTEM_FOLDERS:
                self.skipped["hidden"] += 1
            else:
                (self.links if entry.is_symlink() else self.folders).append(path + "/")
        elif entry.is_file():
            reason = skip_reason(entry.name)
            if reason:
                self.skipped[reason] += 1
            else:
                status = entry.stat()
                self.files.append(FoundFile(path, status.st_size, status.st_mtime_ns))
        else:
            if entry.is_symlink():
                entry.stat()  # says why the link leads nowhere
            self.skipped["not a file"] += 1  # a pipe, a socket, a device: opening it could hang

    def _note_unreadable(self, path: str, error: OSError) -> None:
        reason = error.strerror or str(error)
        if isinstance(error, FileNotFoundError) and Path(self.root, path).is_symlink():
            reason = "broken link"
        self.unreadable.append((path or ".", reason))


def _belonging(entries: list[os.DirEntry[str]]) -> dict[str, tuple[str, str]]:
    """Return the RAW files and videos of a folder that belong to a photo there, and to which."""
    visible = [entry for entry in entries if not entry.name.startswith(".")]
    candidates = [
        entry.name
        for entry in visible
        if entry.name.rpartition(".")[2].lower() in _MAY_BELONG and not _is_hidden(entry)
    ]
    if not candidates:
        return {}
    beside = Neighbours(entry.name for entry in visible if _is_there(entry))
    return {name: photo for name in candidates if (photo := beside.photo_of(name)) is not None}


def _is_there(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False  # a link that leads round in circles


def _identity(path: str) -> _Identity:
    status = Path(path).stat()
    # Some network drives report no inode numbers; all their folders would look like one.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return True
    if os.name != "nt":
        return False
    # Windows hands the attributes out with the listing: this is no further call.
    attributes: int = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)


def _is_manifest(entry: os.DirEntry[str]) -> bool:
    """Whether facesort wrote this manifest.json: its JSON object begins with the key "facesort"."""
    try:
        if not entry.is_file():
            return False
        with Path(entry.path).open("rb") as file:
            return bool(_MANIFEST_START.match(file.read(_MANIFEST_BYTES)))
    except OSError:
        return False  # somebody else's, and not ours to judge
