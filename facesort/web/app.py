"""The page: which address leads to what.

Pages come from `pages`, what changes something goes to `acts`. Both only call the sitting, in its
one thread (`worker`); `security` stands before them.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from facesort.errors import FacesortError
from facesort.web.acts import Acts
from facesort.web.pages import Pages
from facesort.web.security import Guard
from facesort.web.thumbs import Thumbs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from facesort.web.security import Door
    from facesort.web.worker import Worker

__all__ = ["make_app"]


def make_app(worker: Worker, door: Door) -> Starlette:
    """Return the page of a sitting.

    Args:
        worker: does everything.
        door: token and session.
    """
    thumbs = Thumbs(worker.settings)
    pages = Pages(worker, thumbs)
    acts = Acts(worker, pages)

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        yield
        thumbs.close()

    post, get = ["POST"], ["GET"]
    return Starlette(
        routes=[
            Route("/", pages.review, methods=get),
            Route("/people", pages.wall, methods=get),
            Route("/people/more", pages.more_people, methods=get),
            Route("/person/{person}", pages.person, methods=get),
            Route("/person/{person}/faces", pages.faces, methods=get),
            Route("/person/{person}/ids", pages.ids, methods=get),
            Route("/person/{person}/others", pages.others, methods=get),
            Route("/photo/{face}", pages.photo, methods=get),
            Route("/status", pages.status, methods=get),
            Route("/names", pages.names, methods=get),
            Route("/face/{face}.webp", pages.face_picture, methods=get),
            Route("/whole/{face}.webp", pages.photo_picture, methods=get),
            Route("/answer", acts.answer, methods=post),
            Route("/undo", acts.undo, methods=post),
            Route("/redo", acts.redo, methods=post),
            Route("/act/{act}", acts.act, methods=post),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        middleware=[Middleware(Guard, door=door)],
        exception_handlers={
            FacesortError: pages.refused,
            404: pages.nowhere,
            Exception: pages.broken,
        },
        lifespan=living,
    )
