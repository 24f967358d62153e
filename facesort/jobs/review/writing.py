"""Answers as decisions: the same that the commands make, all of one answer in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facesort.errors import StaleQuestion
from facesort.jobs import decide
from facesort.jobs.decide.voicing import called
from facesort.jobs.review.steps import Seen, Steps, Written
from facesort.jobs.review.wording import counted
from facesort.review.questions import Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from facesort.domain import PersonId
    from facesort.jobs.review.access import Access
    from facesort.review.questions import Given, Question

__all__ = ["write_answer"]


def write_answer(
    access: Access,
    question: Question,
    given: Given,
    shown: Mapping[PersonId, Seen],
) -> Written:
    """Store an answer; all of it, or nothing.

    Args:
        access: the library.
        question: what was asked.
        given: the answer; not SKIP.
        shown: what the user has seen, or could have, of each person.

    Raises:
        StaleQuestion: somebody has changed these people since.
        UsageError, UnknownPerson, DecisionConflict, NameTaken: see `jobs.decide`.
    """
    guessed = [guess.person for guess in question.guesses]
    persons = [*question.people, *guessed, *([] if given.person is None else [given.person])]
    names = [given.name] if given.name is not None else []
    seen = {face for person in shown.values() for face in person.faces}
    seen |= {*question.faces, *given.but_faces}
    with access.deciding([*persons, *names], sorted(seen)) as situation:
        writing = Steps(access, situation, question, given, names, seen)
        writing.refuse_stale(shown)
        if question.kind in {Kind.ALSO, Kind.MIRROR}:
            _refuse_given_away(writing, shown)
        if given.answer is Answer.UNSURE:
            writing.note("unsure")
            writing.written.sentence = "noted as not sure"
        else:
            _WRITERS[question.kind](writing)
        writing.make_one()
        return writing.written


def _refuse_given_away(w: Steps, shown: Mapping[PersonId, Seen]) -> None:
    """Make sure that faces that were shown as nobody's still are.

    Raises:
        StaleQuestion: somebody has them, who was not shown.
    """
    theirs = {face for seen in shown.values() for face in seen.faces}
    owners = w.now.people.owners
    taken = [f for f in w.question.faces if f not in theirs and owners.get(f) is not None]
    if taken:
        raise StaleQuestion(
            f"{len(taken)} of these faces have been given to somebody since this was asked",
            hint="Nothing was stored. The question comes again if it still makes sense.",
        )


# -- by kind of question ---------------------------------------------------------------------------


def _same(w: Steps) -> None:
    first, *others = w.kept
    if w.given.answer is Answer.NO:
        w.set_apart(first, others)
        w.say(f"kept apart from {called(w.person(first))}")
        return
    w.merge([first, *others])
    w.set_apart(first, w.out)
    w.reject(w.given.but_faces)
    w.say(f"the same person; {w.told(first)}")


def _who(w: Steps) -> None:
    first = w.kept[0]
    answer = w.given.answer
    if answer is Answer.NOT_A_FACE:
        faces = w.person(first).faces
        w.not_a_face(faces)
        w.say(_no_faces(len(faces)))
        return
    if answer is Answer.IGNORE:
        persons = [w.person(identity) for identity in w.kept]
        w.written.decisions.append(decide.ignore(w.db, w.now, persons))
        w.again()
    elif answer is Answer.PERSON:
        w.merge([w.target(), *w.kept])
    else:
        w.name(first)
        w.merge(w.kept)
    w.set_apart(first, w.out)
    w.reject(w.given.but_faces)
    if answer is Answer.IGNORE:  # without those taken out
        w.again()
        gone = {w.person(identity).id for identity in w.kept}
        w.say(f"ignored: {counted(sum(len(w.person(one).faces) for one in gone), 'face')}")
    else:
        w.say(w.told(first))


def _no_faces(count: int) -> str:
    return f"{count:,} {'is not a face' if count == 1 else 'are not faces'}"


def _belongs(w: Steps) -> None:
    first, answer = w.kept[0], w.given.answer
    if answer is Answer.NOT_A_FACE:
        w.not_a_face(w.faces)
        w.say(_no_faces(len(w.faces)))
    elif answer is Answer.YES:
        w.confirm(w.faces, first)
        w.reject(w.given.but_faces)
        w.say(f"{len(w.faces)} confirmed; {w.told(first)}")
    elif answer is Answer.NO:
        w.reject(w.faces)
        w.say(f"{len(w.faces)} taken out; {w.told(first)}")
    else:
        _is_somebody(w)


def _also(w: Steps) -> None:
    first, answer = w.kept[0], w.given.answer
    if answer is Answer.YES:
        # Whoever sees the faces beside each other knows better than that nobody is twice anywhere.
        w.confirm(w.faces, first, anyway=True)
        w.deny(w.given.but_faces, first)
        w.say(f"{len(w.faces)} more; {w.told(first)}")
    elif answer is Answer.NO:
        w.deny(w.faces, first)
        is_are = "is" if len(w.faces) == 1 else "are"
        w.say(f"{len(w.faces)} {is_are} not {called(w.person(first))}")
    elif answer is Answer.NOT_A_FACE:
        w.not_a_face(w.faces)
        w.say(_no_faces(len(w.faces)))
    elif answer is Answer.PERSON:
        w.confirm(w.faces, w.target())
        w.say(w.told(w.target()))
    else:
        new = w.found(w.faces)
        w.name(new)
        w.say(w.told(new))


def _two(w: Steps) -> None:
    if w.given.answer is Answer.NO:
        w.confirm(w.faces, w.kept[0])
        w.say(f"one person; {w.told(w.kept[0])}")
    elif w.given.answer is Answer.YES:
        w.split(w.kept[0], w.faces)
        w.say(f"two people; {w.told(w.kept[0])}")
    else:
        _is_somebody(w)


def _is_somebody(w: Steps) -> None:
    if w.given.answer is Answer.PERSON:
        w.confirm(w.faces, w.target())
        w.say(w.told(w.target()))
    else:
        w.split(w.kept[0], w.faces)
        w.say(w.told(w.written.founded[w.faces[0]]))


def _mirror(w: Steps) -> None:
    owners = [w.now.people.owners.get(face) for face in w.question.faces]
    known = list(dict.fromkeys(owner for owner in owners if owner is not None))
    if w.given.answer is Answer.NO:
        if len(known) == 2:
            w.set_apart(known[0], known[1:])
        else:
            w.note("no")
        w.say("two people")
        return
    if len(known) == 2 and all(len(w.person(one).faces) > 1 for one in known):
        w.merge(known, anyway=True)
    elif known:
        home = max(
            known, key=lambda one: (w.person(one).name is not None, len(w.person(one).faces))
        )
        stray = [f for f, owner in zip(w.question.faces, owners, strict=True) if owner != home]
        w.confirm(stray, home, anyway=True)
    w.say(f"one person, twice on the photo; {w.told(known[0])}" if known else "one person")


_WRITERS: dict[Kind, Callable[[Steps], None]] = {
    Kind.SAME: _same,
    Kind.WHO: _who,
    Kind.BELONGS: _belongs,
    Kind.ALSO: _also,
    Kind.TWO: _two,
    Kind.MIRROR: _mirror,
}
