"""A sitting: questions come, answers are kept at once, everything can be taken back.

Everything derives from the catalog, so a sitting can end at any moment and be taken up again. What
somebody else does to the library meanwhile (a scan, another window, a command) is seen before the
next question and before every answer; an answer holds only if the faces that were shown are still
with the people they were shown as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.errors import StaleQuestion, UnknownPerson, UsageError
from facesort.jobs.review.acting import Step
from facesort.jobs.review.looking import show_question
from facesort.jobs.review.shown import Answered, Asked
from facesort.jobs.review.steps import Seen, Written
from facesort.jobs.review.taking_back import TakingBack, held
from facesort.jobs.review.writing import write_answer
from facesort.review.questions import WITH_FACES, Answer, Kind, check, check_shown

if TYPE_CHECKING:
    from facesort.domain import FaceId, PersonId
    from facesort.jobs.review.access import Access
    from facesort.review.progress import Progress
    from facesort.review.questions import Given, Question

__all__ = ["ReviewSession"]

_REMEMBERED = 10_000


class ReviewSession(TakingBack):
    """A sitting; used by one thread. What can be listed and done besides answering: `acting`.

    Args:
        access: the open library.
        min_photos: people on fewer photos and without a name are asked about late.
    """

    def __init__(self, access: Access, *, min_photos: int = 3) -> None:
        super().__init__(access, min_photos=min_photos)
        # All that was shown, by id and version: each window answers what it has shown itself.
        self._asked: dict[tuple[str, str], tuple[Asked, tuple[int, int]]] = {}
        self._latest: dict[str, str] = {}

    # -- asking ----------------------------------------------------------------------------------

    def question(self) -> Asked | None:
        """Return the question that comes next, the same until it is answered; None at the end."""
        self.refresh()
        question = self._queue.question()
        return None if question is None else self._show(question)

    def upcoming(self, count: int) -> list[Question]:
        """Return the questions that would come next, if all answers changed nothing else."""
        self.refresh()
        found = self._queue.upcoming(count)
        for question in found:
            self._show(question)
        return found

    def ask(
        self, kind: Kind, people: tuple[PersonId, ...], faces: tuple[FaceId, ...] = ()
    ) -> Asked:
        """Return a question about some people and faces, whatever it is worth.

        Raises:
            UnknownPerson: somebody is not there.
            UsageError: the question makes no sense.
        """
        self.refresh()
        least = {Kind.SAME: 2, Kind.MIRROR: 0}.get(kind, 1)
        if len(set(people)) < least or (kind in WITH_FACES and not faces):
            raise UsageError(f"{kind.value!r} cannot be asked about {len(people)} people")
        return self._show(self._queue.ask(kind, people, faces))

    def asked(self, question_id: str, version: str | None = None) -> Asked:
        """Return a question that was asked in this sitting.

        Args:
            question_id: which.
            version: `Asked.version` of what was shown, where it may have been shown several times,
                in several windows; None or '': as it was shown last.

        Raises:
            UnknownPerson: none has that id.
            StaleQuestion: it was never shown so.
        """
        self.refresh()
        known = self._known(question_id, version)
        current = self._queue.question()
        if known is None and current is not None and current.id == question_id:
            self._show(current)
            known = self._known(question_id, version)
        if known is not None:
            return known[0]
        if question_id in self._latest:
            raise StaleQuestion(
                "the people shown have changed since this was asked",
                hint="Nothing was stored. The question comes again if it still makes sense.",
            )
        raise UnknownPerson(
            f"there is no question {question_id!r} now",
            hint="It was answered, or people have changed since it was asked.",
        )

    def _known(
        self, question_id: str, version: str | None = None
    ) -> tuple[Asked, tuple[int, int]] | None:
        """Return what was shown under an id, and the state of the catalog at that time."""
        wanted = version or self._latest.get(question_id, "")
        return self._asked.get((question_id, wanted))

    def _forget_shown(self, question_id: str, version: str | None = None) -> None:
        """Forget what was shown under an id; in one version only, or in all."""
        for key in [key for key in self._asked if key[0] == question_id]:
            if version in {None, key[1]}:
                del self._asked[key]
        if version in {None, self._latest.get(question_id)}:
            self._latest.pop(question_id, None)

    def _show(self, question: Question) -> Asked:
        access = self._access
        known, at = self._known(question.id) or (None, None)
        if known is not None and known.question == question and at == access.db.state():
            return known
        with access.up_to_date():
            shown = show_question(
                access.db,
                access.card,
                question,
                min_face=access.min_face(),
                doubt=self._doubt_of(question),
            )
            at = access.db.state()
        if len(self._asked) >= _REMEMBERED:
            self._asked.clear()
            self._latest.clear()
        version = shown.version
        self._asked[question.id, version] = (shown, at)
        self._latest[question.id] = version
        return shown

    def _doubt_of(self, question: Question) -> dict[FaceId, float]:
        state = self._queue.state
        return {
            suspect.face: 1 - suspect.chance
            for person in question.people
            for suspect in state.suspects.get(state.row(person), ())
        }

    def progress(self) -> Progress:
        """Return how far the review has come."""
        self.refresh()
        return self._queue.progress()

    # -- answering -------------------------------------------------------------------------------

    def answer(self, given: Given, version: str | None = None) -> Answered:
        """Keep an answer: when this returns, it is on the disk.

        Args:
            given: the answer.
            version: of what was shown to whoever answers; see `asked`.

        Raises:
            UnknownPerson: no such question was asked, or nobody answers to the person given.
            UsageError: the answer does not fit the question, or takes out all that was shown.
            StaleQuestion: the people asked about have changed since; nothing is stored.
            DecisionConflict, NameTaken: it contradicts what was said before.
        """
        asked = self.asked(given.question_id, version)
        question = asked.question
        check(question, given)
        check_shown(
            question.kind,
            question.people,
            given,
            [(side.person, [face.id for face in side.shown]) for side in asked.sides],
        )
        before = self._queue.progress().settled
        written = Written(sentence="skipped")
        if given.answer is Answer.SKIP:
            self._held.append(held(question))
        else:
            try:
                written = write_answer(self._access, question, given, _seen(asked, given))
            except StaleQuestion:
                # Whatever is known of these people, and what was shown of them, is wrong.
                self._forget_shown(question.id, asked.version)
                self._distrust()
                raise
        self._forget_shown(question.id)
        moved = {*written.founded, *(question.faces if written.moved else ())}
        skipped = question if given.answer is Answer.SKIP else None
        self._remember(
            Step(
                tuple(written.decisions),
                written.doubt,
                written.sentence,
                lambda queue: queue.answer(given, question, founded=written.founded),
                skipped,
                tuple(moved),
            )
        )
        settled = self._queue.progress().settled - before
        return Answered(written.sentence, tuple(written.decisions), written.doubt, settled)


def _seen(asked: Asked, given: Given) -> dict[PersonId, Seen]:
    """Return what the user could see of each person that the answer is about."""
    meant = [side for side in asked.guesses if side.person == given.person]
    about = {side.person for side in asked.sides}
    seen: dict[PersonId, Seen] = {}
    for side in (*asked.sides, *meant):
        if side.person is not None:
            before = seen[side.person].faces if side.person in seen else frozenset()
            faces = before.union(face.id for face in side.shown)
            merged = frozenset(side.merged) if side.person in about else None
            seen[side.person] = Seen(faces, side.name, side.ignored, merged)
    return seen
