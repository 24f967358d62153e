"""What the page shows. Everything is escaped by the templates; ids are looked up, never opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from facesort.domain import PhotoId, short_hash
from facesort.errors import AmbiguousPerson, DecisionConflict, FacesortError, UnknownPerson
from facesort.jobs.review.wording import headline, items_of
from facesort.review.questions import ALLOWED
from facesort.web.security import add_headers
from facesort.web.thumbs import mark_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from facesort.jobs.review.session import ReviewSession
    from facesort.jobs.review.shown import FaceShown, SideShown
    from facesort.web.thumbs import Thumbs
    from facesort.web.worker import Worker

__all__ = ["Pages", "hint_of", "question_values", "status_of_error"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_PICTURE = (Path(__file__).parent / "static" / "missing.svg").read_bytes()
_ON_WALL = 120
# As many as were scrolled through are shown again after an act.
_MOST_ON_WALL = 5_000
_OTHERS = 40
_MOST_AT_ONCE = 500
_MOST_SELECTED = 100_000
_HISTORY = 12
_ORDERS = {"photos": "most photos", "name": "name", "doubt": "most doubts"}


def status_of_error(error: FacesortError) -> int:
    """Return the HTTP status that says what went wrong."""
    if isinstance(error, UnknownPerson):
        return 404
    return 409 if isinstance(error, (DecisionConflict, AmbiguousPerson)) else 400


def hint_of(error: FacesortError) -> str:
    """Return what to do next, where that is not a command's business."""
    return "" if "facesort " in error.hint or "--" in error.hint else error.hint


