"""What every command shares: the global options, and opening the library they name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from facesort.cli.render import Screen
    from facesort.config import Settings
    from facesort.library import Library

__all__ = ["Context", "of"]


@dataclass(frozen=True, slots=True)
class Context:
    """The global options of one call."""

    library: str | None = None
    json: bool = False
    quiet: bool = False
    no_color: bool = False

    def screen(self) -> Screen:
        """Return what prints."""
        from facesort.cli.render import Screen  # noqa: PLC0415 - `--help` loads no rich, no tqdm

        return Screen(json=self.json, quiet=self.quiet, no_color=self.no_color)

    def settings(self, **flags: object) -> Settings:
        """Check all settings, these flags included."""
        from facesort.config import load_settings  # noqa: PLC0415

        return load_settings({"library": self.library, **flags})

    def open(self, screen: Screen, *, create: bool = False, **flags: object) -> Library:
        """Open the library."""
        from facesort.library import Library  # noqa: PLC0415

        return Library(self.settings(**flags), progress=screen.progress(), create=create)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.json


def of(ctx: typer.Context) -> Context:
    """Return the global options of a command's call."""
    shared = ctx.obj
    if not isinstance(shared, Context):
        raise TypeError("the command was called without its application")
    return shared
