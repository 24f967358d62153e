"""Who may talk to the page: this machine's user, in the browser that was opened for it.

Any web page may send requests to 127.0.0.1, and any name may be made to lead there. So the Host
header must be ours (DNS rebinding), what changes something must come from our own pages (Origin and
Sec-Fetch-Site), and everything needs the session that a one-time token was exchanged for.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MAX_BODY_BYTES", "Door", "Guard", "add_headers"]

# An answer that takes out every face shown is a few hundred bytes; selecting 50,000 faces by hand
# is 800 KB.
MAX_BODY_BYTES = 2_000_000

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Door:
    """The token in the address, and the sessions that tokens were exchanged for.

    Args:
        port: of the page; cookies do not know ports, so it is part of the cookie's name.
        asks: how the user gets a new address, for whoever comes with an old one.
    """

    def __init__(self, port: int, *, asks: str = "Start again: facesort review --web") -> None:
        self.port = port
        self.asks = asks
        self._token: str | None = secrets.token_urlsafe(32)
        self._sessions: list[str] = []

    def renew(self) -> str:
        """Return a new address; one that was not used yet works no more, sessions go on."""
        self._token = secrets.token_urlsafe(32)
        return self.address

    @property
    def cookie(self) -> str:
        """Name of the session's cookie."""
        return f"facesort_{self.port}"

    @property
    def address(self) -> str:
        """What the browser is sent to; works once."""
        return f"http://127.0.0.1:{self.port}/enter?token={self._token or ''}"

    @property
    def hosts(self) -> tuple[str, str]:
        """What a Host header may be."""
        return (f"127.0.0.1:{self.port}", f"localhost:{self.port}")

    def enter(self, token: str) -> str | None:
        """Exchange the token for a session; None where it is wrong or was used."""
        if self._token is None or not _equal(token, self._token):
            return None
        self._token = None
        self._sessions.append(secrets.token_urlsafe(32))
        return self._sessions[-1]

    def knows(self, session: str) -> bool:
        """Whether this is a session."""
        return any(_equal(session, known) for known in self._sessions)


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


class Guard:
    """Refuses what may not be, and says in every answer what browsers may do with it.

    Args:
        app: what is guarded.
        door: its token and session.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, _adding_headers(send))
            return
        body = await _read_body(receive)
        if body is None:
            large = PlainTextResponse("That is too much for one answer.", 413)
            await large(scope, receive, _adding_headers(send))
            return
        await self._app(scope, _replaying(body, receive), _adding_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._door.hosts]:
            return PlainTextResponse("This page has another address.", 421)
        if scope["method"] not in {*_SAFE_METHODS, "POST"}:
            return PlainTextResponse("No such method.", 405)
        is_known = self._door.knows(_cookie(headers, self._door.cookie))
        if scope["path"] == "/enter" and scope["method"] == "GET":
            return self._enter(scope, is_known=is_known)
        if not is_known:
            return PlainTextResponse(
                "This page needs the address that facesort printed; each opens one browser, once. "
                + self._door.asks,
                403,
            )
        if scope["method"] not in _SAFE_METHODS and not self._is_ours(headers):
            return PlainTextResponse("Another page must not change anything here.", 403)
        try:
            announced = int(headers.get("content-length", "0"))
        except ValueError:
            return PlainTextResponse("A length that is no number.", 400)
        if announced > MAX_BODY_BYTES:
            return PlainTextResponse("That is too much for one answer.", 413)
        return None

    def _is_ours(self, headers: Headers) -> bool:
        """Whether a request comes from a page of ours: browsers always say so for a POST."""
        origins = {f"http://{host}" for host in self._door.hosts}
        return (
            headers.get("origin") in origins
            and headers.get("origin") == f"http://{headers.get('host')}"
            and headers.get("sec-fetch-site", "same-origin") == "same-origin"
        )

    def _enter(self, scope: Scope, *, is_known: bool) -> Response:
        given = parse_qs(scope["query_string"].decode("ascii", "replace"))
        session = self._door.enter(given.get("token", [""])[0])
        if session is None and is_known:  # the same browser, the same address, once more
            return RedirectResponse("/", 303)
        if session is None:
            return PlainTextResponse(
                f"This address was used already, or is wrong. {self._door.asks}", 403
            )
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._door.cookie, session, httponly=True, samesite="strict")
        return answer


def _cookie(headers: Headers, name: str) -> str:
    """Return a cookie of ours; other programs of this machine may have put anything beside it."""
    for header in headers.getlist("cookie"):
        for part in header.split(";"):
            key, is_one, value = part.partition("=")
            if is_one and key.strip() == name:
                return value.strip()
    return ""


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, None where it is longer than allowed, whatever its length was said to be."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def _adding_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            add_headers(MutableHeaders(scope=message))
        await send(message)

    return sending


def add_headers(headers: MutableHeaders) -> None:
    """Say what browsers may do with an answer."""
    for name, value in _HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
