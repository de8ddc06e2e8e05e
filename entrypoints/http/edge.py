"""What happens to every request, whatever answers it: its id, its headers, its figures, its last resort."""

import logging
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, unbind_contextvars

from adapters.tracing.spans import span
from domain.kernel import new_id
from entrypoints.http.errors import encode_problem, problem_of
from entrypoints.http.operation import HEAD
from entrypoints.metrics import REQUEST_SECONDS, REQUESTS

log = structlog.get_logger()
_ROOT = logging.getLogger()
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_SLOW_SECONDS = 1.0
_WEBHOOKS = "/api/v1/webhooks/"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


@contextmanager
def _counted(counts: Counter[tuple[str, int]], peer: tuple[str, int]) -> Iterator[None]:
    counts[peer] += 1
    try:
        yield
    finally:
        counts[peer] -= 1
        if not counts[peer]:
            del counts[peer]


class Edge:
    """Wrap the application; `under_way` counts what is being worked on, by peer, `sockets` those of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.under_way: Counter[tuple[str, int]] = Counter()
        self.sockets: Counter[tuple[str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        host, port = scope.get("client") or ("", 0)
        peer = (host, int(port))  # Granian names it by a word for a socket
        with _counted(self.under_way, peer):
            if scope["type"] == ScopeType.HTTP:
                await self._pass(scope, receive, send)
            elif scope["type"] == ScopeType.WEBSOCKET:
                with _counted(self.sockets, peer):
                    await self._app(scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _pass(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        sent = dict(scope["headers"])
        given = sent.get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else str(new_id())
        state: Any = scope.setdefault("state", {})
        state["request_id"] = request_id
        method = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
            state[HEAD] = True
        started = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                extra = [(b"x-request-id", request_id.encode()), *(h for h in _SECURITY if h[0] not in present)]
                for name, value in (state.get("answer_headers") or {}).items():
                    lowered = name.lower().encode()
                    if lowered not in present:
                        extra.append((lowered, value.encode()))
                message["headers"] = [*message["headers"], *extra]
            elif method == "HEAD" and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        bind_contextvars(request_id=request_id)
        known = method if method in _METHODS else "other"
        traced = span(
            "request", "server", parent=sent.get(b"traceparent", b"").decode("latin-1"), request_id=request_id
        )
        try:
            with traced:
                try:
                    await self._app(scope, receive, answer)
                finally:
                    route = str(scope.get("path_template") or "unknown")
                    traced.name(f"{known} {route}")
                    traced.note(http__request__method=known, http__route=route, http__response__status_code=status)
                    if status >= 500:
                        traced.fail()
        finally:
            seconds = time.perf_counter() - started
            REQUESTS.labels(known, route, status).inc()
            REQUEST_SECONDS.labels(known, route).observe(seconds)
            # What went well is counted above; a line for each read, or for what a provider brought and `inbound`
            # keeps, would cost a tenth of the whole request.
            routine = (known in ("GET", "HEAD") or route.startswith(_WEBHOOKS)) and status < 400
            level = logging.DEBUG if routine and seconds < _SLOW_SECONDS else logging.INFO
            if _ROOT.isEnabledFor(level):
                told = {"method": known, "route": route, "status": status, "milliseconds": round(seconds * 1000, 1)}
                log.log(level, "request", **told)
            unbind_contextvars("request_id", "organization_id")


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an exception in the house's envelope; only our own faults are logged with their trace."""
    problem = problem_of(error)
    if problem.status == 500:
        log.error("request failed", exc_info=error)
    elif problem.status == 503 or isinstance(error, asyncpg.PostgresError):
        log.warning("request refused", error=type(error).__name__)
    request_id = request.scope["state"].get("request_id", "")
    return Response(
        encode_problem(problem, request_id),
        status_code=problem.status,
        headers=dict(problem.headers),
        media_type="application/json",
    )
