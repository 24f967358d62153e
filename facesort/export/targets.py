"""Which file goes where: folders of people, names of files, clashes of names. Pure.

Nothing here depends on the order of albums or photos, nor on earlier exports.
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from facesort.domain import FaceId, PersonId
from facesort.export.clashes import Group, Member, Occupant, resolve
from facesort.export.layout import date_fields
from facesort.export.manifest import Choice, Kind
from facesort.export.names import comparable, safe_component, split_extension, with_suffix

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from facesort.export.layout import Layout

__all__ = [
    "Album",
    "AlbumPhoto",
    "Wanted",
    "assign_folders",
    "entry_identity",
    "place_photos",
    "unify",
]

# ".jpg.xmp" has 8 bytes; a longer rest of a companion's name is a name of its own.
_MAX_TAIL_BYTES = 40


@dataclass(frozen=True, slots=True)
class AlbumPhoto:
    """One photo of an album.

    Args:
        content_key: `algo:hash` of the picture.
        source: absolute path of the first present place; None when the original is missing.
        filename: the name to export it under.
        taken_at: ISO 8601 without zone, or empty.
        camera: model name, or empty.
        companions: absolute paths of the files that go along (RAW, .xmp, .mov).
        faces: the faces of this person in it.
        last_path: absolute path where it was seen last, for messages.
        trouble: why it cannot be exported, where more is known than that it is not there.
        why: why it was chosen for this album among the person's photos, in one line; empty where
            all go.
        best: the same for programs; None where all go.
    """

    content_key: str
    source: str | None
    filename: str
    taken_at: str = ""
    camera: str = ""
    companions: tuple[str, ...] = ()
    faces: tuple[FaceId, ...] = ()
    last_path: str = ""
    trouble: str = ""
    why: str = ""
    best: Choice | None = None


@dataclass(frozen=True, slots=True)
class Album:
    """The photos of one person.

    Args:
        person: unique among the albums of an export.
        name: the label, or None.
        photos: in any order; one content key twice is one photo.
        named_at: id of the decision that gave the name; of two equal names the smaller keeps the
            plain folder.
        note: what the user should know of the choice of its photos; empty: nothing.
    """

    person: PersonId
    name: str | None
    photos: tuple[AlbumPhoto, ...]
    named_at: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file that the destination should hold.

    Args:
        target: relative path.
        plain: the path it would have had without any clash.
        source: absolute path; None when the original is missing.
        kind: original or companion.
        person: the album it belongs to; of several at one target, the one named first.
        photo: content key.
        faces: the faces that put it there.
        reason: for the reader of the manifest.
        identity: see `entry_identity`.
        best: why it was chosen for that person, of an original.
    """

    target: str
    plain: str
    source: str | None
    kind: Kind
    person: PersonId
    photo: str
    faces: tuple[FaceId, ...]
    reason: str
    identity: tuple[str, str]
    best: Choice | None = None


