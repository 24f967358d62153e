"""The layout template: how an album file's path is made from its fields. Pure."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from facesort.errors import UsageError
from facesort.export.manifest import MANIFEST_NAME
from facesort.export.names import comparable, safe_component

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_LAYOUT", "FIELDS", "Layout", "date_fields", "parse_layout"]

DEFAULT_LAYOUT = "{person}/{filename}"
FIELDS = ("person", "id", "date", "year", "camera", "stem", "ext", "n", "filename")
_DAY = re.compile(r"(\d{4})[-:](\d{2})[-:](\d{2})")
_DRIVE = re.compile(r"[A-Za-z]:")

# (literal text, field name or "") in reading order
_Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A template that has been checked; made by `parse_layout`."""

    template: str
    components: tuple[_Parts, ...]

    def render(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the path's components, each a safe name, from a value for every one of `FIELDS`.

        A value cannot add a component: its separators are replaced like any other forbidden
        character. The last component has the photo's extension even if the template forgets it.
        """
        rendered = [
            "".join(literal + values.get(field, "") for literal, field in parts)
            for parts in self.components
        ]
        rendered[-1] = self._last(values)
        names = [safe_component(text) for text in rendered]
        if comparable(names[0]) == comparable(MANIFEST_NAME):
            names[0] = "_" + names[0]  # the export's own list has that name
        return tuple(names)

    def _last(self, values: Mapping[str, str]) -> str:
        text, extension = "", values["ext"]
        for literal, field in self.components[-1]:
            text += literal
            # Both {stem}.{ext} and {stem}{ext} mean what their authors mean.
            if field == "ext" and extension and text and not text.endswith("."):
                text += "."
            text += values.get(field, "")
        has_extension = {"ext", "filename"} & {field for _, field in self.components[-1]}
        return text if has_extension or not extension else f"{text}.{extension}"


def parse_layout(template: str) -> Layout:
    """Check a template such as `{year}/{person}/{n} {filename}`.

    `{n}` numbers the photos of a person: by date, or by rank where only the best ones go.

    Raises:
        UsageError: an unknown field, a broken brace, an absolute path, `..`, or no file name.
    """
    template = template.replace("\\", "/")
    if template.startswith("/") or _DRIVE.match(template):
        raise _refuse(template, "is an absolute path")
    texts = template.split("/")
    if ".." in texts:
        raise _refuse(template, "leaves the destination with ..")
    if not texts[-1]:
        raise _refuse(template, "names no file")
    components = tuple(_parse_component(template, text) for text in texts if text not in {"", "."})
    if not components:
        raise _refuse(template, "names no file")
    return Layout(template, components)


def _parse_component(template: str, text: str) -> _Parts:
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise _refuse(template, "has a brace without its partner") from error
    parts = []
    for literal, field, form, conversion in parsed:
        if field is not None and (field not in FIELDS or form or conversion):
            raise _refuse(template, f"has an unknown field {{{field}}}")
        parts.append((literal, field or ""))
    return tuple(parts)


def _refuse(template: str, why: str) -> UsageError:
    known = " ".join(f"{{{field}}}" for field in FIELDS)
    return UsageError(
        f"the layout {template!r} {why}",
        hint=f"Use a relative path made of text and these fields: {known}",
    )


def date_fields(taken_at: str) -> tuple[str, str]:
    """Return (`date`, `year`) of an ISO time, `undated` twice when it holds no possible day."""
    match = _DAY.match(taken_at)
    if not match:
        return "undated", "undated"
    try:
        day = date(*(int(part) for part in match.groups()))
    except ValueError:  # cameras without a set clock write 0000-00-00
        return "undated", "undated"
    return day.isoformat(), f"{day.year:04d}"
