"""Text that can be printed: on any terminal, in any encoding, without moving the cursor."""

from __future__ import annotations

import json
import unicodedata

__all__ = ["encodable", "json_for", "json_lines_for", "visible", "width_of", "without_markup"]


# Controls, halves of broken characters, and line ends: they would move the cursor or end the line.
_UNSHOWN_CATEGORIES = frozenset(["Cc", "Cs", "Zl", "Zp"])


# Embeddings, overrides and isolates of text direction: they turn round what follows them.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - heavy

    return cell_len(text)


def without_markup(cell: str) -> str:
    """Return a cell that rich takes literally."""
    from rich.markup import escape  # noqa: PLC0415 - heavy

    return escape(visible(cell))  # a person may be called [bold]


def visible(text: str) -> str:
    """Escape what would move the cursor, end the line or turn the text round, as Python does."""
    if text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in _UNSHOWN_CATEGORIES or c in _TURNING
        else c
        for c in text
    )


def json_for(text: str, encoding: str | None) -> str:
    """Escape what the stream cannot show in JSON: a broken file name, an old terminal."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), ensure_ascii=True)
    return text


def json_lines_for(lines: str, encoding: str | None) -> str:
    """Do the same with the entries of a JSON list, one a line."""
    try:
        lines.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        whole = json.loads(f"[{lines}]")
        return ",\n".join(json.dumps(entry, ensure_ascii=True) for entry in whole)
    return lines


def encodable(text: str, encoding: str | None) -> str:
    """Escape what the stream cannot show."""
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)