class Pages:
    """Shows people, faces, photos and questions.

    Args:
        worker: does everything with the sitting.
        thumbs: makes the pictures.
    """

    def __init__(self, worker: Worker, thumbs: Thumbs) -> None:
        self._worker = worker
        self._thumbs = thumbs
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["hint_of"] = hint_of

    def render(self, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """Fill a template in."""
        return HTMLResponse(self._templates.get_template(template).render(**values), status)

    async def refused(self, _: Request, error: Exception) -> Response:
        """Say an error of facesort's as a page."""
        assert isinstance(error, FacesortError)  # noqa: S101 - registered for these
        try:
            values = {"error": error, **await self._worker.call(state)}
        except FacesortError:  # the library itself cannot be read
            return PlainTextResponse(f"{error.message}. {error.hint}", status_of_error(error))
        return self.render("error.html", values, status_of_error(error))

    async def nowhere(self, request: Request, _: Exception) -> Response:
        """Say that an address leads to nothing."""
        there_is = UnknownPerson("that address leads to nothing")
        return await self.refused(request, there_is)

    async def broken(self, _: Request, __: Exception) -> Response:
        """Say that facesort has an error; what it is goes to the terminal, and nowhere else."""
        answer = self.render("broken.html", {}, 500)
        add_headers(answer.headers)  # this answer does not come by the guard
        return answer

    # -- pages -----------------------------------------------------------------------------------

    async def review(self, request: Request) -> Response:
        """Show the next question."""
        values = await self._worker.call(question_values)
        return self.render("_question.html" if _is_part(request) else "review.html", values)

    async def wall(self, request: Request) -> Response:
        """Show everybody."""
        asked = _wall_values(request)
        values = await self._worker.call(lambda session: _wall(session, **asked) | state(session))
        return self.render("people.html", values)

    async def more_people(self, request: Request) -> Response:
        """Show the next ones, or those who are searched for."""
        asked = _wall_values(request)
        values = await self._worker.call(lambda session: _wall(session, **asked))
        return self.render("_people.html", values)

    async def person(self, request: Request) -> Response:
        """Show a person; the faces come by themselves."""
        wanted = _id(request, "person")

        def read(session: ReviewSession) -> dict[str, Any]:
            return {"person": session.person(wanted), **state(session)}

        return self.render("person.html", await self._worker.call(read))

    async def faces(self, request: Request) -> Response:
        """Give some of a person's faces, those in doubt first."""
        wanted = _id(request, "person")
        start, count = _number(request, "start", 0), _number(request, "count", 200)
        found, total = await self._worker.call(
            lambda session: session.faces_of(wanted, start, min(count, _MOST_AT_ONCE))
        )
        return JSONResponse(
            {"total": total, "start": start, "faces": [_face(one) for one in found]}
        )

    async def ids(self, request: Request) -> Response:
        """Give only the ids of some of a person's faces, in the same order: for a selection."""
        wanted = _id(request, "person")
        start, count = _number(request, "start", 0), _number(request, "count", 200)
        found = await self._worker.call(
            lambda session: session.ids_of(wanted, start, min(count, _MOST_SELECTED))
        )
        return JSONResponse({"faces": list(found)})

    async def photo(self, request: Request) -> Response:
        """Show the whole photo that a face is on, with everybody on it."""
        wanted = _id(request, "face")

        def read(session: ReviewSession) -> dict[str, Any]:
            face = session.face(wanted)
            place, of = self._worker.pictures.in_burst(face.id)
            on = session.faces_on(PhotoId(face.photo))
            # Of a video only who is in that picture.
            on = [pair for pair in on if pair[0].seconds == face.seconds]
            values = {"face": face, "place": place, "of": of, "on": on, **state(session)}
            return values | {"pictured": session.pictured(wanted)}

        values = await self._worker.call(read)
        # Without a picture boxes would say nothing. What is made here is drawn next.
        values["can_be_read"] = await self._thumbs.photo(*values["pictured"]) is not None
        return self.render("_photo.html" if _is_part(request) else "photo.html", values)

    async def others(self, request: Request) -> Response:
        """Show people whom faces of somebody can be given to."""
        wanted = _id(request, "person")
        text = request.query_params.get("text", "").strip()[:200]

        def read(session: ReviewSession) -> dict[str, Any]:
            found, _ = session.people(0, _OTHERS + 1, text=text)
            found.sort(key=lambda one: one.name is None)
            return {"others": [one for one in found if one.id != wanted][:_OTHERS]}

        return self.render("_others.html", await self._worker.call(read))

    async def status(self, _: Request) -> Response:
        """Show how far it is, for a page that was not looked at for a while."""
        return self.render("_status.html", {"oob": False, **await self._worker.call(state)})

    async def names(self, request: Request) -> Response:
        """Offer names that begin so."""
        prefix = request.query_params.get("text", "")
        found = await self._worker.call(lambda session: session.names(prefix[:200]))
        return self.render("_names.html", {"people": found})

    # -- pictures --------------------------------------------------------------------------------

    async def face_picture(self, request: Request) -> Response:
        """Give the picture of a face."""
        return await self._picture(request, whole=False)

    async def photo_picture(self, request: Request) -> Response:
        """Give the whole photo that a face is on."""
        return await self._picture(request, whole=True)

    async def _picture(self, request: Request, *, whole: bool) -> Response:
        wanted = _id(request, "face")
        face, photo = await self._worker.call(lambda session: session.pictured(wanted))
        mark = mark_of(face, photo)
        # Asked for each time, and answered without the picture: only its owner may see it.
        headers = {"ETag": mark, "Cache-Control": "private, no-cache"}
        if not whole and request.headers.get("if-none-match") == mark:
            return Response(status_code=304, headers=headers)
        make = self._thumbs.photo if whole else self._thumbs.face
        picture = await make(face, photo)
        if picture is None:
            # Browsers draw it whatever the status; it is not kept, the photo may come back.
            return Response(_NO_PICTURE, 404, media_type="image/svg+xml")
        if whole:
            headers = {"Cache-Control": "no-store"}
        return Response(picture, media_type="image/webp", headers=headers)


def state(session: ReviewSession) -> dict[str, Any]:
    """Return what every page shows: how far it is, and what was said."""
    progress, history = session.progress(), session.history(_HISTORY)
    return {
        "progress": progress,
        "history": history,
        "can_redo": session.can_redo,
        # Another one when something has changed: pages that were left open ask for it.
        "moment": short_hash(repr((progress, history, session.can_redo)), 8),
    }


def question_values(
    session: ReviewSession, *, said: str = "", error: FacesortError | None = None
) -> dict[str, Any]:
    """Return what the next question shows."""
    asked = session.question()
    allowed = {answer.value for answer in ALLOWED[asked.question.kind]} if asked else set()
    return {
        "asked": asked,
        "allowed": allowed,
        "headline": headline(asked, _called) if asked else "",
        "numbers": {item.person or item.face: item.number for item in items_of(asked)}
        if asked
        else {},
        "said": said,
        "error": error,
        "taken": None,
        "typed": "",
        "out": set(),
        **state(session),
    }


def _called(side: SideShown) -> str:
    return side.name or "this person"


def _wall(
    session: ReviewSession, *, start: int, count: int, order: str, text: str, ignored: bool
) -> dict[str, Any]:
    found, total = session.people(start, count, order=order, text=text, ignored=ignored)
    return {
        "people": found,
        "total": total,
        "start": start,
        "after": start + len(found),
        "order": order,
        "orders": _ORDERS,
        "text": text,
        "ignored": ignored,
    }


def _wall_values(request: Request) -> dict[str, Any]:
    order = request.query_params.get("order", "photos")
    return {
        "start": _number(request, "start", 0),
        "order": order if order in _ORDERS else "photos",
        "text": request.query_params.get("text", "").strip()[:200],
        "count": min(_number(request, "count", _ON_WALL), _MOST_ON_WALL),
        "ignored": request.query_params.get("ignored") == "1",
    }


def _face(face: FaceShown) -> dict[str, Any]:
    return {
        "id": face.id,
        "doubt": round(face.doubt, 3),
        "status": face.status.value,
        "taken": face.taken_at.replace("T", " ")[:16],
        "photo": face.path.name,
    }


def _is_part(request: Request) -> bool:
    """Whether a script of the page asks, and not somebody who goes to that address."""
    return request.headers.get("hx-request") == "true"


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else default


def _id(request: Request, name: str) -> str:
    """Return an id from the address.

    Raises:
        UnknownPerson: it cannot be one.
    """
    given = str(request.path_params[name])
    if not _ID.fullmatch(given):
        raise UnknownPerson(f"nothing has the id {given[:64]!r}")
    return given
