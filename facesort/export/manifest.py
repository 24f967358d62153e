"""What an export has written: `manifest.json`, the only licence to move or remove a file later."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from facesort.domain import FaceId, PersonId
from facesort.errors import DestinationOccupied, DestinationUnwritable, ExportError
from facesort.files import atomic_write, explain_os_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "FORMAT",
    "MANIFEST_NAME",
    "Choice",
    "FileEntry",
    "Kind",
    "Manifest",
    "Mode",
    "PersonEntry",
    "entry_from_json",
    "entry_to_json",
    "is_inside",
    "read_manifest",
    "same_but_for_time",
    "to_json_bytes",
    "write_manifest",
]

MANIFEST_NAME = "manifest.json"
FORMAT = 1
# The folder walker knows our exports by the same beginning.
_OURS = re.compile(rb'\s*\{\s*"facesort"')
_DRIVE = re.compile(r"[A-Za-z]:")


class Mode(StrEnum):
    """How an album file relates to its original."""

    COPY = "copy"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"


class Kind(StrEnum):
    """What an album file is."""

    ORIGINAL = "original"
    COMPANION = "companion"


@dataclass(frozen=True, slots=True)
class Choice:
    """Why a photo was chosen among all of a person's.

    Args:
        rank: its place in the order of the choice, from 1.
        quality: of the face that stands for it, 0..1, four digits.
        burst: how many of the person's photos are of one burst with it, itself included.
        reasons: what was decisive, then how well the face is seen.
    """

    rank: int
    quality: float
    burst: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file that facesort wrote.

    Args:
        path: relative to the destination, separated by `/`.
        person: whose album it was written for.
        photo: content key.
        source: absolute path of the original.
        sha256: of the content; empty only in a journal, while it is not known yet.
        size: bytes.
        mtime_ns: of the file in the destination; with `size` it saves hashing what nobody touched.
        source_mtime_ns: of the original when it was written, to notice that it has changed since.
        kind: the original or a companion.
        reason: why it is there, for the reader.
        faces: the faces that put it there.
        best: why it was chosen for that person; None where all photos go, and for companions. Left
            out of the file then: to readers who do not know it, it says nothing that they need, so
            the number of the format stays.
    """

    path: str
    person: PersonId
    photo: str
    source: str
    sha256: str
    size: int
    mtime_ns: int
    source_mtime_ns: int
    kind: Kind
    reason: str
    faces: tuple[FaceId, ...]
    best: Choice | None = None


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """One exported person and what `{person}` stood for."""

    person: PersonId
    name: str | None
    folder: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of `manifest.json`.

    Args:
        library: id of the library that the albums come from.
        created: ISO 8601, UTC.
        mode: of the last export.
        layout: of the last export.
        people: by folder.
        files: by path.
        folders: the folders that facesort created, relative, by path.
    """

    library: str
    created: str
    mode: Mode
    layout: str
    people: tuple[PersonEntry, ...] = ()
    files: tuple[FileEntry, ...] = ()
    folders: tuple[str, ...] = ()


def is_inside(path: str) -> bool:
    """Whether a relative path, as manifests store it, stays in the destination."""
    parts = path.split("/")
    return "\\" not in path and not _DRIVE.match(path) and not {"", ".", ".."}.intersection(parts)


def same_but_for_time(one: Manifest, other: Manifest) -> bool:
    """Whether rewriting the one as the other would change nothing but the date."""
    return replace(one, created="") == replace(other, created="")


def entry_to_json(entry: FileEntry) -> dict[str, object]:
    """Return the JSON object of one file."""
    document = asdict(entry)
    if entry.best is None:
        del document["best"]
    return document


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _path(value: object) -> str:
    path = _text(value)
    if not is_inside(path):
        raise ValueError(f"{path!r} leaves the destination")
    return path


# A parsed JSON object has no types until it is checked, hence Any here and below.
def entry_from_json(value: Mapping[str, Any]) -> FileEntry:
    """Read one file's JSON object.

    Raises:
        KeyError, TypeError, ValueError: it is not one, or its path leaves the destination.
    """
    return FileEntry(
        path=_path(value["path"]),
        person=PersonId(_text(value["person"])),
        photo=_text(value["photo"]),
        source=_text(value["source"]),
        sha256=_text(value["sha256"]),
        size=int(value["size"]),
        mtime_ns=int(value["mtime_ns"]),
        source_mtime_ns=int(value["source_mtime_ns"]),
        kind=Kind(value["kind"]),
        reason=_text(value["reason"]),
        faces=tuple(FaceId(_text(face)) for face in value["faces"]),
        best=_choice_from_json(value["best"]) if value.get("best") is not None else None,
    )


def _choice_from_json(value: Mapping[str, Any]) -> Choice:
    return Choice(
        rank=int(value["rank"]),
        quality=float(value["quality"]),
        burst=int(value["burst"]),
        reasons=tuple(_text(reason) for reason in value["reasons"]),
    )


def _person_from_json(value: Mapping[str, Any]) -> PersonEntry:
    name = value["name"]
    return PersonEntry(
        person=PersonId(_text(value["person"])),
        name=None if name is None else _text(name),
        folder=_text(value["folder"]),
    )


def _from_json(value: Mapping[str, Any]) -> Manifest:
    return Manifest(
        library=_text(value["library"]),
        created=_text(value["created"]),
        mode=Mode(value["mode"]),
        layout=_text(value["layout"]),
        people=tuple(_person_from_json(person) for person in value["people"]),
        files=tuple(entry_from_json(file) for file in value["files"]),
        folders=tuple(_path(folder) for folder in value["folders"]),
    )


def to_json_bytes(value: object, *, indent: int | None = None) -> bytes:
    """Return UTF-8 JSON; bytes that are no text in a file's name survive as lone surrogates.

    `backslashreplace` writes a lone surrogate in just the way in which JSON escapes it.
    """
    return json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "backslashreplace")


def write_manifest(dest: Path, manifest: Manifest) -> None:
    """Replace `manifest.json` in one step.

    Raises:
        OSError: the destination cannot be written.
    """
    ordered = replace(
        manifest,
        people=tuple(sorted(manifest.people, key=lambda p: (p.folder, p.person))),
        files=tuple(sorted(manifest.files, key=lambda f: f.path)),
        folders=tuple(sorted(manifest.folders)),
    )
    document = {"facesort": FORMAT} | {f.name: getattr(ordered, f.name) for f in fields(ordered)}
    document["people"] = [asdict(person) for person in ordered.people]
    document["files"] = [entry_to_json(file) for file in ordered.files]
    atomic_write(dest / MANIFEST_NAME, to_json_bytes(document, indent=1) + b"\n")


def read_manifest(dest: Path, *, library: str) -> Manifest | None:
    """Read what earlier exports wrote; None where there was none.

    Raises:
        DestinationOccupied: it belongs to another library, or is somebody else's file.
        DestinationUnwritable: it cannot be read.
        ExportError: it is damaged or from a newer facesort; nothing is touched without it.
    """
    path = dest / MANIFEST_NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DestinationUnwritable(
            f"{path} cannot be read", hint=explain_os_error(error)
        ) from error
    if data and not _OURS.match(data):
        raise DestinationOccupied(
            f"{path} was not written by facesort",
            hint="Choose another destination: the export needs that name for its own list.",
        )
    manifest = _parse(path, data)
    if manifest.library != library:
        raise DestinationOccupied(
            f"{dest} holds the albums of another library",
            hint="Choose another destination, or pick that library with --library.",
        )
    return manifest


def _parse(path: Path, data: bytes) -> Manifest:
    try:
        value = json.loads(data)
        version = int(value["facesort"])
        if version <= FORMAT:
            return _from_json(value)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ExportError(
            f"{path} is damaged, so facesort cannot tell which files there are its own",
            hint="Restore it from a backup, or export to another folder; nothing was changed.",
        ) from error
    raise ExportError(
        f"{path} was written by a newer facesort (format {version})", hint="Update facesort."
    )
