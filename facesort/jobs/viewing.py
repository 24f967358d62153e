"""What a library shows: people, their faces, and the photos they are on.

Most of it is read from the tables of what is shown. What computes is imported when it is needed, so
that listing people takes no longer than reading them.
"""

from __future__ import annotations

from abc import ABC
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from facesort.catalog import places, showing, shown
from facesort.catalog.roots import root_paths
from facesort.domain import Person, PersonId, comparable_name
from facesort.jobs.grouping.due import needs_grouping

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Sequence
    from pathlib import Path

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import PersonRow
    from facesort.domain import Face, FaceId, FaceStatus, Photo, PhotoId, Place, PlaceState
    from facesort.jobs.showing.situation import Situation
    from facesort.jobs.showing.together import Together
    from facesort.protocols import Progress

__all__ = ["DEFAULT_MIN_FACE", "ListedFace", "SeenFace", "Viewing", "tell_if_shared"]

# Pixels, shorter side. Below it most of SFace's 112-pixel crop is invented by interpolation.
DEFAULT_MIN_FACE = 24


class SeenFace(NamedTuple):
    """A face, whose it is, and where.

    Args:
        face: the face.
        owner: the person it is shown with; None for nobody.
        name: of that person, or None.
        status: how it stands to them.
        photo: its photo.
    """

    face: Face
    owner: PersonId | None
    name: str | None
    status: FaceStatus
    photo: Photo


class ListedFace(NamedTuple):
    """A face of a person in a list.

    Args:
        id: the face.
        quality: 0..1.
        status: how it stands to the person.
        path: of its photo: the first present place, else the first.
        is_missing: the photo was not there at the last scan.
    """

    id: FaceId
    quality: float
    status: FaceStatus
    path: str
    is_missing: bool


def tell_if_shared(db: Database, progress: Progress) -> None:
    """Say once that a library lies on a network drive, and what that means."""
    if db.drive is None or db.meta("told_drive") == db.drive:
        return
    progress.note(
        f"The library {db.path.parent} is on a network or shared drive ({db.drive}). That works "
        "from one computer at a time, and slower: while one command writes, others wait. A drive "
        "of this computer is better (--library); photos may lie anywhere."
    )
    with db.transaction():
        db.set_meta("told_drive", db.drive)


