"""Answers from a file: each row is one answer, kept before the next one is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from facesort.catalog import showing
from facesort.domain import PersonId, comparable_name
from facesort.errors import (
    AmbiguousPerson,
    DecisionConflict,
    NameTaken,
    UnknownPerson,
    UsageError,
)
from facesort.jobs.batch.questions import filed_of
from facesort.jobs.batch.standing import Now
from facesort.jobs.decide.names import clean_name
from facesort.jobs.showing.part import owners_of
from facesort.review.answer_words import WORDS, given_of
from facesort.review.questions import Answer, Kind, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from facesort.jobs.review.access import Access
    from facesort.jobs.review.session import ReviewSession
    from facesort.review.answer_file import Row
    from facesort.review.filed import Filed
    from facesort.review.questions import Given

__all__ = ["Batch", "Came", "Outcome"]

# So many questions are looked through for the id of a row that does not say what was asked.
_LOOKED_THROUGH = 200


class Came(StrEnum):
    """What came of a row."""

    APPLIED = "applied"
    ALREADY = "already"  # the library says so already
    SKIPPED = "skipped"  # left open, or "skip"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one row.

    Args:
        row: as it was in the file.
        came: what.
        sentence: to show.
        hint: what helps, or ''.
        decisions: numbers in the log.
        doubt: number of a not-sure, or None.
        settled: by how many faces what is settled has grown.
    """

    row: Row
    came: Came
    sentence: str
    hint: str = ""
    decisions: tuple[int, ...] = ()
    doubt: int | None = None
    settled: int = 0


