"""What can be done in a review without being asked: from lists of people and faces."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facesort.domain import FaceId
from facesort.jobs import decide
from facesort.jobs.review.listing import Listing
from facesort.jobs.review.shown import Done
from facesort.jobs.review.sight import Sight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from facesort.domain import Person, PersonId
    from facesort.jobs.decide import Decided
    from facesort.jobs.showing.situation import Situation
    from facesort.review.questions import Question
    from facesort.review.queue import Queue
    from facesort.review.state import ReviewState

__all__ = ["Acting", "Step"]

_UNSEEN = Sight()


@dataclass(slots=True)
class Step:
    """Something that can be taken back.

    Args:
        decisions: their numbers.
        doubt: number of a not-sure, or None.
        sentence: what it was.
        follow: does in memory what was stored; None: that is not known, all is read anew.
        skipped: the question, where one was only skipped.
        faces: that may have moved; whether they have in memory as on the disk is checked.
        sitting: of which reading of the catalog; in memory it is taken back only there.
    """

    decisions: tuple[int, ...]
    doubt: int | None
    sentence: str
    follow: Callable[[Queue], object] | None = None
    skipped: Question | None = None
    faces: tuple[FaceId, ...] = ()
    sitting: int = 0


class Acting(Listing):
    """Acts on people and faces; each is one thing to take back.

    They raise what the methods of the same name of a library raise (`jobs.deciding`), and
    StaleQuestion where people or faces are not any more what a list has shown (`seen`).
    """

    @abstractmethod
    def _remember(self, step: Step) -> None:
        """Take note of what was done."""

    @contextmanager
    def _judging(
        self, references: Sequence[str], faces: Sequence[str], seen: Sight
    ) -> Iterator[Situation]:
        """Judge and write in one transaction, if all is as it was shown."""
        with self._access.deciding([*references, *seen.references], faces) as now:
            seen.check(now, faces)
            yield now

    def _done(
        self,
        sentence: str,
        decisions: Sequence[int | None],
        change: Callable[[ReviewState], object],
        person: PersonId | None,
        faces: Sequence[FaceId] = (),
    ) -> Done:
        made = tuple(number for number in decisions if number is not None)
        if made:
            self._remember(
                Step(
                    made,
                    None,
                    sentence,
                    lambda queue: queue.change(change),
                    faces=tuple(faces),
                )
            )
        return Done(sentence, made, person)

    def merge(
        self, references: Sequence[str], *, anyway: bool = False, seen: Sight = _UNSEEN
    ) -> Done:
        """Make people one; the first survives."""
        with self._judging(references, (), seen) as now:
            persons = [now.meant(reference) for reference in references]
            number = decide.merge(self._access.db, now, persons, anyway=anyway)
        ids = [person.id for person in persons]
        first = persons[0]
        return self._done(
            f"merged {len(set(ids))} people into {_named(first)}",
            [number],
            lambda state: state.merge([state.row(person) for person in ids]),
            first.id,
        )

    def different(self, references: Sequence[str], *, seen: Sight = _UNSEEN) -> Done:
        """Say that people are different."""
        with self._judging(references, (), seen) as now:
            persons = [now.meant(reference) for reference in references]
            number = decide.different(self._access.db, now, persons, given=references)
        ids = [person.id for person in persons]

        def change(state: ReviewState) -> None:
            for place, one in enumerate(ids):
                for other in ids[:place]:
                    state.set_apart(state.row(one), state.row(other))

        return self._done(f"kept {len(ids)} people apart", [number], change, ids[0])

    def ignore(self, references: Sequence[str], *, seen: Sight = _UNSEEN) -> Done:
        """Stop showing people."""
        with self._judging(references, (), seen) as now:
            persons = [now.meant(reference) for reference in references]
            number = decide.ignore(self._access.db, now, persons)

        def change(state: ReviewState) -> None:
            for person in persons:
                state.ignore(state.row(person.id))

        who = _named(persons[0]) if len(persons) == 1 else f"{len(persons):,} people"
        return self._done(f"ignored {who}", [number], change, persons[0].id)

    def name(
        self, reference: str, text: str, *, same: bool | None = None, seen: Sight = _UNSEEN
    ) -> Done:
        """Call a person by a name."""
        with self._judging([reference, text], (), seen) as now:
            naming = decide.name(self._access.db, now, now.meant(reference), text, same=same)
        person, joined = naming.person.id, naming.joined

        def change(state: ReviewState) -> None:
            row = state.row(person)
            if joined is None:
                state.rename(row, naming.name)
            else:
                state.merge([state.row(joined.id), row])

        whom = person if joined is None else joined.id
        return self._done(f"{whom} is {naming.name}", [naming.decision], change, whom)

    def reject(self, faces: Sequence[str], *, seen: Sight = _UNSEEN) -> Done:
        """Say that faces are not who they are with."""
        with self._judging((), faces, seen) as now:
            owners = _owners(now, faces)
            decided = decide.reject(self._access.db, now, [now.face(face) for face in faces])
        return self._done(
            f"{_count(decided.faces)} taken out",
            [decided.decision],
            lambda state: _take_out_each(state, owners, decided),
            next(iter(owners.values()), None),
            decided.faces,
        )

    def split(
        self,
        reference: str,
        faces: Sequence[str],
        *,
        name: str | None = None,
        another: bool = False,
        seen: Sight = _UNSEEN,
    ) -> Done:
        """Make faces of a person a person of their own."""
        names = [] if name is None else [name]
        with self._judging([reference, *names], faces, seen) as now:
            person = now.meant(reference)
            given = [now.face(face) for face in faces]
            decided = decide.split(self._access.db, now, person, given, name=name, another=another)
        new = decided.owners[decided.faces[0]]

        def change(state: ReviewState) -> None:
            row = state.take_out(state.row(person.id), decided.faces, to=None, new=new)
            if row is not None and name is not None:
                state.rename(row, decide.clean_name(name))

        return self._done(
            f"{_count(decided.faces)} {'is' if len(decided.faces) == 1 else 'are'} {name or new}",
            [decided.decision],
            change,
            new,
            decided.faces,
        )

    def confirm(
        self,
        faces: Sequence[str],
        *,
        reference: str | None = None,
        anyway: bool = False,
        seen: Sight = _UNSEEN,
    ) -> Done:
        """Say that faces are the person they are with, or the one given."""
        with self._judging([] if reference is None else [reference], faces, seen) as now:
            person = None if reference is None else now.meant(reference)
            given = [now.face(face) for face in faces]
            owners = _owners(now, faces)
            decided = decide.confirm(self._access.db, now, given, person=person, anyway=anyway)

        def change(state: ReviewState) -> None:
            for face in decided.faces:
                _move(state, face, owners.get(face), decided)

        who = ""
        if person is not None and any(owner != person.id for owner in owners.values()):
            who = f": {_named(person)}"
        return self._act_on_faces(f"{_count(decided.faces)} confirmed{who}", decided, change)

    def not_a_face(self, faces: Sequence[str], *, seen: Sight = _UNSEEN) -> Done:
        """Say that what was detected is no face."""
        with self._judging((), faces, seen) as now:
            owners = _owners(now, faces)
            decided = decide.not_a_face(self._access.db, now, [now.face(face) for face in faces])

        def change(state: ReviewState) -> None:
            for face, owner in owners.items():
                state.take_out(state.row(owner), [face], to=None)
            state.drop([face for face in decided.faces if face not in owners])

        many = len(decided.faces)
        said = "1 is not a face" if many == 1 else f"{many:,} are not faces"
        return self._act_on_faces(said, decided, change)

    def cover(self, reference: str, face: str, *, seen: Sight = _UNSEEN) -> Done:
        """Choose the face that stands for a person."""
        with self._judging([reference], [face], seen) as now:
            person = now.meant(reference)
            decided = decide.cover(self._access.db, now, person, now.face(face))
        return self._done("cover chosen", [decided.decision], lambda _: None, person.id)

    def _act_on_faces(
        self, sentence: str, decided: Decided, change: Callable[[ReviewState], None]
    ) -> Done:
        whom = next((owner for owner in decided.owners.values() if owner is not None), None)
        return self._done(sentence, [decided.decision], change, whom, decided.faces)


def _count(faces: Sequence[FaceId]) -> str:
    return "1 face" if len(faces) == 1 else f"{len(faces):,} faces"


def _named(person: Person) -> str:
    return person.name or f"unnamed {person.id}"


def _owners(now: Situation, faces: Sequence[str]) -> dict[FaceId, PersonId]:
    """Return whom faces are with, those of nobody left out."""
    found = {(face := now.face(one)).id: now.people.owners[face.id] for one in faces}
    return {face: owner for face, owner in found.items() if owner is not None}


def _take_out_each(state: ReviewState, owners: dict[FaceId, PersonId], decided: Decided) -> None:
    for face in decided.faces:
        state.take_out(state.row(owners[face]), [face], to=None, new=decided.owners[face])


def _move(state: ReviewState, face: FaceId, owner: PersonId | None, decided: Decided) -> None:
    target = decided.owners[face]
    if target is None:
        return
    if owner is None:
        state.take_in(state.row(target), [face])
        return
    row, to = state.row(owner), state.row(target)
    if row == to:
        state.confirm(row, [face])
    else:
        state.take_out(row, [face], to=to)
