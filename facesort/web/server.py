"""Serves the page on this machine until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import threading
import webbrowser
from typing import TYPE_CHECKING

import uvicorn

from facesort.errors import UsageError
from facesort.web.app import make_app
from facesort.web.security import Door
from facesort.web.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from facesort.library import Library

__all__ = ["serve"]

_HOST = "127.0.0.1"


def serve(
    open_library: Callable[[], Library],
    *,
    say: Callable[[str], None],
    port: int = 0,
    open_browser: bool = True,
    min_photos: int = 3,
) -> None:
    """Show the review in a browser of this machine.

    Args:
        open_library: called in the thread that will own the library.
        say: is told the address.
        port: 0: a free one.
        open_browser: otherwise the user opens the address.
        min_photos: as in `Library.review`.

    Raises:
        UsageError: the port is taken.
        FacesortError: what opening the library raises.
    """
    with _listening(port) as listening:
        door = Door(listening.getsockname()[1])
        worker = Worker(open_library, min_photos=min_photos)
        try:
            app = make_app(worker, door)
            # An access log would hold the token, and nothing is forwarded to this machine.
            config = uvicorn.Config(
                app, log_level="error", access_log=False, proxy_headers=False, ws="none",
                server_header=False, timeout_graceful_shutdown=2,
            )  # fmt: skip
            server = uvicorn.Server(config)
            say(f"The review is at {door.address} (works once). Ctrl-C ends it.")
            if open_browser:
                # Some browsers return only when they are closed.
                threading.Thread(target=webbrowser.open, args=(door.address,), daemon=True).start()
            with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it once it has stopped
                server.run(sockets=[listening])
        finally:
            worker.close()


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.bind((_HOST, port))
        listening.listen()  # so that a quick browser waits, and is not refused
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(
            f"port {port} cannot be used: {error}", hint="Leave it out: a free one is found."
        ) from error
    return listening
