"""Everything that is printed. The only user of rich and tqdm."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
import time
import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from facesort.errors import FacesortError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from rich.console import Console

    from facesort.protocols import Progress

__all__ = ["Screen", "counted", "finish_output", "say_error"]

# Without a terminal a long job says how far it is this often.
_PLAIN_SECONDS = 10.0

_NO_TERMINAL_WIDTH = 500

# Entries of a list that are written in one go.
_LINES_AT_ONCE = 2000

# From here on a table is laid out without rich, also on a terminal.
_MANY_ROWS = 1000

# Controls, halves of broken characters, and line ends: they would move the cursor or end the line.
_UNSHOWN_CATEGORIES = frozenset(["Cc", "Cs", "Zl", "Zp"])
# Embeddings, overrides and isolates of text direction: they turn round what follows them.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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
        _write(_printable(text, sys.stdout.encoding) + "\n")

    def documents(self, values: Iterable[object]) -> None:
        """Print one JSON document, a list, as its entries come: one a line."""
        self.entries(json.dumps(value, ensure_ascii=False) for value in values)

    def entries(self, lines: Iterable[str]) -> None:
        """Print one JSON document, a list, from its entries as JSON text."""
        start, waiting = "[\n", iter(lines)
        while block := list(islice(waiting, _LINES_AT_ONCE)):
            _write(start + _printable_lines(",\n".join(block), sys.stdout.encoding))
            start = ",\n"
        _write("[]\n" if start == "[\n" else "\n]\n")

    def line(self, value: object) -> None:
        """Print one JSON object on one line."""
        text = json.dumps(value, ensure_ascii=False)
        _write(_printable(text, sys.stdout.encoding) + "\n")

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
            table.add_row(*(_escaped(cell) for cell in row))
        drawn = io.StringIO()  # rich itself would end the process when the reader is gone
        self._console(drawn, width_of=sys.stdout).print(table)
        _write(drawn.getvalue())

    def text(self, text: str) -> None:
        """Print a line of the result."""
        _write(_shown(text) + "\n")

    def say(self, text: str) -> None:
        """Print a message, unless asked to be quiet."""
        if not self.quiet:
            _say(_shown(text))

    def ask(self, question: str, choices: Sequence[str]) -> str | None:
        """Ask until one of the choices is given; None when the input ends (Ctrl-D)."""
        from rich.prompt import Prompt  # noqa: PLC0415 - heavy

        try:
            return Prompt.ask(question, choices=list(choices), console=self._console(sys.stderr))
        except EOFError:
            _say("")
            return None

    def progress(self) -> Progress:
        """Return what tells how far a long job is."""
        if self.quiet:
            return _Silent()
        return _Bar() if sys.stderr.isatty() else _Plain()

    def _console(self, file: TextIO, *, width_of: TextIO | None = None) -> Console:
        from rich.console import Console  # noqa: PLC0415 - heavy

        is_terminal = (width_of or file).isatty()
        plain = self.no_color or bool(os.environ.get("NO_COLOR"))
        return Console(
            file=file,
            force_terminal=is_terminal,
            # Not rich's `no_color`: that leaves bold.
            color_system=None if plain else "auto",
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
        cells = list(column) if plain else [_shown(cell) for cell in column]
        widths = list(map(len if plain else _cells, cells))
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


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - heavy

    return cell_len(text)


def say_error(message: str, hint: str = "") -> None:
    """Print what went wrong, and what helps, to stderr."""
    for line in f"facesort: {message}".split("\n") + ([f"  {hint}"] if hint else []):
        _say(_shown(line))


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
        sys.stdout.write(_encodable(text, sys.stdout.encoding))
    except OSError as error:
        raise _output_lost(error) from error


def _output_lost(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    from facesort.files import explain_os_error  # noqa: PLC0415 - only then

    return FacesortError("the output cannot be written", hint=explain_os_error(error))


def _say(text: str) -> None:
    # A message that nobody can see ends no job.
    with contextlib.suppress(OSError):
        sys.stderr.write(_encodable(text, sys.stderr.encoding) + "\n")
        sys.stderr.flush()


def _escaped(cell: str) -> str:
    from rich.markup import escape  # noqa: PLC0415 - heavy

    return escape(_shown(cell))  # a person may be called [bold]


def _shown(text: str) -> str:
    """Escape what would move the cursor, end the line or turn the text round, as Python does."""
    if text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in _UNSHOWN_CATEGORIES or c in _TURNING
        else c
        for c in text
    )


def _printable(text: str, encoding: str | None) -> str:
    """Escape what the stream cannot show: a broken file name, or an old terminal."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), ensure_ascii=True)
    return text


def _printable_lines(lines: str, encoding: str | None) -> str:
    try:
        lines.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        whole = json.loads(f"[{lines}]")
        return ",\n".join(json.dumps(entry, ensure_ascii=True) for entry in whole)
    return lines


def _encodable(text: str, encoding: str | None) -> str:
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)


class _Silent:
    """Says nothing."""

    def start(self, label: str, total: int | None, unit: str = "") -> None: ...
    def advance(self, n: int = 1) -> None: ...
    def note(self, message: str) -> None: ...
    def finish(self) -> None: ...


class _Bar:
    """A bar with rate and remaining time."""

    def __init__(self) -> None:
        from tqdm import tqdm  # noqa: PLC0415 - heavy

        self._tqdm = tqdm
        self._bar: tqdm[None] | None = None

    def start(self, label: str, total: int | None, unit: str = "") -> None:
        is_bytes = unit == "B"
        self._bar = self._tqdm(
            desc=label,
            total=total,
            unit=unit if is_bytes else f" {unit}".rstrip() or "it",
            unit_scale=is_bytes,
            file=sys.stderr,
            dynamic_ncols=True,
            leave=False,
        )

    def advance(self, n: int = 1) -> None:
        if self._bar is not None:
            self._bar.update(n)

    def note(self, message: str) -> None:
        self._tqdm.write(_encodable(_shown(message), sys.stderr.encoding), file=sys.stderr)

    def finish(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _Plain:
    """A line now and then, for logs."""

    def __init__(self) -> None:
        self._label, self._unit = "", ""
        self._total: int | None = None
        self._done = 0
        self._started = self._told = time.monotonic()

    def start(self, label: str, total: int | None, unit: str = "") -> None:
        self._label, self._total, self._unit, self._done = label, total, unit, 0
        self._started = self._told = time.monotonic()
        self.note(f"{label}" + (f": {self._amount(total)}" if total else ""))

    def advance(self, n: int = 1) -> None:
        self._done += n
        now = time.monotonic()
        if now - self._told >= _PLAIN_SECONDS:
            self._told = now
            rate = self._done / max(now - self._started, 1e-9)
            of = f" of {self._amount(self._total)}" if self._total else ""
            left = f", {(self._total - self._done) / rate:.0f} s left" if self._total else ""
            self.note(
                f"{self._label}: {self._amount(self._done)}{of}, {self._amount(rate)}/s{left}"
            )

    def note(self, message: str) -> None:
        _say(_shown(message))

    def finish(self) -> None: ...

    def _amount(self, amount: float) -> str:
        if self._unit == "B":
            return f"{amount / 1e6:,.1f} MB"
        number = f"{amount:,.0f}" if amount >= 10 or amount == int(amount) else f"{amount:.1f}"
        plural = "" if amount == 1 or not self._unit else "s"
        return f"{number} {self._unit}{plural}".strip()
