"""The command that asks: in the terminal, on a page, or through files."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facesort.cli import context
from facesort.cli.render import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facesort.cli.context import Context
    from facesort.cli.render import Screen
    from facesort.jobs.review.session import ReviewSession
    from facesort.library import Library

__all__ = ["register"]


_MinPhotos = Annotated[
    int,
    typer.Option("--min-photos", metavar="N", min=1, help="Ask late about people on fewer photos."),
]
_Web = Annotated[
    bool, typer.Option("--web", help="In a browser of this machine; needs the extra `web`.")
]
_Browser = Annotated[
    bool | None,
    typer.Option(
        "--browser/--no-browser",
        help="With --web: open the page; otherwise only say where it is.",
        show_default="browser",
    ),
]
_ExportQuestions = Annotated[
    Path | None,
    typer.Option(
        "--export-questions",
        metavar="DIR",
        readable=False,
        help="Write questions with faces, a page and sheets for somebody without facesort.",
    ),
]
_Count = Annotated[
    int | None,
    typer.Option(
        "--count",
        metavar="N",
        min=1,
        max=2000,
        help="With --export-questions: at most so many.",
        show_default="40",
    ),
]
_Answers = Annotated[
    str | None,
    typer.Option(
        "--answers", metavar="FILE", help="Read answers from a CSV or JSON file; - is stdin."
    ),
]
_Same = Annotated[
    bool | None,
    typer.Option(
        "--same/--another",
        help="With --answers: a name that somebody else in the library has means that person, "
        "or another one.",
        show_default="refused",
    ),
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="With --answers: only say what would be kept.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Example: facesort review. For a client: facesort review --export-questions client/ "
        "and then facesort review --answers client/answers.csv"
    )(review)


def review(
    ctx: typer.Context,
    min_photos: _MinPhotos = 3,
    web: _Web = False,
    browser: _Browser = None,
    export_questions: _ExportQuestions = None,
    count: _Count = None,
    answers: _Answers = None,
    same: _Same = None,
    dry_run: _DryRun = False,
) -> None:
    """Answer questions about faces, each worth asking: who is this, are these the same person?

    One key an answer, kept at once; u takes it back, h shows the keys, q ends. Call it again to go
    on. The extra `review` draws real pictures where the terminal can (Kitty, Sixel).
    """
    shared = context.of(ctx)
    screen = shared.screen()
    _refuse_together(
        {"--web": web, "--export-questions": export_questions, "--answers": answers},
        {"--count": ("--export-questions", count), "--same or --another": ("--answers", same)}
        | {
            "--dry-run": ("--answers", dry_run or None),
            "--browser or --no-browser": ("--web", browser),
        },
    )
    if export_questions is not None or answers is not None:
        from facesort.cli import review_batch  # noqa: PLC0415 - pictures are heavy

        if export_questions is not None:
            review_batch.export_questions(
                shared, screen, export_questions, most=count or 40, min_photos=min_photos
            )
        elif answers is not None:
            review_batch.answer_from(
                shared, screen, answers, same=same, dry_run=dry_run, min_photos=min_photos
            )
        return
    if web:
        from facesort.cli.review_web import review_web  # noqa: PLC0415 - an extra

        review_web(
            lambda: shared.open(screen),
            say=screen.say,
            open_browser=browser is not False,
            min_photos=min_photos,
        )
        return
    _ask_in_terminal(shared, screen, min_photos)


def _refuse_together(
    ways: Mapping[str, object], belonging: Mapping[str, tuple[str, object]]
) -> None:
    """Refuse ways that exclude each other, and what belongs to a way that was not chosen."""
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    chosen = [way for way, value in ways.items() if value not in {None, False}]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other", hint="Give one of them.")
    for option, (way, value) in belonging.items():
        if value is not None and way not in chosen:
            raise UsageError(f"{option} belongs to {way}", hint=f"Add {way}, or leave it out.")


def _ask_in_terminal(shared: Context, screen: Screen, min_photos: int) -> None:
    from facesort.errors import UsageError  # noqa: PLC0415 - kept out of --help

    if shared.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        what = "with --json it cannot" if shared.json else "its input or output is none"
        raise UsageError(
            f"review asks in a terminal, and {what}",
            hint="Give answers with --answers FILE, or look at faces in a browser with --web.",
        )
    with shared.open(screen) as library:
        _refuse_unwritable(library.settings.library)
        session = library.review(min_photos=min_photos)
        gc.freeze()  # all of it stays: looking through it for garbage would delay answers
        answers = 0
        if session.question() is not None:
            answers = _sit(shared, library, session)
        _sum_up(screen, session, answers)


def _refuse_unwritable(folder: Path) -> None:
    """Refuse to ask where no answer could be kept: it would be said after the first one only."""
    from facesort.errors import LibraryUnwritable  # noqa: PLC0415 - kept out of --help

    # SQLite writes its journal beside the catalog: the folder and the files in it have to let it.
    for path in (folder, *folder.glob("catalog.db*")):
        if not os.access(path, os.W_OK):
            raise LibraryUnwritable(
                f"no answer could be kept: {path} cannot be written",
                hint="Check the permissions, or copy the library and give the copy as --library.",
            )


def _sit(shared: Context, library: Library, session: ReviewSession) -> int:
    """Ask until the user has had enough; returns how many answers were given."""
    from rich.console import Console  # noqa: PLC0415 - kept out of --help

    from facesort.cli.asking import Asking  # noqa: PLC0415 - as above
    from facesort.cli.desk import TerminalDesk  # noqa: PLC0415 - as above
    from facesort.cli.pictures import open_painter  # noqa: PLC0415 - as above
    from facesort.cli.render import is_plain  # noqa: PLC0415 - as above
    from facesort.cli.window import open_keyboard  # noqa: PLC0415 - as above

    console = Console(
        file=sys.stdout,
        color_system=None if is_plain(no_color=shared.no_color) else "auto",
        highlight=False,
        emoji=False,
        markup=False,
    )
    painter = open_painter(console)

    def write(control: str) -> None:
        if not (console.is_dumb_terminal or console.legacy_windows):
            console.file.write(control)
            console.file.flush()

    with open_keyboard(write) as keyboard:
        desk = TerminalDesk(console, keyboard, painter, library.pictures(), session)
        asking = Asking(session, desk)
        try:
            asking.run()
        finally:
            painter.forget()
    return asking.answers


def _sum_up(screen: Screen, session: ReviewSession, answers: int) -> None:
    from facesort.cli.phrases import how_far  # noqa: PLC0415 - kept out of --help

    asks = session.question() is not None
    if not asks:
        screen.text("Nothing left to ask.")
    given = f"{counted(answers, 'answer')} given. " if answers else ""
    screen.text(f"{given}{how_far(session.progress(), asks=asks)}.")
    sentences = ["facesort review goes on from here"] if asks else []
    if session.last_answer_is_newest():
        sentences.append("facesort undo takes back the last answer")
    if sentences:
        screen.say(f"{'; '.join(sentences)}.")
