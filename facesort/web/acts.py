"""What the page does: answers, acts from lists, undo. Each is on the disk before it is answered."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from facesort.domain import FaceId, PersonId
from facesort.errors import FacesortError, NameTaken, StaleQuestion, UnknownPerson, UsageError
from facesort.jobs.review.sight import Sight
from facesort.review.questions import Answer, Given
from facesort.web.pages import hint_of, question_values, status_of_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import Done
    from facesort.web.pages import Pages
    from facesort.web.worker import Worker

__all__ = ["Acts"]

# Forms with every face of somebody on 50,000 photos.
_MOST_FIELDS = 100_000
_FORM = "application/x-www-form-urlencoded"
# What may be done although something that was said or seen speaks against it.
_ON_FACES = frozenset({"reject", "split", "confirm", "not-a-face", "cover"})
_ON_PEOPLE = frozenset({"merge", "different", "ignore", "show", "name", "split", "cover"})
_WITH_ANYWAY = frozenset({"merge", "confirm"})


class Acts:
    """Does what the user says.

    Args:
        worker: does everything with the sitting.
        pages: shows the next question.
    """

    def __init__(self, worker: Worker, pages: Pages) -> None:
        self._worker = worker
        self._pages = pages

    async def answer(self, request: Request) -> Response:
        """Keep an answer and show the next question; a stale one is refused with a sentence."""
        form = await _form(request)

        def do(session: ReviewSession) -> tuple[dict[str, Any], int]:
            try:
                answered = session.answer(_given(session, form), _text(form, "version"))
            except FacesortError as refused:
                values = question_values(session, error=refused)
                return values | _kept(session, form, refused, values), status_of_error(refused)
            more = f" (+{answered.settled:,} settled)" if answered.settled > 0 else ""
            return question_values(session, said=answered.sentence + more), 200

        return self._pages.render("_question.html", *await self._worker.call(do))

    async def undo(self, request: Request) -> Response:
        """Take back the last thing said."""
        return await self._step(request, back=True)

    async def redo(self, request: Request) -> Response:
        """Bring back what was taken back last."""
        return await self._step(request, back=False)

    async def _step(self, request: Request, *, back: bool) -> Response:
        def do(session: ReviewSession) -> tuple[dict[str, Any], int]:
            try:
                done = session.undo() if back else session.redo()
            except FacesortError as refused:
                return question_values(session, error=refused), status_of_error(refused)
            nothing = "There is nothing to take back." if back else "Nothing to bring back."
            return question_values(session, said=nothing if done is None else done.sentence), 200

        values, status = await self._worker.call(do)
        if request.headers.get("hx-request") == "true":
            return self._pages.render("_question.html", values, status)
        error = values["error"]
        said = values["said"] if error is None else f"{error.message}. {hint_of(error)}"
        return JSONResponse({"said": said, "ok": error is None}, status)

    async def act(self, request: Request) -> Response:
        """Do something with people or faces of a list."""
        act = str(request.path_params["act"])
        form = await _form(request)

        def do(session: ReviewSession) -> tuple[dict[str, Any], int]:
            try:
                done = _act(session, act, form)
            except FacesortError as refused:
                return _refusal(refused, act), status_of_error(refused)
            return {"ok": True, "said": done.sentence, "person": done.person}, 200

        values, status = await self._worker.call(do)
        return JSONResponse(values, status)


def _refusal(error: FacesortError, act: str) -> dict[str, Any]:
    """Return a refusal, with what the user can be asked instead of reading about options."""
    said: dict[str, Any] = {"ok": False, "said": f"{error.message}."}
    if isinstance(error, NameTaken):
        return said | {"taken": "several" if error.several else "one"}
    if act in _WITH_ANYWAY and "--yes" in error.hint:  # the commands' way of saying it
        return said | {"anyway": True}
    whole = " ".join(filter(None, [f"{error.message}.", hint_of(error)]))
    return said | {"said": whole, "stale": isinstance(error, StaleQuestion)}


async def _form(request: Request) -> FormData:
    """Return the fields of a form as our pages send them.

    Raises:
        UsageError: of another kind, like one with files.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UsageError("that is no form of this page")
    return await request.form(max_files=0, max_fields=_MOST_FIELDS)


