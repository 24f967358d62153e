"""A small scanned album, and what there is to see of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.fakes import open_library, png

if TYPE_CHECKING:
    from pathlib import Path

    from facesort.domain import Person
    from facesort.library import Library

__all__ = ["COLOURS", "Album", "faces_of", "owner_of", "people_of", "seen_by", "status_of"]

COLOURS = ("anna", "bert", "cleo", "dora")


class Album:
    """Four people, five photos each, in a library that the command line finds too."""

    def __init__(self, root: Path) -> None:
        self.photos = root / "photos"
        self.folder = type(root)(os.environ["FACESORT_LIBRARY"])
        for number in range(5):
            png(self.photos / f"{number}.png", *COLOURS, number=number)
        with self.open() as library:
            library.scan([self.photos])

    def open(self) -> Library:
        """Open its library with fake models."""
        return open_library(self.folder)

    def ids(self, library: Library) -> dict[str, str]:
        """Return the id of each colour's person, by what is on the first photo."""
        situation = library.situation()
        first = min(face.photo_id for face in situation.faces.values())
        faces = sorted(
            (f for f in situation.faces.values() if f.photo_id == first), key=lambda f: f.box
        )
        return {
            colour: str(situation.people.owners[face.id])
            for colour, face in zip(COLOURS, faces, strict=True)
        }


def people_of(library: Library) -> dict[str, Person]:
    """Return everybody, by id."""
    return {str(key): person for key, person in library.situation().people.by_id.items()}


def seen_by(library: Library) -> tuple[object, ...]:
    """Return everything that the user can see of people and faces."""
    people = library.situation().people
    return (people.by_id, people.owners, people.status)


def faces_of(library: Library, person: str) -> list[str]:
    """Return the ids of a person's faces."""
    return sorted(library.situation().person(person).faces)


def owner_of(library: Library, face: str) -> str | None:
    """Return whom a face is with."""
    situation = library.situation()
    owner = situation.people.owners[situation.face(face).id]
    return None if owner is None else str(owner)


def status_of(library: Library, face: str) -> str:
    """Return how a face stands to its person."""
    situation = library.situation()
    return situation.people.status[situation.face(face).id].value
