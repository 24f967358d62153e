"""The terminal a review has to itself: keys unseen and unbuffered, a screen of its own.

It is left as it was found, whatever happens: at the end, after an error, when a signal ends or
stops the program, and when Ctrl-Z lends it to the shell.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from facesort.cli.keys import Keyboard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, Self

__all__ = ["open_keyboard"]

# A screen of its own, and marks around what is pasted. Cursor: as somebody may have hidden it.
_BEGIN = "\x1b[?1049h\x1b[?2004h\x1b[H"
_END = "\x1b[?2004l\x1b[?25h\x1b[?1049l"


def open_keyboard(write: Callable[[str], None]) -> Keyboard:
    """Return this system's keyboard; as long as it is open, so is a screen of its own.

    Args:
        write: sends control sequences to the terminal, at once.
    """
    if sys.platform == "win32":
        return _WindowsKeyboard(write)
    return _PosixKeyboard(write)


class _PosixKeyboard(Keyboard):
    """Keys from the standard input: unseen, unbuffered, and Ctrl-C is a key."""

    def __init__(self, write: Callable[[str], None]) -> None:
        import select  # noqa: PLC0415 - other on Windows

        self._descriptor = sys.stdin.fileno()
        super().__init__(
            lambda seconds: bool(select.select([self._descriptor], [], [], seconds)[0]),
            self._take_bytes,
        )
        self._write = write
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}  # Any: what signal.signal returns
        self._is_asked_to_stop = self._has_been_away = False

    def _take_bytes(self) -> bytes:
        try:
            return os.read(self._descriptor, 1024)
        except OSError:  # the window is gone
            return b""

    def __enter__(self) -> Self:
        import termios  # noqa: PLC0415 - not on Windows

        self._before = termios.tcgetattr(self._descriptor)
        try:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                self._handlers[number] = signal.signal(number, self._end)
            self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._stop)
            self._handlers[signal.SIGCONT] = signal.signal(signal.SIGCONT, self._go_on)
            self._begin()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _begin(self) -> None:
        import termios  # noqa: PLC0415 - as above

        mode = [*self._before[:6], list(self._before[6])]
        mode[0] &= ~(termios.ICRNL | termios.IXON)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, mode)
        self._write(_BEGIN)

    def _leave(self) -> None:
        import termios  # noqa: PLC0415 - as above

        with contextlib.suppress(OSError):  # the window is gone
            self._write(_END)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)

    # -- signals -----------------------------------------------------------------------------------

    def _end(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's
        """End as the signal would have, but by the doors: the terminal is put right."""
        for other in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(other, signal.SIG_IGN)  # it has been heard
        raise SystemExit(128 + number)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as above
        """Stop while waiting for a key, not amid an answer: a scan may want the library."""
        self._is_asked_to_stop = True

    def _go_on(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as above
        """Take the terminal back: whoever had it meanwhile may have changed anything."""
        self._begin()
        self._has_been_away = True

    def _suspend(self) -> bool:
        """Stop all that the shell began with this, as the terminal's own Ctrl-Z does."""
        self._is_asked_to_stop = False
        self._leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(0, signal.SIGTSTP)  # here it stops; where nobody could wake it, it does not
        signal.signal(signal.SIGTSTP, self._stop)
        self._begin()
        return True

    def _was_away(self) -> bool:
        if self._is_asked_to_stop:
            return self._suspend()
        was, self._has_been_away = self._has_been_away, False
        return was


class _WindowsKeyboard(Keyboard):
    """Keys from the console; it has no signals that stop, and keeps its own modes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__(_windows_wait, _windows_take)
        self._write = write

    def __enter__(self) -> Self:
        self._write(_BEGIN)
        return self

    def __exit__(self, *_: object) -> None:
        self._write(_END)


def _windows_wait(seconds: float) -> bool:
    import msvcrt  # noqa: PLC0415 - only there
    import time  # noqa: PLC0415 - as above

    until = time.monotonic() + seconds
    while not msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return True


def _windows_take() -> bytes:
    import msvcrt  # noqa: PLC0415 - only there

    one: str = msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
    if one in "\0\xe0":  # an arrow or another key without a character
        arrows = {"H": "A", "P": "B", "M": "C", "K": "D"}
        code: str = msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
        return f"\x1b[{arrows.get(code, '~')}".encode()
    return one.encode("utf-8", "replace")