def _text(form: FormData, name: str) -> str:
    given = form.get(name, "")
    return given if isinstance(given, str) else ""


def _all(form: FormData, name: str) -> list[str]:
    return [one for one in form.getlist(name) if isinstance(one, str) and one]


def _given(session: ReviewSession, form: FormData) -> Given:
    """Return the answer of a form.

    A typed name that one person has already is an answer about that person only where the user
    says so: `person` holds a name or an id then.
    """
    try:
        answer = Answer(_text(form, "answer"))
    except ValueError as error:
        raise UsageError(f"{_text(form, 'answer')[:40]!r} is no answer") from error
    person = _text(form, "person")
    but_people = _all(form, "but_people")
    # With somebody their faces are out of it too.
    asked = session.asked(_text(form, "id"), _text(form, "version")) if but_people else None
    sides = () if asked is None else asked.sides
    gone = {face.id for side in sides if side.person in but_people for face in side.shown}
    taking = answer in {Answer.YES, Answer.NAME, Answer.PERSON, Answer.IGNORE}
    return Given(
        _text(form, "id"),
        answer,
        _text(form, "name") if answer is Answer.NAME else None,
        PersonId(session.person(person).id) if answer is Answer.PERSON else None,
        another=_text(form, "another") == "1",
        but_people=tuple(PersonId(one) for one in but_people) if taking else (),
        but_faces=tuple(FaceId(one) for one in _all(form, "but_faces") if one not in gone)
        if taking
        else (),
    )


def _kept(
    session: ReviewSession, form: FormData, error: FacesortError, values: dict[str, Any]
) -> dict[str, Any]:
    """Return what stays on the page after a refusal, where it still asks the same.

    Also the name that somebody has, where only the user knows whether it is them.
    """
    asked = values["asked"]
    if asked is None or [_text(form, "id"), _text(form, "version")] != [
        asked.question.id,
        asked.version,
    ]:
        return {}
    name = _text(form, "name")
    kept = {"typed": name, "out": {*_all(form, "but_people"), *_all(form, "but_faces")}}
    if not isinstance(error, NameTaken):
        return kept
    who = None
    if not error.several:
        with contextlib.suppress(FacesortError):  # renamed in this moment
            who = session.person(name).id
    return kept | {"taken": {"name": name, "person": who}}


def _sight(form: FormData) -> Sight:
    """Return what the page showed of those whom an act is about: an id and a name each."""
    shown = [one.partition(" ") for one in _all(form, "shown")]
    owner = _text(form, "owner")
    return Sight(
        {PersonId(one): name or None for one, _, name in shown},
        PersonId(owner) if owner else None,
    )


def _act(session: ReviewSession, act: str, form: FormData) -> Done:
    """Do one of the acts.

    Raises:
        UnknownPerson, UsageError, DecisionConflict: it cannot be done; nothing was.
        StaleQuestion: people or faces are not any more what the page has shown.
    """
    people, faces = _all(form, "people"), _all(form, "faces")
    seen = _sight(form)
    name = _text(form, "name").strip()
    if act in _ON_FACES and not faces:
        raise UsageError("no face is selected", hint="Click on faces, or use Space.")
    if act in _ON_PEOPLE and not people:
        raise UsageError("nobody is selected")
    anyway = _text(form, "anyway") == "1"
    acts: dict[str, Callable[[], Done]] = {
        "merge": lambda: session.merge(people, anyway=anyway, seen=seen),
        "different": lambda: session.different(people, seen=seen),
        "ignore": lambda: session.ignore(people, seen=seen),
        "show": lambda: session.show_again(people[0], seen=seen),
        "name": lambda: session.name(
            people[0], name, same={"1": True, "0": False}.get(_text(form, "same")), seen=seen
        ),
        "split": lambda: session.split(people[0], faces, name=name or None, seen=seen),
        "reject": lambda: session.reject(faces, seen=seen),
        "confirm": lambda: session.confirm(
            faces, reference=people[0] if people else None, anyway=anyway, seen=seen
        ),
        "not-a-face": lambda: session.not_a_face(faces, seen=seen),
        "cover": lambda: session.cover(people[0], faces[0], seen=seen),
    }
    if act not in acts:
        raise UnknownPerson(f"there is no act {act[:40]!r}")
    return acts[act]()
