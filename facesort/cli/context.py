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
        """Check all settings, these flags included.

        Args:
            flags: as given, None where not; a command that runs models names `models_dir`.

        Raises:
            UsageError: a value that makes no sense, or a folder of models that is not there.
        """
        from facesort.config import load_settings  # noqa: PLC0415

        settings = load_settings({"library": self.library, **flags})
        if "models_dir" in flags:
            _check_model_folders(settings)
        return settings

    def open(self, screen: Screen, *, create: bool = False, **flags: object) -> Library:
        """Open the library."""
        from facesort.library import Library  # noqa: PLC0415

        return Library(self.settings(**flags), progress=screen.progress(), create=create)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.json


def _check_model_folders(settings: Settings) -> None:
    from facesort.errors import UsageError  # noqa: PLC0415
    from facesort.files import PathKind, kind_of  # noqa: PLC0415

    own = settings.models_dir
    if own is not None and kind_of(own) is not PathKind.FOLDER:
        raise UsageError(
            f"there is no folder of models at {own}",
            hint="Check --models-dir, FACESORT_MODELS_DIR and config.toml.",
        )
    cache = settings.cache_dir
    if kind_of(cache) not in {PathKind.FOLDER, PathKind.NOTHING}:
        raise UsageError(
            f"{cache} is a file, and facesort's cache is a folder",
            hint="Check FACESORT_CACHE and config.toml.",
        )


def of(ctx: typer.Context) -> Context:
    """Return the global options of a command's call."""
    shared = ctx.obj
    if not isinstance(shared, Context):
        raise TypeError("the command was called without its application")
    return shared
