"""The command that asks: in the terminal, on a page, or through files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from facesort.cli.context import Context
    from facesort.cli.render import Screen
    from facesort.jobs.review.session import ReviewSession
    from facesort.library import Library

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: facesort review")(review)


def review(
    ctx: typer.Context,
    min_photos: Annotated[
        int,
        typer.Option(
            "--min-photos", metavar="N", min=1, help="Ask late about people on fewer photos."
        ),
    ] = 3,
    web: Annotated[
        bool, typer.Option("--web", help="In a browser of this machine; needs the extra `web`.")
    ] = False,
    browser: Annotated[
        bool,
        typer.Option(
            "--browser/--no-browser", help="Open the page; otherwise only say where it is."
        ),
    ] = True,
) -> None:
    """Answer questions about faces, each worth asking: who is this, are these the same person?

    One key an answer, kept at once; u takes it back, h shows the keys, q ends. Call it again to go
    on. The extra `review` draws real pictures where the terminal can (Kitty, Sixel).
    """
    shared = context.of(ctx)
    screen = shared.screen()
    if web:
        from facesort.cli.review_web import review_web  # noqa: PLC0415 - an extra

        review_web(
            lambda: shared.open(screen),
            say=screen.say,
            open_browser=browser,
            min_photos=min_photos,
        )
        return
    _ask_in_terminal(shared, screen, min_photos)


def _ask_in_terminal(shared: Context, screen: Screen, min_photos: int) -> None:
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    if shared.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "review asks in a terminal, and here is none",
            hint="Give answers with --answers FILE, or look at faces in a browser with --web.",
        )
    with shared.open(screen) as library:
        session = library.review(min_photos=min_photos)
        answers = 0
        if session.question() is not None:
            answers = _sit(shared, library, session)
        _sum_up(screen, session, answers)


def _sit(shared: Context, library: Library, session: ReviewSession) -> int:
    """Ask until the user has had enough; returns how many answers were given."""
    from rich.console import Console  # noqa: PLC0415 - kept out of --help

    from facesort.cli.asking import Asking  # noqa: PLC0415 - as above
    from facesort.cli.desk import TerminalDesk  # noqa: PLC0415 - as above
    from facesort.cli.keys import open_keyboard  # noqa: PLC0415 - as above
    from facesort.cli.pictures import open_painter  # noqa: PLC0415 - as above
    from facesort.cli.render import is_plain  # noqa: PLC0415 - as above

    console = Console(
        file=sys.stdout,
        color_system=None if is_plain(no_color=shared.no_color) else "auto",
        highlight=False,
        emoji=False,
        markup=False,
    )
    painter = open_painter(console)
    with open_keyboard() as keyboard, console.screen(hide_cursor=False):
        desk = TerminalDesk(console, keyboard, painter, library.pictures(), session)
        asking = Asking(session, desk)
        try:
            asking.run()
        finally:
            painter.forget()
    return asking.answers


def _sum_up(screen: Screen, session: ReviewSession, answers: int) -> None:
    from facesort.cli.phrases import how_far  # noqa: PLC0415 - kept out of --help

    if session.question() is None:
        screen.text("Nothing left to ask.")
    given = f"{counted(answers, 'answer')} given. " if answers else ""
    screen.text(f"{given}{how_far(session.progress())}.")
    if session.question() is not None:
        screen.say("facesort review goes on from here; facesort undo takes back the last answer.")
