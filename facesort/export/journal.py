"""The append-only journal of a running export: after a kill, facesort still knows its own files.

Every intention is on the disk before the first file is touched; what is done is added as it
happens. The journal goes once the manifest says the same.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from facesort.errors import DestinationOccupied, DestinationUnwritable
from facesort.export.manifest import entry_from_json, entry_to_json, is_inside, to_json_bytes
from facesort.files import explain_os_error, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from facesort.export.manifest import FileEntry

__all__ = ["JOURNAL_NAME", "Journal", "Recovered", "read_journal", "temporary_path"]

JOURNAL_NAME = ".facesort-journal.jsonl"
_TEMPORARY = re.compile(r"(?:.*/)?\.facesort-[0-9a-f]{12}\.part", re.DOTALL)
_SYNC_EVERY = 64  # a power failure costs that many files a second look, not their recognition


@dataclass(slots=True)
class Recovered:
    """What an export that did not end has left behind.

    Args:
        present: there is a journal.
        entries: what it wrote or meant to write, oldest first; the hash is empty where the journal
            only has the intention.
        temporaries: relative paths of files that may be half written.
        folders: relative paths of folders that it made or meant to make.
    """

    present: bool = False
    entries: list[FileEntry] = field(default_factory=list)
    temporaries: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


def temporary_path(path: str, token: str) -> str:
    """Return where a file lies until it is complete: hidden, in the folder of its later place.

    Args:
        path: relative, of the later place.
        token: 12 hexadecimal digits of this run.
    """
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}.facesort-{token}.part"


def read_journal(dest: Path, *, library: str) -> Recovered:
    """Read the journal of an export that was cut off; empty where the last one ended well.

    A torn line stands for something that was never begun, so lines that cannot be read are passed
    over: at worst a file of ours counts as foreign and stays.

    Raises:
        DestinationOccupied: it belongs to another library.
        DestinationUnwritable: it cannot be read.
    """
    path = dest / JOURNAL_NAME
    try:
        lines = path.read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return Recovered()
    except OSError as error:
        raise DestinationUnwritable(
            f"{path} cannot be read", hint=explain_os_error(error)
        ) from error
    recovered = Recovered(present=True)
    for line in lines:
        try:
            _take(json.loads(line), recovered, library)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            continue
    return recovered


def _take(line: Mapping[str, object], recovered: Recovered, library: str) -> None:
    match line:
        case {"library": str(other)} if other != library:
            raise DestinationOccupied(
                "an export of another library did not finish in this destination",
                hint="Finish it with that library, or choose another destination.",
            )
        case {"folder": str(folder)} if is_inside(folder):
            recovered.folders.add(folder)
        case {"write": dict(entry), "temporary": str(temporary)}:
            recovered.entries.append(entry_from_json(entry))
            # They will be removed unseen, so nothing that is named otherwise may pass.
            if is_inside(temporary) and _TEMPORARY.fullmatch(temporary):
                recovered.temporaries.add(temporary)
        case {"move": dict(entry)} | {"done": dict(entry)}:
            recovered.entries.append(entry_from_json(entry))


class Journal:
    """Writes the journal; `intend` returns only when its lines are on the disk.

    Raises:
        OSError: on opening or writing; the destination is full or cannot be written.
    """

    def __init__(self, dest: Path, *, library: str) -> None:
        self._path = dest / JOURNAL_NAME
        # Never through a link: what lies at its end is not ours to write.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.fdopen(os.open(self._path, flags | getattr(os, "O_BINARY", 0), 0o666), "ab")
        self._unsynced = 0
        # A line torn by the last kill must not swallow the next one.
        self._file.write(b"\n")
        self.intend([{"journal": 1, "library": library}])
        sync_folder(dest)

    def intend(self, lines: Iterable[Mapping[str, object]]) -> None:
        """Put intentions on the disk before they are carried out."""
        self._file.writelines(to_json_bytes(line) + b"\n" for line in lines)
        self._sync()

    def done(self, entry: FileEntry) -> None:
        """Add that a file is complete, with its hash."""
        self._file.write(to_json_bytes({"done": entry_to_json(entry)}) + b"\n")
        self._file.flush()
        self._unsynced += 1
        if self._unsynced >= _SYNC_EVERY:
            self._sync()

    def close(self) -> None:
        """Close the file; it stays for the next export."""
        self._file.close()

    def discard(self) -> None:
        """Close and remove the file: the manifest knows everything now."""
        self._file.close()
        self._path.unlink()
        sync_folder(self._path.parent)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsynced = 0
