"""Single keys from a terminal, which is left as it was found."""

from __future__ import annotations

import codecs
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, Self

__all__ = ["Keyboard", "open_keyboard"]

# How long the rest of an escape sequence may take, and how often the window's size is looked at.
_REST_SECONDS = 0.05
_LOOK_SECONDS = 0.25

_NAMES = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x03": "ctrl-c",
    "\x04": "ctrl-d",
    "\x15": "ctrl-u",
}
_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}


class Keyboard:
    """Reads keys one by one; use it as a context manager.

    Args:
        wait: returns whether something can be read within so many seconds.
        take: returns what can be read, at least a byte; b"" at the end.
    """

    def __init__(self, wait: Callable[[float], bool], take: Callable[[], bytes]) -> None:
        self._wait, self._take = wait, take
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting: list[str] = []  # characters
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was changed."""

    def is_waiting(self) -> bool:
        """Return whether a key was pressed already, or the end has come."""
        return bool(self._waiting) or self._ended or self._wait(0)

    def forget(self) -> None:
        """Drop keys that were pressed already; to stop is heard nevertheless."""
        while not self._ended and self._wait(0):
            self._read()
        stops = [one for one in self._waiting if one in "\x03\x04"]
        self._waiting = stops[:1]

    def key(self, changed: Callable[[], bool]) -> str:
        """Wait for a key.

        Args:
            changed: says whether the screen has to be drawn again.

        Returns:
            A character, or a name: see `asking.Desk`.
        """
        while not self._waiting:
            if self._ended:
                return "ctrl-d"
            if self._wait(_LOOK_SECONDS):
                self._read()
            elif changed():
                return "resize"
        one = self._waiting.pop(0)
        if one == "\x1b":
            return self._sequence()
        return _NAMES.get(one, one if one.isprintable() else "other")

    def _read(self) -> None:
        data = self._take()
        self._ended = not data
        self._waiting += self._decoder.decode(data, final=not data)

    def _next(self) -> str:
        """Return the next character of a sequence; '' when it ends here."""
        if not self._waiting and not self._ended and self._wait(_REST_SECONDS):
            self._read()
        return self._waiting.pop(0) if self._waiting else ""

    def _sequence(self) -> str:
        kind = self._next()
        if not kind:
            return "esc"
        if kind in "_P]^X":  # a terminal's late answer: as far as its end
            before = ""
            while (one := self._next()) and not (before == "\x1b" and one == "\\") and one != "\a":
                before = one
            return "other"
        if kind not in "[O":
            return "other"
        while (one := self._next()) and not "@" <= one <= "~":
            pass
        return _ARROWS.get(one, "other")


class _PosixKeyboard(Keyboard):
    """Keys from the standard input: unseen, unbuffered, and Ctrl-C is a key."""

    def __init__(self) -> None:
        import select  # noqa: PLC0415 - other on Windows

        self._descriptor = sys.stdin.fileno()
        super().__init__(
            lambda seconds: bool(select.select([self._descriptor], [], [], seconds)[0]),
            self._take_bytes,
        )
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}  # Any: what signal.signal returns

    def _take_bytes(self) -> bytes:
        try:
            return os.read(self._descriptor, 1024)
        except OSError:  # the window is gone
            return b""

    def __enter__(self) -> Self:
        import termios  # noqa: PLC0415 - not on Windows

        self._before = termios.tcgetattr(self._descriptor)
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, _end)
        mode = termios.tcgetattr(self._descriptor)
        mode[0] &= ~termios.ICRNL
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, mode)
        return self

    def __exit__(self, *_: object) -> None:
        import contextlib  # noqa: PLC0415 - beside the next
        import termios  # noqa: PLC0415 - as above

        with contextlib.suppress(termios.error):  # the window is gone
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's arguments
    """End as the signal would have, but by the doors: the terminal is put right."""
    raise SystemExit(128 + number)


def open_keyboard() -> Keyboard:
    """Return this system's keyboard."""
    if sys.platform == "win32":
        return _windows_keyboard()
    return _PosixKeyboard()


def _windows_keyboard() -> Keyboard:
    import msvcrt  # noqa: PLC0415 - only there
    import time  # noqa: PLC0415 - as above

    def wait(seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
        return True

    def take() -> bytes:
        one: str = msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
        if one in "\0\xe0":  # an arrow or another key without a character
            arrows = {"H": "A", "P": "B", "M": "C", "K": "D"}
            code: str = msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
            return f"\x1b[{arrows.get(code, '~')}".encode()
        return one.encode("utf-8", "replace")

    return Keyboard(wait, take)
