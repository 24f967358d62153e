"""From albums to operations. Pure: what the disk says comes in as a `Survey`.

The rule that everything here serves: only files that an earlier export wrote, and nobody changed
since, are moved or removed; whatever else lies in the destination keeps its place and its content.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from facesort.export.clashes import Occupant
from facesort.export.manifest import FileEntry, Kind, Mode, PersonEntry
from facesort.export.names import comparable_path
from facesort.export.operations import (
    Found,
    Keep,
    Missing,
    Move,
    Operation,
    Plan,
    Remove,
    SourceFacts,
    Survey,
    Write,
)
from facesort.export.ordering import order_moves
from facesort.export.targets import (
    Album,
    AlbumPhoto,
    Wanted,
    assign_folders,
    entry_identity,
    place_photos,
    unify,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from facesort.export.layout import Layout

__all__ = [
    "Album",
    "AlbumPhoto",
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
    "plan_export",
]


def plan_export(albums: Sequence[Album], *, layout: Layout, mode: Mode, survey: Survey) -> Plan:
    """Work out how the destination becomes what the albums say.

    Args:
        albums: one per person; their order does not matter.
        layout: checked template.
        mode: how files are written.
        survey: what the disk says, earlier exports included.

    Returns:
        The plan; applied and planned again, it has no changes.
    """
    folders = assign_folders(albums)
    albums = _with_old_companions(unify(albums, survey.sources), survey)
    stranded = _stranded(albums, survey)
    occupants = _occupants(survey, stranded)
    wanted = place_photos(albums, folders, layout=layout, occupants=occupants)
    matched = _match(wanted, survey)
    missing = _missing(albums, survey)
    draft = _Draft(survey, mode, {lost.photo for lost in missing})
    for want in wanted:
        draft.decide(want, matched.get(want.target))
    draft.leave(stranded)
    used = {found.entry.path for found in matched.values()} | {f.entry.path for f in stranded}
    draft.clear(found for found in survey.found if found.entry.path not in used)
    people = tuple(
        sorted(
            (PersonEntry(a.person, a.name, folders[a.person]) for a in albums),
            key=lambda p: (p.folder, p.person),
        )
    )
    notes = (
        *(album.note for album in albums if album.note),
        *_mode_note(mode),
        *_unlinked_note(mode, survey),
        *_foreign_notes(wanted, survey),
        *draft.notes,
    )
    return Plan(mode, layout.template, people, draft.ordered(), notes, missing)


def _mode_note(mode: Mode) -> tuple[str, ...]:
    if mode is Mode.COPY:
        return ()
    kind = "hard links" if mode is Mode.HARDLINK else "symbolic links"
    return (f"the albums are {kind}: editing a file there edits the original",)


def _unlinked_note(mode: Mode, survey: Survey) -> tuple[str, ...]:
    """Say that links become copies: whoever left out `--mode` may not have meant it."""
    if mode is not Mode.COPY:
        return ()
    there = [
        (found, facts)
        for found in survey.found
        if not found.edited and (facts := survey.sources.get(found.entry.source))
    ]
    soft = any(found.link is not None for found, _ in there)
    hard = any((found.device, found.inode) == (facts.device, facts.inode) for found, facts in there)
    if not soft and not hard:
        return ()
    kind, option = ("symbolic links", Mode.SYMLINK) if soft else ("hard links", Mode.HARDLINK)
    return (f"the albums were {kind} and become copies; --mode {option} keeps them links",)


def _foreign_notes(wanted: Sequence[Wanted], survey: Survey) -> list[str]:
    foreign = {comparable_path(path): path for path in survey.foreign}
    pairs = ((foreign.get(comparable_path(want.plain)), want) for want in wanted)
    return [
        f"{path} is not facesort's and stays; the photo goes to {want.target}"
        for path, want in pairs
        if path is not None
    ]


def _missing(albums: Sequence[Album], survey: Survey) -> tuple[Missing, ...]:
    lost = {
        photo.content_key: Missing(
            photo.content_key,
            photo.source or photo.last_path or photo.filename,
            photo.trouble or "the original is not there",
        )
        for album in albums
        for photo in album.photos
        if photo.source not in survey.sources
    }
    return tuple(sorted(lost.values(), key=lambda m: (m.filename, m.photo)))


def _with_old_companions(albums: Sequence[Album], survey: Survey) -> list[Album]:
    """Give missing photos the companions of earlier exports, so that they stay together."""
    old: dict[str, set[str]] = defaultdict(set)
    for found in survey.found:
        if found.entry.kind is Kind.COMPANION:
            old[found.entry.photo].add(found.entry.source)

    def complete(photo: AlbumPhoto) -> AlbumPhoto:
        if photo.source in survey.sources:
            return photo
        known = {entry_identity(photo.content_key, Kind.COMPANION, c) for c in photo.companions}
        more = [
            source
            for source in sorted(old[photo.content_key])
            if entry_identity(photo.content_key, Kind.COMPANION, source) not in known
        ]
        return replace(photo, companions=(*photo.companions, *more))

    return [replace(a, photos=tuple(complete(photo) for photo in a.photos)) for a in albums]


def _stranded(albums: Sequence[Album], survey: Survey) -> list[Found]:
    """Return our files that no album wants and that may be the last copy of their picture."""
    wanted = set()
    for album in albums:
        for photo in album.photos:
            wanted.add((photo.content_key, ""))
            wanted.update(
                entry_identity(photo.content_key, Kind.COMPANION, companion)
                for companion in photo.companions
            )
    present = {
        photo.content_key
        for album in albums
        for photo in album.photos
        if photo.source in survey.sources
    }
    return [
        found
        for found in survey.found
        if not found.edited
        and found.link is None
        and found.entry.source not in survey.sources
        and not (found.entry.kind is Kind.ORIGINAL and found.entry.photo in present)
        and _identity(found) not in wanted
    ]


def _identity(found: Found) -> tuple[str, str]:
    return entry_identity(found.entry.photo, found.entry.kind, found.entry.source)


def _occupants(survey: Survey, stranded: Sequence[Found]) -> dict[str, Occupant]:
    """Return by comparable path what stays where it is, whatever is planned."""
    immovable = {comparable_path(path): Occupant(path, None) for path in survey.foreign}
    for found in (*stranded, *(f for f in survey.found if f.edited)):
        path = found.entry.path
        immovable[comparable_path(path)] = Occupant(path, _identity(found))
    return immovable


def _match(wanted: Sequence[Wanted], survey: Survey) -> dict[str, Found]:
    """Pair targets with what earlier exports wrote for the same picture.

    First what is already in place, then the same person's, then anybody's: so that the copy of a
    missing original goes to the album that it was made for.
    """
    pairs: dict[str, Found] = {}
    by_path = {found.entry.path: found for found in survey.found}
    for want in wanted:
        found = by_path.get(want.target)
        if found and _identity(found) == want.identity:
            pairs[want.target] = found
    taken = {found.entry.path for found in pairs.values()}
    for same_person in (True, False):
        spare: dict[tuple[tuple[str, str], str], list[Found]] = defaultdict(list)
        for found in sorted(survey.found, key=lambda f: f.entry.path, reverse=True):
            if found.entry.path not in taken and not found.edited:
                person = found.entry.person if same_person else ""
                spare[_identity(found), person].append(found)
        for want in wanted:
            candidates = spare[want.identity, want.person if same_person else ""]
            if want.target not in pairs and candidates:
                pairs[want.target] = candidates.pop()
                taken.add(pairs[want.target].entry.path)
    return pairs


class _Draft:
    """Collects operations and notes; `decide` looks at one wanted file at a time."""

    def __init__(self, survey: Survey, mode: Mode, lost: Collection[str]) -> None:
        self._lost = lost
        self._sources = survey.sources
        self._mode = mode
        self._removals: list[Remove] = []
        self._moves: list[Move] = []
        self._writes: list[Write] = []
        self._keeps: list[Keep] = []
        self.notes: list[str] = []

    def decide(self, want: Wanted, found: Found | None) -> None:
        facts = self._sources.get(want.source or "")
        if found is None:
            self._write(want, facts, None)
            return
        entry = found.entry
        in_place = entry.path == want.target
        if found.edited:
            self.notes.append(f"{entry.path} was changed since the last export and stays as it is")
            self._keeps.append(Keep(_renewed(entry, want, source=entry.source)))
        elif facts is not None and not self._is_current(found, want, facts):
            if not in_place:
                self._removals.append(Remove(entry))
            self._write(want, facts, entry if in_place else None)
        else:
            source = entry.source if want.source is None or facts is None else want.source
            renewed = _renewed(entry, want, source=source)
            if in_place:
                self._keeps.append(Keep(renewed))
            else:
                self._moves.append(Move(entry, renewed))

    def leave(self, stranded: Sequence[Found]) -> None:
        for found in stranded:
            path = found.entry.path
            self.notes.append(
                f"{path} is in no album but stays: its original is gone, it may be the last copy"
            )
            self._keeps.append(Keep(found.entry))

    def clear(self, leftovers: Iterable[Found]) -> None:
        for found in leftovers:
            if found.edited:
                self.notes.append(
                    f"{found.entry.path} was changed since the last export and stays: it is yours"
                )
            else:
                self._removals.append(Remove(found.entry))

    def ordered(self) -> tuple[Operation, ...]:
        return (
            *sorted(self._removals, key=lambda op: op.entry.path),
            *order_moves(self._moves),
            *sorted(self._writes, key=lambda op: op.entry.path),
            *sorted(self._keeps, key=lambda op: op.entry.path),
        )

    def _write(self, want: Wanted, facts: SourceFacts | None, replaces: FileEntry | None) -> None:
        if facts is None or want.source is None:
            if want.kind is Kind.COMPANION and want.photo not in self._lost:
                self.notes.append(f"{want.source} is not there and was left out")
            return  # a missing original is listed in Plan.missing
        entry = FileEntry(
            path=want.target,
            person=want.person,
            photo=want.photo,
            source=want.source,
            sha256="",
            size=facts.size,
            mtime_ns=0,
            source_mtime_ns=facts.mtime_ns,
            kind=want.kind,
            reason=want.reason,
            faces=want.faces,
            best=want.best,
        )
        self._writes.append(Write(entry, replaces))

    def _is_current(self, found: Found, want: Wanted, facts: SourceFacts) -> bool:
        """Whether the file is what the mode asks for, made from the original as it is now."""
        linked = (found.device, found.inode) == (facts.device, facts.inode)
        if self._mode is Mode.SYMLINK:
            return found.link == want.source
        if found.link is not None:
            return False
        if self._mode is Mode.HARDLINK:
            return linked
        entry = found.entry
        return not linked and (entry.size, entry.source_mtime_ns) == (facts.size, facts.mtime_ns)


def _renewed(entry: FileEntry, want: Wanted, *, source: str) -> FileEntry:
    return replace(
        entry,
        path=want.target,
        person=want.person,
        source=source,
        reason=want.reason,
        faces=want.faces,
        best=want.best,
    )
