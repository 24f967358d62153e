"""The library that a benchmark scans into."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facesort.cli.context import Context
    from facesort.cli.render import Screen
    from facesort.library import Library

__all__ = ["own_library"]


@contextlib.contextmanager
def own_library(shared: Context, screen: Screen, **flags: object) -> Iterator[Library]:
    """Open the library that --library names, or one that is thrown away.

    Args:
        shared: what the command line says.
        screen: shows the progress.
        flags: settings of the command.
    """
    import tempfile  # noqa: PLC0415 - kept out of --help
    from dataclasses import replace  # noqa: PLC0415

    from facesort.library import Library  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        settings = shared.settings(**flags, models_dir=None)  # takes the environment's
        if shared.library is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="facesort-bench-"))
            settings = replace(settings, library=Path(folder) / "library")
        yield stack.enter_context(Library(settings, progress=screen.progress(), create=True))