class Viewing(ABC):
    """What can be asked of a library. `PERSON` is an id or a name."""

    _db: Database

    @property
    def min_face(self) -> int:
        """Smallest face that counts in this library: shorter side in original pixels."""
        return int(self._db.meta("min_face", str(DEFAULT_MIN_FACE)))

    def people(self) -> list[PersonRow]:
        """Return everybody: most photos first, then most faces, then by name and id."""
        with self._up_to_date():
            return showing.people(self._db)

    def known_people(self, *, min_photos: int) -> tuple[list[PersonRow], int, int]:
        """Return those with a name or on so many photos, and how many others and ignored ones."""
        with self._up_to_date():
            listed = showing.known_people(self._db, min_photos=min_photos)
            shown_now, ignored = showing.count_shown(self._db)
            return listed, shown_now - len(listed), ignored

    def list_faces(self, reference: str) -> tuple[Person, list[ListedFace]]:
        """Return a person without the tuple of faces, and a list of them, best first.

        Raises:
            UnknownPerson, AmbiguousPerson: the reference leads to nobody, or to several.
        """
        from facesort.jobs.showing.faces import list_faces  # noqa: PLC0415 - only some commands list them

        with self._up_to_date():
            person = self._person(reference)
            return person, list_faces(self._db, person, min_face=self.min_face)

    def faces_of(self, reference: str) -> tuple[Person, list[SeenFace]]:
        """Return a person likewise, with all that is known of the faces."""
        from facesort.jobs.showing.faces import faces_of  # noqa: PLC0415 - as above

        with self._up_to_date():
            person = self._person(reference)
            return person, faces_of(self._db, person, min_face=self.min_face)

    def photos_together(self, texts: Sequence[str], *, ignored: bool = False) -> Together:
        """Return the photos that show somebody for every text; see `jobs.showing.together`.

        Raises:
            UsageError: a text is empty.
        """
        from facesort.jobs.showing.together import photos_together  # noqa: PLC0415 - as above

        with self._up_to_date():
            return photos_together(self._db, texts, ignored=ignored, min_face=self.min_face)

    def _person(self, reference: str) -> Person:
        row = self._plainly(reference)
        if row is None:  # several of that name, an old id, or nobody
            from facesort.jobs.showing.situation import read_situation  # noqa: PLC0415 - as above

            found = read_situation(self._db, min_face=self.min_face, persons=[reference])
            return found.person(reference)
        merged = showing.aliases(self._db, [row.id])[row.id]
        return Person(
            row.id, row.name, (), row.photos, row.cover, row.confirmed, bool(row.ignored), merged
        )

    def _plainly(self, reference: str) -> PersonRow | None:
        """Find a person where nothing can be doubted."""
        given = PersonId(reference.strip())
        survivor = showing.survivors(self._db, [given])[given]
        found = showing.people(self._db, [survivor])
        if found:
            return found[0]
        wanted = comparable_name(given)
        alike = [
            person
            for person, name in showing.names(self._db).items()
            if comparable_name(name) == wanted
        ]
        return showing.people(self._db, alike)[0] if len(alike) == 1 else None

    def faces(self) -> Generator[SeenFace]:
        """Yield every face, in anchor order, as at one moment; close it before the library."""
        from facesort.jobs.showing.faces import every_face  # noqa: PLC0415 - as above

        with self._up_to_date():
            yield from every_face(self._db, min_face=self.min_face)

    def ungrouped_faces(self) -> int:
        """Return how many faces are nobody's and wait for the next grouping; 0 when none is due."""
        if not needs_grouping(self._db):
            return 0
        from facesort.catalog.photos import count_faces  # noqa: PLC0415 - as above

        with self._up_to_date():
            counted = count_faces(self._db, min_face=self.min_face)
            return counted - showing.held_faces(self._db)

    def situation(self) -> Situation:
        """Read all faces, decisions and people as they are now."""
        from facesort.jobs.showing.situation import read_situation  # noqa: PLC0415 - as above

        with self._db.snapshot():
            return read_situation(self._db, min_face=self.min_face)

    def view(self) -> tuple[Situation, dict[PhotoId, Photo]]:
        """Read the situation and all photos at one moment: every face's photo is there."""
        from facesort.jobs.showing.situation import read_situation  # noqa: PLC0415 - as above

        with self._db.snapshot():
            situation = read_situation(self._db, min_face=self.min_face)
            return situation, places.photos(self._db)

    def photos(self) -> dict[PhotoId, Photo]:
        """Return all photos with their places; together with their faces, see `view`."""
        with self._db.snapshot():
            return places.photos(self._db)

    def places(self, states: Sequence[PlaceState]) -> list[Place]:
        """Return the files in any of these states, by path."""
        return places.places_in_state(self._db, states)

    def roots(self) -> list[Path]:
        """Return the scanned folders."""
        return root_paths(self._db)

    @contextmanager
    def _up_to_date(self) -> Iterator[None]:
        """Bring the tables of what is shown up to date, and read at one moment."""
        while True:
            if not shown.is_fresh(self._db, min_face=self.min_face):
                from facesort.jobs.showing.shown import ensure_fresh  # noqa: PLC0415 - it computes

                ensure_fresh(self._db, min_face=self.min_face)
            with self._db.snapshot():
                # Somebody else may have decided something between the two.
                if shown.is_fresh(self._db, min_face=self.min_face):
                    yield
                    return

    @contextmanager
    def _looking_at(
        self, persons: Collection[str] = (), faces: Collection[str] = ()
    ) -> Iterator[Situation]:
        """Read some people and faces at one moment."""
        from facesort.jobs.showing.situation import read_situation  # noqa: PLC0415 - as above

        with self._up_to_date():
            yield read_situation(self._db, min_face=self.min_face, persons=persons, faces=faces)
