"""Serves the page on this machine until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING

import uvicorn

from facesort.errors import UsageError
from facesort.web.app import make_app
from facesort.web.security import Door
from facesort.web.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from facesort.library import Library

__all__ = ["serve"]

_HOST = "127.0.0.1"
_ASKS = "Press Enter where facesort runs: that prints a new one."
# For pictures and answers that are on their way when Ctrl-C comes.
_LAST_SECONDS = 1


def serve(
    open_library: Callable[[], Library],
    *,
    say: Callable[[str], None],
    port: int = 0,
    open_browser: bool = True,
    min_photos: int = 3,
    on_enter: Callable[[Callable[[], None]], object] | None = None,
) -> None:
    """Show the review in a browser of this machine.

    Args:
        open_library: called in the thread that will own the library.
        say: is told the address.
        port: 0: a free one.
        open_browser: otherwise the user opens the address.
        min_photos: as in `Library.review`.
        on_enter: waits, in a thread of its own, and calls what it is given whenever the user
            presses Enter; None where nobody can.

    Raises:
        UsageError: the port is taken.
        FacesortError: what opening the library raises.
    """
    with _listening(port) as listening:
        number = listening.getsockname()[1]
        door = Door(number) if on_enter is None else Door(number, asks=_ASKS)
        worker = Worker(open_library, min_photos=min_photos)
        try:
            server = uvicorn.Server(server_config(worker, door))
            # Ctrl-C at any moment from here on; uvicorn raises it once it has stopped.
            with _quiet_at_the_end(server), contextlib.suppress(KeyboardInterrupt):
                _announce(door, say, on_enter, open_browser=open_browser)
                server.run(sockets=[listening])
        finally:
            worker.close()


def _announce(
    door: Door,
    say: Callable[[str], None],
    on_enter: Callable[[Callable[[], None]], object] | None,
    *,
    open_browser: bool,
) -> None:
    """Say where the page is, and lead a browser there."""
    again = "" if on_enter is None else "; Enter prints a new one"
    say(f"The review is at {door.address} (works once{again}). Ctrl-C ends it.")
    if open_browser:
        _in_background(webbrowser.open, door.address)  # some return when it is closed
    if on_enter is not None:
        _in_background(on_enter, lambda: say(f"A new address: {door.renew()} (works once)."))


def _in_background(work: Callable[..., object], *given: object) -> None:
    """Begin something that the end of the program does not wait for."""
    threading.Thread(target=work, args=given, daemon=True).start()


def server_config(worker: Worker, door: Door) -> uvicorn.Config:
    """Return how the page is served.

    An access log would hold the token, and nothing is forwarded to this machine. h11 bounds the
    size of headers.
    """
    return uvicorn.Config(
        make_app(worker, door), http="h11", ws="none", log_level="error", access_log=False,
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=_LAST_SECONDS,
    )  # fmt: skip


@contextlib.contextmanager
def _quiet_at_the_end(server: uvicorn.Server) -> Iterator[None]:
    """Say nothing of requests that Ctrl-C has cut off."""

    def is_of_interest(_: logging.LogRecord) -> bool:
        return not server.should_exit

    log = logging.getLogger("uvicorn.error")
    log.addFilter(is_of_interest)
    try:
        yield
    finally:
        log.removeFilter(is_of_interest)


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let others in; here it frees the port at once
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
        listening.listen()  # so that a quick browser waits, and is not refused
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(
            f"port {port} cannot be used: {error}", hint="Leave it out: a free one is found."
        ) from error
    return listening
