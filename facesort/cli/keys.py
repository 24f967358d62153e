"""Single keys out of the bytes of a terminal, and what was pasted as one piece.

A paste is no answer: a terminal marks what is pasted (`window` asks it to), and where one does not,
several characters that arrive at once were not typed by anybody.
"""

from __future__ import annotations

import codecs
import time
import unicodedata
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["Keyboard", "Pasted", "is_text"]

# How long the rest of an escape sequence may take, and how often the window's size is looked at.
_REST_SECONDS = 0.05
_LOOK_SECONDS = 0.25

# A terminal brackets what is pasted. After so long a pause no end of it is waited for.
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_PASTE_SECONDS = 1.0
_LONGEST_PASTE = 10_000

# So many characters at once are no keys. Two may be: one pressed while the other was on its way.
# While nobody listened, as a large photo was read, some may have been typed.
_BURST = 3
_TYPED_A_SECOND = 15

_NAMES = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x03": "ctrl-c",
    "\x04": "ctrl-d",
    "\x15": "ctrl-u",
    "\x17": "ctrl-w",
}
_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
_STOPS = "\x03\x04"
_SUSPEND = "\x1a"

# Joiners that names are written with: Persian, Indic scripts, emoji.
_JOINERS = "\u200c\u200d"


class Pasted(str):
    """Text that came all at once. A line end at its end was typed, or pasted without brackets."""

    __slots__ = ()


def is_text(one: str) -> bool:
    """Return whether a character can be part of a name, spaces of any width included."""
    return one.isprintable() or one in _JOINERS or unicodedata.category(one) == "Zs"


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
        self._amid_paste = False  # its beginning was forgotten
        self._listened = time.monotonic()  # when nothing more was there to read

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was changed."""

    def is_waiting(self) -> bool:
        """Return whether a key was pressed already, or the end has come."""
        if self._waiting or self._ended or self._wait(0):
            return True
        self._listened = time.monotonic()
        return False

    def forget(self) -> None:
        """Drop keys that were pressed already; to stop is heard nevertheless."""
        while not self._ended and self._wait(_REST_SECONDS if self._is_cut_off() else 0):
            self._read()
        dropped = "".join(self._waiting)
        begins = dropped.rfind(_PASTE_BEGINS)
        if begins >= 0 or self._amid_paste:
            self._amid_paste = _PASTE_ENDS not in dropped[max(0, begins) :]
        self._waiting = [one for one in dropped if one in _STOPS][:1]
        self._listened = time.monotonic()

    def key(self, changed: Callable[[], bool]) -> str:
        """Wait for a key.

        Args:
            changed: says whether the screen has to be drawn again.

        Returns:
            A character, `Pasted`, or a name: see `facing.Desk`.
        """
        while not (happened := self._arrived(changed)) and self._amid_paste:
            if self._waiting[0] in _STOPS:
                break
            self._pasted()
            self._amid_paste = False
        if happened:
            return happened
        one = self._waiting.pop(0)
        if isinstance(one, Pasted):
            return one
        if one == "\x1b":
            return self._sequence()
        if one == _SUSPEND and self._suspend():
            return "resize"
        return _NAMES.get(one, one if is_text(one) else "other")

    def _arrived(self, changed: Callable[[], bool]) -> str:
        """Wait until a character is there; returns '', or what happened instead."""
        while not self._waiting:
            if self._ended:
                return "ctrl-d"
            unheard = 0.0
            if self.is_waiting():
                unheard = time.monotonic() - self._listened
            elif not self._wait(_LOOK_SECONDS):
                if self._was_away() or changed():
                    return "resize"
                continue
            self._read()
            self._join_burst(_BURST + int(_TYPED_A_SECOND * unheard))
        return ""

    def _suspend(self) -> bool:
        """Let the shell have the terminal; returns False where there is none to give it to."""
        return False

    def _was_away(self) -> bool:
        """Return whether somebody else may have drawn on the terminal."""
        return False

    def _read(self) -> None:
        data = self._take()
        self._ended = not data
        self._waiting += self._decoder.decode(data, final=not data)

    def _next(self, seconds: float = _REST_SECONDS) -> str:
        """Return the next character of a sequence; '' when it ends here."""
        if not self._waiting and not self._ended and self._wait(seconds):
            self._read()
        return self._waiting.pop(0) if self._waiting else ""

    # -- sequences ---------------------------------------------------------------------------------

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
        between = ""
        while (one := self._next()) and not "@" <= one <= "~":
            between += one
        if between + one == "200~":
            return self._pasted()
        return _ARROWS.get(one, "other")

    # -- pasted ------------------------------------------------------------------------------------

    def _pasted(self) -> Pasted:
        """Read to the end of what is pasted."""
        text, last = "", ""
        while one := self._next(_PASTE_SECONDS):
            last = (last + one)[-len(_PASTE_ENDS) :]
            if len(text) < _LONGEST_PASTE:
                text += one
            if last == _PASTE_ENDS:
                text = text.removesuffix(_PASTE_ENDS)
                break
        return Pasted(_one_line(text))

    def _join_burst(self, many: int) -> None:
        """Make one piece of so many characters: nobody can have typed them one by one."""
        while (count := self._burst(many)) and count == len(self._waiting) < _LONGEST_PASTE:
            if self._ended or not self._wait(_REST_SECONDS):
                break
            self._read()
        if count:
            text = "".join(self._waiting[:count])
            end = "\n" if text[-1] in "\r\n" else ""
            self._waiting[:count] = [Pasted(_one_line(text) + end)]

    def _burst(self, many: int) -> int:
        """Return how many characters came at once; 0 where they may be keys."""
        run = list(takewhile(lambda one: one in "\r\n\t" or is_text(one), self._waiting))
        is_many = len(run) >= many or (len(run) >= many - 1 and any(one in "\r\n" for one in run))
        return len(run) if is_many else 0

    def _is_cut_off(self) -> bool:
        """Whether a mark of a paste may have arrived in part."""
        last = "".join(self._waiting[-len(_PASTE_BEGINS) :])
        return any(last.endswith(_PASTE_BEGINS[:count]) for count in range(1, len(_PASTE_BEGINS)))


def _one_line(text: str) -> str:
    """Return text without line ends and controls: what is pasted into a name."""
    spaced = "".join(one if is_text(one) else " " for one in text)
    return spaced.strip()
