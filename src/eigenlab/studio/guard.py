"""Who may talk to the studio: pages of this machine, or whoever has the token.

A page of another site, open in the same browser, can send requests to the loopback address, too.
The names in ``Host`` (one that was made to resolve to 127.0.0.1) and in ``Origin`` tell it apart.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

COOKIE = "eigenlab-token"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


class Guard:
    """ASGI middleware that answers strangers with 403, requests and web sockets alike.

    Args:
        app: the application behind it.
        token: what the address or the cookie must hold. Default: ``""``, only names of this
            machine are accepted as ``Host``.
    """

    def __init__(self, app: Any, token: str = "") -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass on what is allowed."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {
            name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        problem, offered = self._problem(scope, headers)
        if problem:
            await _refuse(scope["type"], problem, send)
            return
        if offered and scope["type"] == "http":
            send = _with_cookie(send, offered)
        await self.app(scope, receive, send)

    def _problem(self, scope: dict[str, Any], headers: dict[str, str]) -> tuple[str, str]:
        """Why it is refused, or "", and the token that the address offers."""
        host = headers.get("host", "")
        if not self.token and _name(host) not in LOOPBACK:
            return f"the host '{host[:80]}' is not this machine", ""
        origin = headers.get("origin", "")
        if origin and urlsplit(origin).netloc != host:
            return f"pages of '{origin[:80]}' may not use the studio", ""
        if not self.token:
            return "", ""
        offered = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if self._matches(offered):
            return "", offered
        if self._matches(_cookie(headers.get("cookie", ""))):
            return "", ""
        return "open the address with ?token=..., which `eigenlab studio` printed", ""

    def _matches(self, offered: str) -> bool:
        return hmac.compare_digest(offered.encode(), self.token.encode())


def _name(host: str) -> str:
    """The host without its port."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _with_cookie(send: Any, token: str) -> Any:
    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            cookie = SimpleCookie({COOKIE: token})
            cookie[COOKIE] |= {"path": "/", "httponly": True, "samesite": "Strict"}
            value = cookie[COOKIE].OutputString().encode()
            message["headers"] = [*message.get("headers", []), (b"set-cookie", value)]
        await send(message)

    return sending


async def _refuse(kind: str, problem: str, send: Any) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": problem[:100]})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": f"{problem}\n".encode()})
