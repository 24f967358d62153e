"""Everything that is printed. The only user of rich and tqdm."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from facesort.protocols import Progress

__all__ = ["Screen"]

# Without a terminal a long job says how far it is this often.
_PLAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Screen:
    """The terminal: results on stdout, messages and progress on stderr."""

    json: bool = False
    quiet: bool = False
    no_color: bool = False

    def document(self, value: object) -> None:
        """Print one JSON document."""
        text = json.dumps(value, ensure_ascii=False, indent=2)
        sys.stdout.write(_printable(text, sys.stdout.encoding) + "\n")

    def line(self, value: object) -> None:
        """Print one JSON object on one line."""
        text = json.dumps(value, ensure_ascii=False)
        sys.stdout.write(_printable(text, sys.stdout.encoding) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int) -> None:
        """Print rows below headings; `numbers` columns after the first are right-aligned."""
        from rich.table import Table  # noqa: PLC0415 - heavy

        table = Table(box=None, pad_edge=False, header_style="bold")
        for i, column in enumerate(columns):
            is_number = 1 <= i <= numbers
            table.add_column(
                column, justify="right" if is_number else "left", no_wrap=is_number or i == 0
            )
        for row in rows:
            table.add_row(*(_escaped(cell) for cell in row))
        console = self._console(stderr=False)
        with console.capture() as drawn:  # rich would end the process when the reader is gone
            console.print(table)
        sys.stdout.write(_encodable(drawn.get(), sys.stdout.encoding))

    def text(self, text: str) -> None:
        """Print a line of the result."""
        sys.stdout.write(_encodable(text, sys.stdout.encoding) + "\n")

    def say(self, text: str) -> None:
        """Print a message, unless asked to be quiet."""
        if not self.quiet:
            sys.stderr.write(_encodable(text, sys.stderr.encoding) + "\n")

    def ask(self, question: str, choices: Sequence[str]) -> str:
        """Ask until one of the choices is given."""
        from rich.prompt import Prompt  # noqa: PLC0415 - heavy

        return Prompt.ask(question, choices=list(choices), console=self._console(stderr=True))

    def progress(self) -> Progress:
        """Return what tells how far a long job is."""
        if self.quiet:
            return _Silent()
        return _Bar() if sys.stderr.isatty() else _Plain()

    def _console(self, *, stderr: bool) -> Console:
        from rich.console import Console  # noqa: PLC0415 - heavy

        stream = sys.stderr if stderr else sys.stdout
        plain = self.no_color or bool(os.environ.get("NO_COLOR"))
        # Without a terminal there is no width to fit, and a cut id would be useless to a script.
        width = None if stream.isatty() else 500
        # Not rich's `no_color`: that leaves bold.
        return Console(
            stderr=stderr,
            color_system=None if plain else "auto",
            width=width,
            highlight=False,
            emoji=False,
        )


def _escaped(cell: str) -> str:
    from rich.markup import escape  # noqa: PLC0415 - heavy

    # A person may be called [bold]; and a name must not move the cursor.
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cell))


def _printable(text: str, encoding: str | None) -> str:
    """Escape what the stream cannot show: a broken file name, or an old terminal."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), ensure_ascii=True)
    return text


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
        self._tqdm.write(_encodable(message, sys.stderr.encoding), file=sys.stderr)

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
        sys.stderr.write(_encodable(message, sys.stderr.encoding) + "\n")
        sys.stderr.flush()

    def finish(self) -> None: ...

    def _amount(self, amount: float) -> str:
        if self._unit == "B":
            return f"{amount / 1e6:,.1f} MB"
        number = f"{amount:,.0f}" if amount >= 10 or amount == int(amount) else f"{amount:.1f}"
        plural = "" if amount == 1 or not self._unit else "s"
        return f"{number} {self._unit}{plural}".strip()
