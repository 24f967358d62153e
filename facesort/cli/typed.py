"""A line of text that is being typed, in any script."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from facesort.cli.keys import Pasted, is_text
from facesort.cli.printable import width_of

__all__ = ["Line", "end_of", "without_last"]

_ZWJ, _ZWNJ = "\u200d", "\u200c"
_MARKS = frozenset(["Mn", "Mc", "Me"])


@dataclass(slots=True)
class Line:
    """What has been typed so far.

    Args:
        text: that.
        longest: so many characters at most.
    """

    text: str = ""
    longest: int = 200

    def takes(self, key: str) -> bool:
        """Change the line as a key says; returns whether it is one that changes lines."""
        if key == "backspace":
            self.text = without_last(self.text)
        elif key == "ctrl-u":
            self.text = ""
        elif key == "ctrl-w":
            self.text = self.text.rstrip().rpartition(" ")[0]
        elif isinstance(key, Pasted):
            self.text = (self.text + key.rstrip("\n"))[: self.longest]
        elif len(key) == 1 and is_text(key):
            self.text = (self.text + key)[: self.longest]
        else:
            return False
        return True


def without_last(text: str) -> str:
    """Return a text without its last character as people count: with marks and joined pictures.

    As the extended grapheme clusters of Unicode UAX 29, but for conjuncts of Indic scripts, whose
    letters go one by one.
    """
    at = len(text) - 1
    while at > 0 and _belong_together(text, at):
        at -= 1
    return text[: max(0, at)]


def _belong_together(text: str, at: int) -> bool:
    """Whether a code point is of one character with the one before it."""
    one, before = text[at], text[at - 1]
    if unicodedata.category(one) in _MARKS or one in (_ZWJ, _ZWNJ) or _is_modifier(one):
        return True
    if before == _ZWJ:
        return unicodedata.category(one) == "So"
    if _is_flag_letter(one):
        letters = 0
        while letters < at and _is_flag_letter(text[at - 1 - letters]):
            letters += 1
        return letters % 2 == 1
    if "\u1100" <= one <= "\u11ff":  # parts of a Korean syllable
        follows = one >= "\u1160" or "\u1100" <= before <= "\u115f"
        return follows and ("\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3")
    return False


def _is_modifier(one: str) -> bool:
    """Whether it colours the picture before it, or spells a flag's region."""
    return "\U0001f3fb" <= one <= "\U0001f3ff" or "\U000e0020" <= one <= "\U000e007f"


def _is_flag_letter(one: str) -> bool:
    return "\U0001f1e6" <= one <= "\U0001f1ff"


def end_of(text: str, columns: int) -> str:
    """Return the end of a text that fits, behind an ellipsis where it does not fit whole."""
    if width_of(text) <= columns:
        return text
    start = 0
    while start < len(text) and (
        width_of(text[start:]) > columns - 1 or (start and _belong_together(text, start))
    ):
        start += 1
    return "…" + text[start:]
