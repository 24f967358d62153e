"""`facesort review --web`: the review in a browser of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from facesort.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.library import Library

__all__ = ["review_web"]


def review_web(
    open_library: Callable[[], Library],
    *,
    say: Callable[[str], None],
    port: int = 0,
    open_browser: bool = True,
    min_photos: int = 3,
) -> None:
    """Serve the page until Ctrl-C; see `web.server.serve`.

    Raises:
        UsageError: what the page needs is not installed.
    """
    try:
        from facesort.web.server import serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "facesort":
            raise
        raise UsageError(
            f"the review in a browser needs {error.name}, which is not installed",
            hint='pip install "facesort[web]"; without it: facesort review',
        ) from error
    serve(
        open_library,
        say=say,
        port=port,
        open_browser=open_browser,
        min_photos=min_photos,
        on_enter=_on_enter if _is_at_terminal() else None,
    )


def _is_at_terminal() -> bool:
    """Whether somebody can press Enter: not so in the background of a shell."""
    try:
        if sys.stdin is None or not sys.stdin.isatty():
            return False
        if sys.platform == "win32":
            return True
        if os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():
            return False
        # Later in the background (Ctrl-Z, bg) reading fails, where a shell would stop the server.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    except (OSError, ValueError):  # closed, or no main thread
        return False
    return True


def _on_enter(call: Callable[[], None]) -> None:
    """Call something for every line that is typed; ends with the program.

    Reads the descriptor: a thread that waits in `sys.stdin` would hold its lock when Python ends.
    """
    with contextlib.suppress(OSError):  # the window is gone, or facesort in the background
        while os.read(sys.stdin.fileno(), 1024):
            call()
