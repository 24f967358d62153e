"""The decisions of a user, as use cases of a library: each is one transaction."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from facesort.catalog import decisions, doubts, places, showing
from facesort.jobs import decide
from facesort.jobs.viewing import Viewing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from facesort.catalog.doubts import DoubtRow
    from facesort.catalog.showing import PersonRow
    from facesort.domain import Decision, Person, PhotoId
    from facesort.grouping.standing import History, Standing
    from facesort.inference.card import ModelCard
    from facesort.jobs.decide import Decided, Naming
    from facesort.jobs.scanning.inherit import Suggestion
    from facesort.jobs.showing.explain import Explanation
    from facesort.jobs.showing.situation import Situation

__all__ = ["Deciding"]


class Deciding(Viewing):
    """What a library can be told. `PERSON` is an id or a name, `FACE` an id.

    Every method raises UnknownPerson or AmbiguousPerson for a reference that leads to nobody or to
    several, UsageError for what cannot be done, and DecisionConflict for what contradicts an
    earlier decision; then nothing is stored.
    """

    @property
    @abstractmethod
    def _embedder(self) -> ModelCard:
        """The model whose vectors are compared."""

    @abstractmethod
    def _regroup_if_wanted(self) -> None:
        """Group anew if what was undone or redone had shaped the last grouping."""

    def name(self, reference: str, text: str, *, same: bool | None = None) -> Naming:
        """Call a person by a name; see `jobs.decide.name`."""
        with self._deciding([reference, text]) as situation:
            return decide.name(self._db, situation, situation.meant(reference), text, same=same)

    def merge(
        self, references: Sequence[str], *, keep_first_name: bool = False, anyway: bool = False
    ) -> PersonRow:
        """Make several people one; returns the survivor as it is afterwards.

        Args:
            references: the survivor first.
            keep_first_name: also when they have different names.
            anyway: also against any earlier decision.
        """
        with self._deciding(references) as situation:
            persons = [situation.meant(reference) for reference in references]
            decide.merge(
                self._db, situation, persons, keep_first_name=keep_first_name, anyway=anyway
            )
        with self._up_to_date():
            return showing.people(self._db, [persons[0].id])[0]

    def different(self, references: Sequence[str]) -> int | None:
        """Say that people are different; returns the decision's number, None if it stood before."""
        with self._deciding(references) as situation:
            persons = [situation.meant(reference) for reference in references]
            return decide.different(self._db, situation, persons, given=references)

    def ignore(self, references: Sequence[str]) -> list[Person]:
        """Stop showing people."""
        with self._deciding(references) as situation:
            persons = [situation.meant(reference) for reference in references]
            decide.ignore(self._db, situation, persons)
            return persons

    def reject(self, faces: Sequence[str]) -> Decided:
        """Say that faces are not the person they are with."""
        with self._deciding(faces=faces) as situation:
            return decide.reject(self._db, situation, [situation.face(face) for face in faces])

    def split(
        self,
        reference: str,
        faces: Sequence[str],
        *,
        name: str | None = None,
        another: bool = False,
    ) -> Decided:
        """Make faces of a person a person of their own; see `jobs.decide.split`."""
        names = [] if name is None else [name]
        with self._deciding([reference, *names], faces) as situation:
            person = situation.meant(reference)
            given = [situation.face(face) for face in faces]
            return decide.split(self._db, situation, person, given, name=name, another=another)

    def confirm(
        self, faces: Sequence[str], *, reference: str | None = None, anyway: bool = False
    ) -> Decided:
        """Say that faces are the person they are with, or the one given, for ever."""
        with self._deciding([] if reference is None else [reference], faces) as situation:
            person = None if reference is None else situation.meant(reference)
            given = [situation.face(face) for face in faces]
            return decide.confirm(self._db, situation, given, person=person, anyway=anyway)

    def not_a_face(self, faces: Sequence[str]) -> Decided:
        """Say that what was detected is no face."""
        with self._deciding(faces=faces) as situation:
            return decide.not_a_face(self._db, situation, [situation.face(face) for face in faces])

    def cover(self, reference: str, face: str) -> Decided:
        """Choose the face that stands for a person."""
        with self._deciding([reference], [face]) as situation:
            person = situation.meant(reference)
            return decide.cover(self._db, situation, person, situation.face(face))

    def undo(self, count: int = 1, *, decision: int | None = None) -> list[Decision | DoubtRow]:
        """Take back what was said last, or one particular decision; see `jobs.decide.undo`."""
        with self._deciding() as situation:
            undone = decide.undo(self._db, situation, count, decision)
        self._regroup_if_wanted()
        return undone

    def redo(self, count: int = 1) -> list[Decision | DoubtRow]:
        """Bring back what was undone last."""
        with self._deciding() as situation:
            redone = decide.redo(self._db, situation, count)
        self._regroup_if_wanted()
        return redone

    def log(self) -> list[Decision]:
        """Return every decision ever made, oldest first."""
        return decisions.log(self._db, votes=False)

    def unsure(self) -> list[tuple[DoubtRow, bool]]:
        """Return what a review noted that is no decision, oldest first, and whether it stands.

        That a row takes another one back, or brings it back, is a row too, which never stands.
        """
        from facesort.jobs.decide import words  # noqa: PLC0415 - few commands need it

        with self._db.snapshot():
            rows = doubts.log(self._db)
            stands = {word.doubt for word in words.read(self._db).standing}
        return [(row, row.id in stands) for row in rows]

    def said(self) -> tuple[list[Decision], History, Standing]:
        """Return every decision ever made, what stands of them, and what that adds up to.

        Who was there when they were made is left out.
        """
        from facesort.grouping.standing import replay, standing  # noqa: PLC0415 - as above

        with self._db.snapshot():
            log = decisions.log(self._db, votes=False)
        history = replay(log)
        return log, history, standing(history)

    def explain(self, one: str, other: str) -> Explanation:
        """Say why two faces or people are together or apart; see `jobs.showing.explain`."""
        from facesort.jobs.showing.explain import explain  # noqa: PLC0415 - only one command needs it

        with self._looking_at([one, other], [one, other]) as situation:
            return explain(self._db, situation, self._embedder, (one, other))

    def edited(self, *, newer_than: PhotoId | None = None) -> list[Suggestion]:
        """Say what was said of faces whose other picture is on an edit or a crop of their photo.

        Args:
            newer_than: only for photos that the library got to know after this one.
        """
        from facesort.jobs.scanning.inherit import resemblances, suggestions  # noqa: PLC0415 - one command

        _, _, stands = self.said()
        with self._db.snapshot():
            found = resemblances(
                self._db, stands, self._embedder, min_face=self.min_face, newer_than=newer_than
            )
        if not found:
            return []
        with self._looking_at(faces=[f for like in found for f in (like.face, like.source)]) as now:
            return suggestions(now, found)

    def accept_edited(self, suggested: Sequence[Suggestion]) -> list[int]:
        """Say of edited photos what was said of the originals; returns the decisions' numbers.

        Args:
            suggested: from `edited`; what does not hold any more is left out.
        """
        from facesort.jobs.scanning.inherit import suggestions  # noqa: PLC0415 - one command

        likes = [suggestion.like for suggestion in suggested]
        faces = [face for like in likes for face in (like.face, like.source)]
        people = {suggestion.person for suggestion in suggested if suggestion.person is not None}
        with self._deciding(people, faces) as situation:
            return decide.accept(self._db, situation, suggestions(situation, likes))

    def newest_photo(self) -> PhotoId:
        """Return the photo that the library got to know last, 0 without photos."""
        return places.newest_photo(self._db)

    @contextmanager
    def _deciding(
        self, persons: Collection[str] = (), faces: Collection[str] = ()
    ) -> Iterator[Situation]:
        """Judge and write in one transaction: nobody decides or publishes in between.

        Args:
            persons: ids and names that will be asked for.
            faces: likewise.
        """
        # Outside: a refusal takes nothing back of it.
        from facesort.jobs.showing.shown import bring_up_to_date, ensure_fresh  # noqa: PLC0415 - computes
        from facesort.jobs.showing.situation import read_situation  # noqa: PLC0415

        ensure_fresh(self._db, min_face=self.min_face)
        with self._db.transaction():
            bring_up_to_date(self._db, min_face=self.min_face)
            yield read_situation(self._db, min_face=self.min_face, persons=persons, faces=faces)
            bring_up_to_date(self._db, min_face=self.min_face)
