"""Answers the library's own questions from the truth: what `bench review` counts for `queue`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from facesort.review.questions import Answer, Given, Kind, cost
from facesort.review.queue import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from facesort.domain import FaceId, PersonId
    from facesort.evaluation.orders import Order
    from facesort.evaluation.review import Answerer
    from facesort.evaluation.simulated import Album
    from facesort.review.chances import Chances
    from facesort.review.crowd import Crowd
    from facesort.review.questions import Question

__all__ = ["queue_order"]


def queue_order(
    crowd: Crowd,
    chances: Chances,
    face_ids: Sequence[FaceId],
    *,
    asked: Callable[[Question, Given], None] | None = None,
) -> Order:
    """Return the library's own order of questions, for `evaluation.review`.

    Args:
        crowd: the people of the album, under the same ids, nobody named.
        chances: how likely likenesses are.
        face_ids: of the rows of the album.
        asked: is told every question and what was answered.
    """
    row_of = {face: row for row, face in enumerate(face_ids)}

    def order(album: Album, answerer: Answerer) -> Iterator[int]:
        queue = Queue(crowd, chances)
        oracle = _Oracle(album, answerer, row_of)
        while (question := queue.question()) is not None:
            shown = [face for faces in queue.to_show(question).values() for face in faces]
            given = oracle.answer(question, {*shown, *question.faces})
            if asked is not None:
                asked(question, given)
            queue.answer(given)
            _follow(album, queue, row_of)
            yield cost(given)

    return order


def _follow(album: Album, queue: Queue, row_of: Mapping[FaceId, int]) -> None:
    """Change the album as the last answer has changed the queue's people."""
    state = queue.state
    changed = [state.ids[row] for row in sorted(state.touched()) if row < len(state)]
    gone = [person for person in changed if state.ids[state.row(person)] != person]
    kept = [person for person in changed if state.ids[state.row(person)] == person]
    for person in gone:
        album.call(person, None)
        album.put(person, ())
    for person in kept:
        album.put(person, ())
    for person in kept:
        album.put(person, [row_of[face] for face in state.faces_of(person)])
        album.ignore(person, ignored=bool(state.ignored[state.row(person)]))
        if album.name(person) != state.name_of(person):
            album.call(person, state.name_of(person))


