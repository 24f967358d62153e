"""What there is to see of people and faces in a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.catalog import photos as catalog
from facesort.catalog import places, reviewing, showing
from facesort.domain import PlaceState
from facesort.imaging.geometry import to_upright, upright_size
from facesort.jobs.describing.coreset_rule import rule_key
from facesort.jobs.review.shown import Asked, FaceShown, PersonShown, SideShown
from facesort.jobs.showing.part import owners_of, status_of
from facesort.review.questions import Kind
from facesort.review.worth import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from facesort.catalog.connection import Database
    from facesort.catalog.showing import FaceRow, PersonRow
    from facesort.domain import FaceId, PersonId, Photo
    from facesort.inference.card import ModelCard
    from facesort.review.questions import Question

__all__ = ["faces_shown", "person_shown", "show_question"]

_FACES_OF_A_GUESS = 3


def faces_shown(
    db: Database,
    faces: Sequence[FaceId],
    *,
    min_face: int,
    doubt: Mapping[FaceId, float],
) -> list[FaceShown]:
    """Return faces with all that is to be seen of them, in the order given; unknown ones left out.

    Belongs inside a snapshot of tables that are up to date.

    Args:
        db: the catalog.
        faces: ids.
        min_face: smaller faces do not count, pixels.
        doubt: how likely a face is not its person's.
    """
    found = {face.id: face for face in catalog.faces_of(db, faces, min_face=min_face)}
    photos = places.photos(db, {face.photo_id for face in found.values()})
    owners = owners_of(db, list(found))
    owned = {said.owner for said in owners.values() if said.owner is not None}
    ignored = reviewing.ignored_of(db, owned)
    shown = []
    for one in faces:
        face = found.get(one)
        if face is None:
            continue
        photo = photos[face.photo_id]
        turned = (photo.width, photo.height, _orientation(photo))
        said = owners[one]
        shown.append(
            FaceShown(
                one,
                photo.id,
                photo.places[0].path,
                photo.places[0].state is not PlaceState.PRESENT,
                photo.taken_at,
                to_upright(face.box, *turned),
                upright_size(*turned),
                face.quality,
                status_of(said, is_ignored=said.owner in ignored),
                doubt.get(one, 0.0),
                face.seconds,
            )
        )
    return shown


def _orientation(photo: Photo) -> int:
    return photo.places[0].orientation


def person_shown(row: PersonRow, doubts: int = 0) -> PersonShown:
    """Return a person as listed."""
    return PersonShown(
        row.id,
        row.name,
        row.faces,
        row.photos,
        row.confirmed,
        bool(row.ignored),
        row.cover,
        doubts,
    )


class _Sides:
    """Makes the sides of one question, from a few reads of the catalog."""

    def __init__(
        self,
        db: Database,
        card: ModelCard,
        persons: Collection[PersonId],
        *,
        min_face: int,
        doubt: Mapping[FaceId, float],
    ) -> None:
        self._db = db
        self._min_face = min_face
        self._doubt = doubt
        self.rows = {row.id: row for row in showing.people(db, persons)}
        rule = rule_key(db, card, min_face=min_face)
        self._merged = showing.aliases(db, self.rows)
        self._stands = reviewing.what_stands(db, card.model_key, rule, self.rows)
        self._read: dict[PersonId, list[FaceRow]] = {}

    def _all(self, person: PersonId) -> list[FaceRow]:
        """Return all faces of a person, the best first; there may be many, so only if needed."""
        if person not in self._read:
            identities = list(showing.members(self._db, [person]))
            found = showing.face_rows(self._db, identities, min_face=self._min_face)
            self._read[person] = sorted(found, key=lambda face: (-face.quality, face.id))
        return self._read[person]

    def best(self, person: PersonId, count: int, first: Sequence[FaceId] = ()) -> list[FaceId]:
        """Return faces of a person: some that come first, the cover, the coreset, then the best."""
        row = self.rows.get(person)
        if row is None:
            return []
        owners = owners_of(self._db, first)
        wanted = [face for face in first if owners[face].owner == person]
        wanted += [] if row.cover is None else [row.cover]
        if person in self._stands:
            wanted += self._stands[person].faces
        found = list(dict.fromkeys(wanted))
        if len(found) < min(count, row.faces):
            found = list(dict.fromkeys([*found, *(face.id for face in self._all(person))]))
        return found[:count]

    def _dates(self, person: PersonId) -> tuple[str, str]:
        """Return when the first and the last dated photo of a person were taken."""
        if person in self._stands:
            return self._stands[person].since, self._stands[person].until
        return reviewing.dates(self._db, {face.photo for face in self._all(person)})

    def side(
        self, person: PersonId | None, faces: Sequence[FaceId], chance: float | None = None
    ) -> SideShown:
        """Return a side that shows these faces."""
        shown = faces_shown(self._db, faces, min_face=self._min_face, doubt=self._doubt)
        row = None if person is None else self.rows.get(person)
        if row is None:
            photos = len({face.photo for face in shown})
            return SideShown(
                None, None, ignored=False, faces=len(faces), photos=photos, shown=(*shown,)
            )
        since, until = self._dates(row.id)
        return SideShown(
            row.id,
            row.name,
            bool(row.ignored),
            row.faces,
            row.photos,
            (*shown,),
            since,
            until,
            chance,
            self._merged[row.id],
        )


def show_question(
    db: Database,
    card: ModelCard,
    question: Question,
    *,
    min_face: int,
    doubt: Mapping[FaceId, float],
) -> Asked:
    """Return a question with what there is to see; inside a snapshot as above.

    Args:
        db: the catalog.
        card: the embedder's.
        question: what is asked.
        min_face: smaller faces do not count, pixels.
        doubt: how likely a face is not its person's.
    """
    guessed = [guess.person for guess in question.guesses]
    owners = owners_of(db, question.faces)
    twice = [owners[face].owner for face in question.faces] if question.kind is Kind.MIRROR else []
    persons = {*question.people, *guessed, *(one for one in twice if one is not None)}
    sides = _Sides(db, card, persons, min_face=min_face, doubt=doubt)
    if question.kind in {Kind.SAME, Kind.WHO}:
        chances = [None, *question.chances]
        made = [
            sides.side(person, sides.best(person, MOST_SHOWN, question.faces), chance)
            for person, chance in zip(question.people, chances, strict=False)
        ]
    elif question.kind is Kind.MIRROR:
        made = [
            sides.side(owner, [face] if owner is None else sides.best(owner, MOST_SHOWN, [face]))
            for face, owner in zip(question.faces, twice, strict=True)
        ]
    else:
        person = question.people[0]
        asked = set(question.faces)
        rest = [f for f in sides.best(person, MOST_SHOWN + len(asked)) if f not in asked]
        whose = None if question.kind is Kind.ALSO else person
        made = [sides.side(whose, question.faces), sides.side(person, rest[:MOST_SHOWN])]
    guesses = [sides.side(one, sides.best(one, _FACES_OF_A_GUESS)) for one in guessed]
    return Asked(question, tuple(made), tuple(guesses))
