"""Everything that is printed, but the screens of a review: those draw themselves (`desk`)."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from facesort.cli.bars import progress_on, say
from facesort.cli.printable import (
    encodable,
    json_for,
    json_lines_for,
    visible,
    width_of,
    without_markup,
)
from facesort.errors import FacesortError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from rich.console import Console

    from facesort.protocols import Progress

__all__ = ["Screen", "counted", "finish_output", "is_plain", "say_error"]


_NO_TERMINAL_WIDTH = 500

# Entries of a list that are written in one go.
_LINES_AT_ONCE = 2000

# From here on a table is laid out without rich, also on a terminal.
_MANY_ROWS = 1000


def is_plain(*, no_color: bool) -> bool:
    """Whether colours are unwanted: by the option, or NO_COLOR."""
    return no_color or bool(os.environ.get("NO_COLOR"))


def counted(number: int, one: str, many: str = "") -> str:
    """Return `1 photo`, `2 photos` or, with `many`, `2 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True)
class Screen:
    """The terminal: results on stdout, messages and progress on stderr."""

    json: bool = False
    quiet: bool = False
    no_color: bool = False

    def document(self, value: object) -> None:
        """Print one JSON document."""
        text = json.dumps(value, ensure_ascii=False, indent=2)
        _write(json_for(text, sys.stdout.encoding) + "\n")

    def documents(self, values: Iterable[object]) -> None:
        """Print one JSON document, a list, as its entries come: one a line."""
        self.entries(json.dumps(value, ensure_ascii=False) for value in values)

    def entries(self, lines: Iterable[str]) -> None:
        """Print one JSON document, a list, from its entries as JSON text."""
        start, waiting = "[\n", iter(lines)
        while block := list(islice(waiting, _LINES_AT_ONCE)):
            _write(start + json_lines_for(",\n".join(block), sys.stdout.encoding))
            start = ",\n"
        _write("[]\n" if start == "[\n" else "\n]\n")

    def line(self, value: object) -> None:
        """Print one JSON object on one line."""
        text = json.dumps(value, ensure_ascii=False)
        _write(json_for(text, sys.stdout.encoding) + "\n")

    def csv(self, rows: Iterable[Sequence[object]]) -> None:
        """Print rows as comma-separated values."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        for row in rows:
            writer.writerow(row)
            _write(buffer.getvalue())
            buffer.seek(0)
            buffer.truncate()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int) -> None:
        """Print rows below headings; `numbers` columns after the first are right-aligned."""
        if not sys.stdout.isatty() or len(rows) > _MANY_ROWS:
            _write(_laid_out(columns, rows, numbers))
            return
        from rich.table import Table  # noqa: PLC0415 - heavy

        table = Table(box=None, pad_edge=False, header_style="bold")
        for i, column in enumerate(columns):
            is_number = 1 <= i <= numbers
            table.add_column(
                column, justify="right" if is_number else "left", no_wrap=is_number or i == 0
            )
        for row in rows:
            table.add_row(*(without_markup(cell) for cell in row))
        drawn = io.StringIO()  # rich itself would end the process when the reader is gone
        self._console(drawn, width_of=sys.stdout).print(table)
        _write(drawn.getvalue())

    def text(self, text: str) -> None:
        """Print a line of the result."""
        _write(visible(text) + "\n")

    def say(self, text: str) -> None:
        """Print a message, unless asked to be quiet."""
        if not self.quiet:
            say(visible(text))

    def ask(self, question: str, choices: Sequence[str]) -> str | None:
        """Ask until one of the choices is given; None when the input ends (Ctrl-D)."""
        from rich.prompt import Prompt  # noqa: PLC0415 - heavy

        try:
            return Prompt.ask(question, choices=list(choices), console=self._console(sys.stderr))
        except EOFError:
            say("")
            return None

    def progress(self) -> Progress:
        """Return what tells how far a long job is."""
        return progress_on(sys.stderr, quiet=self.quiet)

    def _console(self, file: TextIO, *, width_of: TextIO | None = None) -> Console:
        from rich.console import Console  # noqa: PLC0415 - heavy

        is_terminal = (width_of or file).isatty()
        return Console(
            file=file,
            force_terminal=is_terminal,
            # Not rich's `no_color`: that leaves bold.
            color_system=None if is_plain(no_color=self.no_color) else "auto",
            # Without a terminal there is no width to fit, and a cut id is useless to a script.
            width=None if is_terminal else _NO_TERMINAL_WIDTH,
            highlight=False,
            emoji=False,
        )


def _laid_out(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
    """Lay a table out by itself: rich takes ten seconds for 28,000 rows (measured, rich 14)."""
    laid_out = []
    for i, column in enumerate(zip(columns, *rows, strict=True)):
        plain = all(map(str.isascii, column)) and all(map(str.isprintable, column))
        cells = list(column) if plain else [visible(cell) for cell in column]
        widths = list(map(len if plain else width_of, cells))
        width = max(widths)
        side = str.rjust if 1 <= i <= numbers else str.ljust
        if i == len(columns) - 1 and side is str.ljust:
            laid_out.append(cells)
        elif plain:
            laid_out.append([side(cell, width) for cell in cells])
        else:
            laid_out.append(
                [
                    side(cell, width - cell_width + len(cell))
                    for cell, cell_width in zip(cells, widths, strict=True)
                ]
            )
    return "".join(f"{line}\n" for line in map("  ".join, zip(*laid_out, strict=True)))


def say_error(message: str, hint: str = "") -> None:
    """Print what went wrong, and what helps, to stderr."""
    for line in f"facesort: {message}".split("\n") + ([f"  {hint}"] if hint else []):
        say(visible(line))


def finish_output() -> None:
    """Send what is still buffered to stdout, and never try again.

    Raises:
        BrokenPipeError: the reader is gone.
        FacesortError: it cannot be written: for example, no space is left.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        # What could not be written stays in the buffer, and Python would complain at exit.
        sys.stdout = None
        raise _output_lost(error) from error


def _write(text: str) -> None:
    try:
        sys.stdout.write(encodable(text, sys.stdout.encoding))
    except OSError as error:
        raise _output_lost(error) from error


def _output_lost(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    from facesort.files import explain_os_error  # noqa: PLC0415 - only then

    return FacesortError("the output cannot be written", hint=explain_os_error(error))