def _basename(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def entry_identity(photo: str, kind: Kind, source: str) -> tuple[str, str]:
    """Return what makes a file the same one over several exports, wherever its original lies."""
    return photo, "" if kind is Kind.ORIGINAL else comparable(_basename(source))


def unify(albums: Iterable[Album], present: Container[str]) -> list[Album]:
    """Let a photo be the same file in every album: one source, one name, and each photo once.

    Args:
        albums: in any order.
        present: absolute paths that are there; such a source is preferred.

    Returns:
        The albums, whose equal photos differ only in their faces and in why they were chosen.
    """
    albums = list(albums)
    chosen: dict[str, AlbumPhoto] = {}
    for photo in (photo for album in albums for photo in album.photos):
        best = chosen.setdefault(photo.content_key, photo)
        if _preference(photo, present) < _preference(best, present):
            chosen[photo.content_key] = photo
    return [replace(album, photos=_once(album.photos, chosen)) for album in albums]


def _preference(photo: AlbumPhoto, present: Container[str]) -> tuple[object, ...]:
    rest = (photo.filename, photo.taken_at, photo.camera, photo.companions)
    return (photo.source not in present, photo.source is None, photo.source or "", *rest)


def _once(photos: Iterable[AlbumPhoto], chosen: Mapping[str, AlbumPhoto]) -> tuple[AlbumPhoto, ...]:
    faces: dict[str, set[FaceId]] = defaultdict(set)
    first: dict[str, AlbumPhoto] = {}
    for photo in sorted(photos, key=_rank):
        faces[photo.content_key].update(photo.faces)
        first.setdefault(photo.content_key, photo)
    return tuple(
        replace(
            chosen[key],
            faces=tuple(sorted(faces[key])),
            why=first[key].why,
            best=first[key].best,
        )
        for key in sorted(faces)
    )


def _rank(photo: AlbumPhoto) -> tuple[float, str]:
    """Put chosen photos in the order of their choice; those that all go come after them."""
    return (math.inf, photo.why) if photo.best is None else (photo.best.rank, photo.why)


def _by_naming(albums: Iterable[Album]) -> list[Album]:
    return sorted(albums, key=lambda album: (not album.name, album.named_at, album.person))


def _label(album: Album) -> str:
    return album.name or f"person-{album.person}"


def assign_folders(albums: Iterable[Album]) -> dict[PersonId, str]:
    """Give every person a safe folder name of their own, the earliest named the plain one."""
    folders: dict[PersonId, str] = {}
    taken: set[str] = set()
    for album in _by_naming(albums):
        folder = plain = safe_component(_label(album))
        attempt = 1
        while comparable(folder) in taken:
            more = "" if attempt == 1 else f" {attempt}"
            folder = with_suffix(plain, f" {safe_component(f'({album.person}{more})')}")
            attempt += 1
        taken.add(comparable(folder))
        folders[album.person] = folder
    return folders


def place_photos(
    albums: Sequence[Album],
    folders: Mapping[PersonId, str],
    *,
    layout: Layout,
    occupants: Mapping[str, Occupant],
) -> list[Wanted]:
    """Return every file that should be in the destination, each target once, sorted by target.

    Args:
        albums: from `unify`, in any order.
        folders: from `assign_folders`.
        layout: checked template.
        occupants: by comparable path: what cannot be moved out of the way.
    """
    files = {
        photo.source: photo.content_key
        for album in albums
        for photo in album.photos
        if photo.source is not None
    }
    ordered = [(a, number, photo) for a in _by_naming(albums) for number, photo in _numbered(a)]
    groups = [
        _group(photo, _values(album, photo, number, folders[album.person]), layout, files)
        for album, number, photo in ordered
    ]
    levels = resolve(groups, occupants)
    wanted: dict[str, Wanted] = {}
    for (album, _, photo), group, level in zip(ordered, groups, levels, strict=True):
        for want in _wanted_of(album, photo, group, level):
            wanted[want.target] = _merged(wanted.get(want.target), want)
    return [wanted[target] for target in sorted(wanted)]


def _numbered(album: Album) -> list[tuple[str, AlbumPhoto]]:
    """Return the album's photos with their zero-padded numbers.

    Chosen ones by the rank of their choice, others by time, undated last.
    """
    undated = date_fields("")
    photos = sorted(
        album.photos,
        key=lambda p: (
            math.inf if p.best is None else p.best.rank,
            date_fields(p.taken_at) == undated,
            p.taken_at,
            p.content_key,
        ),
    )
    digits = max(3, len(str(len(photos))))
    return [(f"{i:0{digits}d}", photo) for i, photo in enumerate(photos, start=1)]


def _values(album: Album, photo: AlbumPhoto, number: str, folder: str) -> dict[str, str]:
    day, year = date_fields(photo.taken_at)
    stem, extension = split_extension(photo.filename)
    return {
        "person": folder,
        "id": album.person,
        "date": day,
        "year": year,
        "camera": photo.camera or "unknown",
        "stem": stem,
        "ext": extension.removeprefix("."),
        "n": number,
        "filename": photo.filename,
    }


def _group(
    photo: AlbumPhoto, values: Mapping[str, str], layout: Layout, files: Mapping[str, str]
) -> Group:
    *parents, last = layout.render(values)
    stem, extension = split_extension(last)
    key = photo.content_key
    members = [Member(extension, photo.source, Kind.ORIGINAL, (key, ""), key)]
    seen = {comparable(extension)}
    for companion in sorted(set(photo.companions)):
        tail = _tail(photo.filename, companion, extension)
        while comparable(tail) in seen:
            tail = f"-{len(members) + 1}{tail}"
        seen.add(comparable(tail))
        identity = entry_identity(key, Kind.COMPANION, companion)
        file = files.get(companion, companion)
        members.append(Member(tail, companion, Kind.COMPANION, identity, file))
    return Group(key, "".join(f"{name}/" for name in parents), stem, tuple(members))


def _tail(filename: str, companion: str, extension: str) -> str:
    """Return what follows the stem: `.xmp` for IMG_1.xmp, `.jpg.xmp` for IMG_1.jpg.xmp."""
    name = unicodedata.normalize("NFC", _basename(companion))
    filename = unicodedata.normalize("NFC", filename)
    stem = split_extension(filename)[0]
    tail = split_extension(name)[1]
    if name[: len(filename)].casefold() == filename.casefold():
        tail = extension + name[len(filename) :]
    elif name[: len(stem)].casefold() == stem.casefold():
        tail = name[len(stem) :]
    tail = safe_component("x" + tail)[1:]
    if len(tail.encode()) > _MAX_TAIL_BYTES:
        tail = split_extension(name)[1]
    return tail or ".companion"


def _wanted_of(album: Album, photo: AlbumPhoto, group: Group, level: int) -> list[Wanted]:
    shows = f"shows {_label(album)}" + (f"; {photo.why}" if photo.why else "")
    targets, plain = group.targets(level), group.targets(0)
    return [
        Wanted(
            target=targets[i],
            plain=plain[i],
            source=member.source,
            kind=member.kind,
            person=album.person,
            photo=photo.content_key,
            faces=photo.faces,
            reason=shows if member.kind is Kind.ORIGINAL else f"goes with {photo.filename}",
            identity=member.identity,
            best=photo.best if member.kind is Kind.ORIGINAL else None,
        )
        for i, member in enumerate(group.members)
    ]


def _merged(one: Wanted | None, other: Wanted) -> Wanted:
    """Join two reasons for one file: two people in a layout without people, or RAW beside JPEG."""
    if one is None:
        return other
    if (one.kind, other.kind) == (Kind.COMPANION, Kind.ORIGINAL):
        one, other = other, one
    known = f"; {other.reason}; " in f"; {one.reason}; "
    reason = one.reason if known else f"{one.reason}; {other.reason}"
    faces = tuple(sorted({*one.faces, *other.faces}))
    return replace(one, faces=faces, reason=reason)