class Batch:
    """Reads answers into a sitting.

    A name that the questions showed, or that an earlier row gave, means that person: who fills in a
    file calls one person by one name. Any other name that somebody in the library has is refused.

    Args:
        access: the open library.
        session: the sitting.
        filed: questions by id, for rows that do not say themselves what was asked.
        same: what a name means that somebody else in the library has: True that person, False
            another one, None neither.
        dry_run: write nothing; each row is judged as if those before were not written, names aside.
    """

    def __init__(
        self,
        access: Access,
        session: ReviewSession,
        filed: Mapping[str, Filed],
        *,
        same: bool | None = None,
        dry_run: bool = False,
    ) -> None:
        self._access = access
        self._session = session
        self._filed = dict(filed)
        self._same = same
        self._dry_run = dry_run
        self._has_looked = False
        self._called: dict[str, set[PersonId]] = {}

    def apply(self, rows: Iterable[Row]) -> Iterator[Outcome]:
        """Apply each row as the result is asked for; when one is yielded, it is on the disk.

        Raises:
            LibraryError: the library cannot be written; what was yielded stays.
        """
        listed = list(rows)
        self._note_shown(listed)
        for row in listed:
            try:
                yield self._apply(row)
            except (UsageError, UnknownPerson, AmbiguousPerson, DecisionConflict) as refused:
                yield Outcome(row, Came.REFUSED, refused.message, refused.hint)

    def _apply(self, row: Row) -> Outcome:
        if row.problem is not None:
            raise row.problem
        if not row.answer and not row.name and not row.person and not row.not_these:
            return Outcome(row, Came.SKIPPED, "no answer")
        filed = self._question(row)
        given = given_of(row, filed)
        if given is None or given.answer is Answer.SKIP:
            return Outcome(row, Came.SKIPPED, "skipped")
        given = self._cleaned(given)
        also = self._called.get(comparable_name(given.name or ""), ())
        with self._access.up_to_date():
            now = Now(self._access.db, filed, given, also, min_face=self._access.min_face())
            is_said = now.is_said()
            if not is_said:
                now.refuse_stale()
                given = self._with_person(filed, given, now)
        if is_said:
            self._note_name(filed, given)
            return Outcome(row, Came.ALREADY, f"{_told(given)}: is known already")
        return self._answer(row, filed, given)

    def _question(self, row: Row) -> Filed:
        """Return what a row answers.

        Raises:
            UnknownPerson: nobody knows.
        """
        if row.filed is not None:
            known = self._filed.get(row.id)  # with names, if the folder is there
            is_same = known is not None and not self._is_of_another(row.filed)
            return known if known is not None and is_same else row.filed
        if row.id in self._filed:
            return self._filed[row.id]
        if not self._has_looked:
            self._has_looked = True
            for question in self._session.upcoming(_LOOKED_THROUGH):
                asked = self._session.asked(question.id)
                self._filed.setdefault(question.id, filed_of(asked))
        if row.id not in self._filed:
            raise UnknownPerson(
                f"there is no question {row.id[:40]!r}" if row.id else "the id is missing",
                hint="Leave questions.json of the exported folder beside the answers.",
            )
        return self._filed[row.id]

    def _is_of_another(self, filed: Filed) -> bool:
        """Whether the questions at hand are of another export than what a row says of itself.

        Where it says nothing of what was shown, there is nothing to tell them apart by.
        """
        known = self._filed.get(filed.id)
        return known is not None and bool(filed.sides) and not known.shows_as(filed)

    def _cleaned(self, given: Given) -> Given:
        return given if given.name is None else replace(given, name=clean_name(given.name))

    # -- names -----------------------------------------------------------------------------------

    def _note_shown(self, rows: Iterable[Row]) -> None:
        """Remember whose names whoever answered could read, on any of the questions."""
        with self._access.up_to_date():
            names = showing.names(self._access.db)
        shown: list[tuple[PersonId | None, str | None]] = []
        told = {row.id: row.filed for row in rows if row.filed is not None}
        older = {one for one, filed in told.items() if self._is_of_another(filed)}
        # Beside answers of another export lie names that whoever answered has not read.
        beside = [one for one in self._filed if not older or one in told.keys() - older]
        for filed in map(self._filed.__getitem__, beside):
            shown += [(one.person, one.name) for one in filed.listed]
            shown += [(side.person, side.name) for side in filed.sides]
        # A table alone does not say who had a name when they were shown, but who is listed had one.
        alone = [filed for one, filed in told.items() if one not in beside]
        shown += [(one.person, names.get(one.person)) for filed in alone for one in filed.listed]
        for person, name in shown:
            if name and person:
                self._called.setdefault(comparable_name(name), set()).add(person)

    def _note_name(self, filed: Filed, given: Given) -> None:
        """Remember whom a row has named."""
        if given.name is None:
            return
        who: PersonId | None = filed.people[0]
        if filed.kind is not Kind.WHO and not self._dry_run:
            face = next(one for one in filed.faces if one not in given.but_faces)
            with self._access.up_to_date():
                who = owners_of(self._access.db, [face])[face].owner
        if who is not None:
            self._called.setdefault(comparable_name(given.name), set()).add(who)

    def _with_person(self, filed: Filed, given: Given, now: Now) -> Given:
        """Return the answer with the person whom a name or a reference means.

        Raises:
            AmbiguousPerson: several people have it.
        """
        if given.answer is Answer.PERSON:
            return replace(given, person=now.person(given.person or "").id)
        if given.answer is not Answer.NAME or given.another:
            return given
        named = self._called.get(comparable_name(given.name or ""), ())
        called = {now.person(person).id for person in named}
        if len(called) > 1:
            raise AmbiguousPerson(
                f"{len(called)} of the people shown are called {given.name!r}",
                hint="Answer with the digit of the one who is meant.",
            )
        if called and Answer.PERSON in filed.allowed:
            return replace(given, answer=Answer.PERSON, name=None, person=next(iter(called)))
        return given

    # -- answering -------------------------------------------------------------------------------

    def _answer(self, row: Row, filed: Filed, given: Given) -> Outcome:
        asked = self._session.ask(filed.kind, filed.people, filed.faces_asked)
        if asked.question.id != filed.id:
            raise UsageError(f"{filed.id} is not the question about these people and faces")
        try:
            return self._given(row, filed, given)
        except NameTaken:
            if self._same is None or given.name is None:
                raise
            if self._same:
                person = self._session.person(given.name).id
                given = replace(given, answer=Answer.PERSON, name=None, person=person)
            else:
                given = replace(given, another=True)
        return self._given(row, filed, given)

    def _given(self, row: Row, filed: Filed, given: Given) -> Outcome:
        if self._dry_run:
            check(self._session.asked(filed.id).question, given)
            self._refuse_name(given)
            self._note_name(filed, given)
            return Outcome(row, Came.APPLIED, f"would answer {_told(given)}")
        answered = self._session.answer(given)
        self._note_name(filed, given)
        return Outcome(
            row,
            Came.APPLIED,
            answered.sentence,
            decisions=answered.decisions,
            doubt=answered.doubt,
            settled=answered.settled,
        )

    def _refuse_name(self, given: Given) -> None:
        """Refuse a name as writing it would."""
        if given.name is None or given.another:
            return
        wanted = comparable_name(given.name)
        for one in self._session.names(given.name):
            if comparable_name(one.name or "") == wanted:
                raise NameTaken(
                    f"{given.name!r} is already the name of {one.id} ({one.photos} photos)",
                    hint="Is it the same person? Add --same, or --another for a second one.",
                )


def _told(given: Given) -> str:
    said = WORDS[given.answer]
    if given.name is not None:
        said = repr(given.name)
    elif given.person is not None:
        said = given.person
    out = len(given.but_people) + len(given.but_faces)
    return f"{said}, {out} taken out" if out else said