class _Oracle:
    """Somebody who knows the truth, before a question of the queue.

    Args:
        album: as the queue sees it.
        answerer: makes mistakes.
        row_of: by face, its row in the album.
    """

    def __init__(self, album: Album, answerer: Answerer, row_of: Mapping[FaceId, int]) -> None:
        self._album = album
        self._answerer = answerer
        self._row_of = row_of

    def answer(self, question: Question, shown: Collection[FaceId]) -> Given:
        """Answer a question.

        Args:
            question: any.
            shown: the faces that can be seen with it; only these can be taken out.
        """
        match question.kind:
            case Kind.SAME:
                return self._same(question, shown)
            case Kind.WHO:
                return self._who(question, shown)
            case Kind.BELONGS:
                return self._belongs(question)
            case Kind.ALSO:
                return self._also(question)
            case Kind.TWO:
                return self._two(question)
            case _:
                return self._mirror(question)

    def _same(self, question: Question, shown: Collection[FaceId]) -> Given:
        first, *others = question.people
        who = self._album.called(first)
        called = {person: self._album.called(person) for person in others}
        if who is None and not any(called.values()):
            return Given(question.id, Answer.SKIP)  # nobody whom the truth knows
        same = [person for person in others if who is not None and called[person] == who]
        if self._answerer.slips():
            return Given(question.id, Answer.NO if same else Answer.YES)
        if not same:
            return Given(question.id, Answer.NO)
        return Given(
            question.id,
            Answer.YES,
            but_people=tuple(person for person in others if person not in same),
            but_faces=self._not_of(who, [first, *same], shown),
        )

    def _who(self, question: Question, shown: Collection[FaceId]) -> Given:
        first, *others = question.people
        who = self._album.majority(first)
        if self._answerer.slips():
            return self._wrongly(question, who)
        out = tuple(person for person in others if self._album.majority(person) != who)
        if who is None:
            return Given(question.id, Answer.IGNORE, but_people=out)
        kept = [first, *(person for person in others if person not in out)]
        faces = self._not_of(who, kept, shown)
        bearer = self._bearer(who)
        if bearer is not None:
            return Given(question.id, Answer.PERSON, person=bearer, but_people=out, but_faces=faces)
        return Given(question.id, Answer.NAME, name=who, but_people=out, but_faces=faces)

    def _wrongly(self, question: Question, who: str | None) -> Given:
        guessed = [g.person for g in question.guesses if g.name is not None and g.name != who]
        wrongs: list[Given] = []
        if guessed:
            wrongs.append(Given(question.id, Answer.PERSON, person=guessed[0]))
        if who is not None:
            wrongs.append(Given(question.id, Answer.NAME, name=self._answerer.typo(who)))
            wrongs.append(Given(question.id, Answer.IGNORE))
        if not wrongs:
            return Given(question.id, Answer.SKIP)
        return wrongs[self._answerer.below(len(wrongs))]

    def _belongs(self, question: Question) -> Given:
        who = self._album.called(question.people[0])
        wrong = [face for face in question.faces if self._truth(face) not in {None, who}]
        if self._answerer.slips():
            return Given(question.id, Answer.YES if wrong else Answer.NO)
        if not wrong:
            return Given(question.id, Answer.YES)
        if len(wrong) < len(question.faces):
            return Given(question.id, Answer.YES, but_faces=tuple(wrong))
        return self._somebody_else(question, Answer.NO)

    def _also(self, question: Question) -> Given:
        who = self._album.called(question.people[0])
        theirs = [face for face in question.faces if who is not None and self._truth(face) == who]
        if who is None and not any(map(self._truth, question.faces)):
            return Given(question.id, Answer.SKIP)  # nobody whom the truth knows
        if self._answerer.slips():
            return Given(question.id, Answer.NO if theirs else Answer.YES)
        if theirs:
            wrong = tuple(face for face in question.faces if face not in theirs)
            return Given(question.id, Answer.YES, but_faces=wrong)
        if not all(map(self._truth, question.faces)):
            return Given(question.id, Answer.NO)  # some are nobody's whom the truth knows
        return self._somebody_else(question, Answer.NO)

    def _two(self, question: Question) -> Given:
        part, person = self._most(question.faces), question.people[0]
        seen = {self._row_of[face] for face in question.faces}
        others = [row for row in self._album.rows(person) if row not in seen]
        rest = Counter(name for row in others if (name := self._album.truth(row)) is not None)
        called = self._album.name(person) or (rest.most_common(1)[0][0] if rest else None)
        two = part is not None and part != called
        if self._answerer.says(two) != two:
            return Given(question.id, Answer.NO if two else Answer.YES)
        return self._somebody_else(question, Answer.YES) if two else Given(question.id, Answer.NO)

    def _somebody_else(self, question: Question, answer: Answer) -> Given:
        """Say whose the faces are, if they are one person's; else only that they are another's."""
        who = self._most(question.faces)
        wrong = tuple(face for face in question.faces if self._truth(face) not in {None, who})
        bearer = None if who is None else self._bearer(who)
        if bearer is not None and not wrong:
            return Given(question.id, Answer.PERSON, person=bearer)
        return Given(question.id, answer)

    def _mirror(self, question: Question) -> Given:
        one, other = (self._truth(face) for face in question.faces)
        if one is None or other is None:
            return Given(question.id, Answer.SKIP)
        return Given(question.id, Answer.YES if self._answerer.says(one == other) else Answer.NO)

    def _bearer(self, name: str) -> PersonId | None:
        bearer: PersonId | None = self._album.bearer(name)  # type: ignore[assignment]
        return bearer

    def _truth(self, face: FaceId) -> str | None:
        return self._album.truth(self._row_of[face])

    def _most(self, faces: Sequence[FaceId]) -> str | None:
        counts = Counter(name for face in faces if (name := self._truth(face)) is not None)
        return min(counts, key=lambda name: (-counts[name], name)) if counts else None

    def _not_of(
        self, who: str | None, people: Sequence[PersonId], shown: Collection[FaceId]
    ) -> tuple[FaceId, ...]:
        theirs = {row for person in people for row in self._album.rows(person)}
        return tuple(
            sorted(
                face
                for face in shown
                if self._row_of[face] in theirs and self._truth(face) not in {None, who}
            )
        )
