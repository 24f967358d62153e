"""How far a long job is: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from facesort.cli.printable import encodable, visible

if TYPE_CHECKING:
    from typing import TextIO

    from tqdm import tqdm

    from facesort.protocols import Progress

if TYPE_CHECKING:
    pass

__all__ = ["progress_on", "say"]


# Without a terminal a long job says how far it is this often.
_PLAIN_SECONDS = 10.0


def progress_on(stream: TextIO, *, quiet: bool) -> Progress:
    """Return what tells the user of a long job: nothing, a bar on a terminal, else lines."""
    if quiet:
        return _Silent()
    return _Bar() if stream.isatty() else _Plain()


def say(text: str) -> None:
    """Print a line to standard error; one that nobody can see ends no job."""
    with contextlib.suppress(OSError):
        sys.stderr.write(encodable(text, sys.stderr.encoding) + "\n")
        sys.stderr.flush()


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
        self._tqdm.write(encodable(visible(message), sys.stderr.encoding), file=sys.stderr)

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
        say(visible(message))

    def finish(self) -> None: ...

    def _amount(self, amount: float) -> str:
        if self._unit == "B":
            return f"{amount / 1e6:,.1f} MB"
        number = f"{amount:,.0f}" if amount >= 10 or amount == int(amount) else f"{amount:.1f}"
        plural = "" if amount == 1 or not self._unit else "s"
        return f"{number} {self._unit}{plural}".strip()
