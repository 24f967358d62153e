"""`facesort review` through files: questions out, answers in."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from facesort.cli.quiet import quiet_libraries
from facesort.cli.render import counted
from facesort.errors import UsageError
from facesort.files import PathKind, explain_os_error, kind_of
from facesort.jobs.batch.answers import Came
from facesort.jobs.batch.questions import filed_questions
from facesort.review.answer_file import read_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from facesort.cli.context import Context
    from facesort.cli.render import Screen
    from facesort.jobs.batch.answers import Outcome
    from facesort.review.answer_file import Row
    from facesort.review.filed import Filed

__all__ = ["answer_from", "export_questions"]

_EXIT_SOME_REFUSED = 3
_MOST_BYTES = 64 * 2**20  # of a file of answers: a million rows
_STDIN = "-"
_LONGEST = 40  # of what a file says, when it is told again


# -- out -------------------------------------------------------------------------------------------


def export_questions(
    shared: Context, screen: Screen, folder: Path, *, most: int, min_photos: int
) -> None:
    """Write questions into a folder for somebody who has no facesort."""
    with shared.open(screen) as library, quiet_libraries(), _ended_tidily():
        done = library.export_questions(folder, most=most, min_photos=min_photos)
    if screen.json:
        screen.document(
            {
                "folder": os.fspath(folder.absolute()),
                "questions": done.questions,
                "faces": done.faces,
                "sheets": done.sheets,
                "unseen": done.unseen,
            }
        )
        return
    if done.unseen:
        screen.say(
            f"{counted(done.unseen, 'question')} left out: their originals cannot be read now."
        )
    if not done.questions:
        screen.text("Nothing was written." if done.unseen else "Nothing left to ask.")
        return
    screen.text(
        f"{folder.absolute()}: {counted(done.questions, 'question')} with "
        f"{counted(done.faces, 'face')}; open index.html."
    )
    screen.say("It holds faces and the names of people who are listed: mind whom you give it to.")
    screen.say(f"What comes back: facesort review --answers {folder / 'answers.csv'}")


@contextlib.contextmanager
def _ended_tidily() -> Iterator[None]:
    """Let whoever ends facesort, or closes its window, end it as Ctrl-C does.

    Without that nothing takes away the faces that are written already.
    """

    def stop(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    wanted = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    ours = [one for one in wanted if one is not None and signal.getsignal(one) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []
    try:
        for one in ours:
            signal.signal(one, stop)
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)


# -- in --------------------------------------------------------------------------------------------


def answer_from(
    shared: Context,
    screen: Screen,
    file: str,
    *,
    same: bool | None,
    dry_run: bool,
    min_photos: int,
) -> None:
    """Read answers from a file, or `-` for what is typed or piped in."""
    name = "stdin" if file == _STDIN else file
    try:
        rows = read_answers(_read(file))
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from error
    filed = {} if file == _STDIN else _questions_beside(Path(file), rows)
    outcomes: list[Outcome] = []
    is_whole = False
    with shared.open(screen) as library:
        batch = library.batch(filed, same=same, dry_run=dry_run, min_photos=min_photos)
        try:
            for outcome in batch.apply(rows):
                outcomes.append(outcome)
                if not screen.json:
                    _tell(screen, name, outcome)
            is_whole = True
        finally:  # what was done is told, also when the rest cannot be
            if screen.json:
                screen.document(_document(name, outcomes, dry_run=dry_run, is_whole=is_whole))
    if not screen.json:
        screen.text(_sum(outcomes, dry_run=dry_run))
    if any(outcome.came is Came.REFUSED for outcome in outcomes):
        raise typer.Exit(_EXIT_SOME_REFUSED)


def _read(file: str) -> bytes:
    """Return a file's content.

    Raises:
        UsageError: it cannot be read, or is no table of answers by its size alone.
    """
    try:
        if file == _STDIN:
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            if kind_of(Path(file)) is not PathKind.FILE:
                what = "is a folder" if Path(file).is_dir() else "is not there"
                raise UsageError(
                    what, hint="Give the answers.csv that came back, or - for standard input."
                )
            with Path(file).open("rb") as opened:
                data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError("it cannot be read", hint=explain_os_error(error)) from error
    if len(data) > _MOST_BYTES:
        raise UsageError(
            f"more than {_MOST_BYTES >> 20} MB are no answers", hint="Is it the right file?"
        )
    return data


def _questions_beside(file: Path, rows: Sequence[Row]) -> dict[str, Filed]:
    """Return the questions of the exported folder, if the answers lie in it.

    Where every row says itself what was asked, a file of that name may be anybody's.
    """
    path = file.parent / "questions.json"
    if kind_of(path) is not PathKind.FILE:
        return {}
    try:
        return filed_questions(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read", hint=explain_os_error(error)) from error
    except UsageError as error:
        if all(row.filed or row.problem for row in rows):
            return {}
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from error


def _tell(screen: Screen, name: str, outcome: Outcome) -> None:
    row = outcome.row
    if outcome.came is Came.SKIPPED:
        return
    number = f" ({row.number[:_LONGEST]})" if row.number else ""
    if outcome.came is Came.REFUSED:
        hint = f" {outcome.hint}" if outcome.hint else ""
        screen.text(f"{name}, {row.place}{number}: refused: {outcome.sentence}.{hint}")
    else:
        screen.text(f"{name}, {row.place}{number}: {outcome.sentence}")


def _sum(outcomes: Sequence[Outcome], *, dry_run: bool) -> str:
    many = {came: sum(outcome.came is came for outcome in outcomes) for came in Came}
    told = [
        f"{counted(many[Came.APPLIED], 'answer')} {'would be kept' if dry_run else 'kept'}",
        f"{many[Came.ALREADY]:,} known already" if many[Came.ALREADY] else "",
        f"{many[Came.SKIPPED]:,} left open" if many[Came.SKIPPED] else "",
        f"{many[Came.REFUSED]:,} refused" if many[Came.REFUSED] else "",
        "nothing was written (--dry-run)" if dry_run else "",
    ]
    return f"{'; '.join(filter(None, told))}."


def _document(
    name: str, outcomes: Sequence[Outcome], *, dry_run: bool, is_whole: bool
) -> Mapping[str, object]:
    return {
        "file": name,
        "dry_run": dry_run,
        "complete": is_whole,
        **{
            came.value: [_entry(outcome) for outcome in outcomes if outcome.came is came]
            for came in Came
        },
    }


def _entry(outcome: Outcome) -> dict[str, object]:
    row = outcome.row
    entry: dict[str, object] = {
        "place": row.place,
        "number": row.number[:_LONGEST],
        "id": row.id[:_LONGEST],
    }
    if outcome.came is Came.REFUSED:
        return entry | {"reason": outcome.sentence, "hint": outcome.hint}
    if outcome.came is Came.SKIPPED:
        return entry | {"reason": outcome.sentence}
    entry["sentence"] = outcome.sentence
    if outcome.came is Came.APPLIED:
        entry |= {
            "decisions": list(outcome.decisions),
            "doubt": outcome.doubt,
            "settled": outcome.settled,
        }
    return entry
