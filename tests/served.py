"""The review's page, served as it is for users, and a client that sends what it likes."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import uvicorn

from facesort.web.security import Door
from facesort.web.server import _listening, server_config
from facesort.web.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from facesort.library import Library

__all__ = ["Reply", "Visitor", "served"]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Visitor:
    """Somebody who knows where the page is."""

    door: Door
    cookie: str = ""
    also: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    def send(
        self, method: str, path: str, body: bytes | None = None, /, **headers: str | None
    ) -> Reply:
        """Send a request; a header given as None is left out."""
        sent: dict[str, str | None] = {"Host": f"127.0.0.1:{self.door.port}"}
        if self.cookie:
            sent["Cookie"] = self.cookie
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.door.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            # Refused before all of it was read:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.endheaders(body)
            answer = connection.getresponse()
            return Reply(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Reply:
        return self.send("GET", path, **headers)

    def post(
        self, path: str, fields: Sequence[tuple[str, str]] = (), **headers: str | None
    ) -> Reply:
        sent: dict[str, str | None] = {
            "Content_Type": "application/x-www-form-urlencoded",
            "Origin": self.origin,
            "Sec_Fetch_Site": "same-origin",
        }
        return self.send("POST", path, urlencode(fields).encode(), **{**sent, **headers})

    def enter(self) -> Reply:
        """Use the address that works once."""
        reply = self.get(self.door.address.removeprefix(self.origin))
        self.cookie = reply.headers.get("set-cookie", "").partition(";")[0]
        return reply


@contextmanager
def served(open_library: Callable[[], Library], *, min_photos: int = 2) -> Iterator[Visitor]:
    """Serve a library's review on a free port."""
    with _listening(0) as listening:
        door = Door(listening.getsockname()[1])
        worker = Worker(open_library, min_photos=min_photos)
        server = uvicorn.Server(server_config(worker, door))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield Visitor(door)
        finally:
            server.should_exit = True
            thread.join()
            worker.close()
