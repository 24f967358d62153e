"""The page on which somebody without facesort answers: one file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["page_of"]

# Letters that would end or begin markup inside a script, and two that end a line in old scripts.
_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def page_of(document: Mapping[str, Any]) -> str:
    """Return index.html with the questions in it.

    Only this page's own style and script may do anything, by their hashes; names reach it as data
    and are shown as text.
    """
    here = files("facesort.jobs.batch")
    script = (here / "page.js").read_text(encoding="utf-8")
    style = (here / "page.css").read_text(encoding="utf-8")
    questions = json.dumps(document, ensure_ascii=False).translate(_ESCAPED)
    page = (here / "page.html").read_text(encoding="utf-8")
    for mark, text in {
        "@STYLE_HASH@": _hash(style),
        "@SCRIPT_HASH@": _hash(script),
        "@STYLE@": style,
        "@SCRIPT@": script,
        "@QUESTIONS@": questions,  # last: what it holds is replaced by nothing
    }.items():
        page = page.replace(mark, text, 1)
    return page


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
