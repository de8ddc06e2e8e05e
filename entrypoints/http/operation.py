"""How a route is declared: one decorator reads the handler's signature, and the document is made from the same."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp
from structlog.contextvars import bind_contextvars

from adapters.persistence.database import Cause, IdempotencyKey, PostgresUnitOfWork, Replay
from adapters.persistence.identity import Admissions
from application.ports import Actor, Found, PageRequest
from application.provider import ProviderError
from domain.kernel import NotFound, Refusal
from entrypoints.http.auth import Access, Caller, Doorkeeper, Unadmitted
from entrypoints.http.envelope import encode_answer, etag_of
from entrypoints.http.errors import encode_problem, problem_of
from entrypoints.http.limits import RateLimiter
from entrypoints.http.query import (
    is_filter,
    read_body,
    read_idempotency_key,
    read_if_match,
    read_query,
    refuse_body,
    refuse_packed,
)

PREFIX = "/api/v1"
SAID = "idempotency_said"
"""Where a keyed request's state holds the hash of what it says."""
LARGEST_BODY = 1_000_000
LARGEST_PUBLIC_BODY = 64_000
"""What strangers may send: it is read before anybody knows who they are."""
SECONDS = 20.0
_IF_MATCH = "If-Match"
IfMatch = Annotated[int | None, _IF_MATCH]
_LAST_EVENT_ID = "Last-Event-ID"
LastEventId = Annotated[str | None, _LAST_EVENT_ID]
HEAD = "is_head"
"""Where a request's state says that only the headers of its answer are wanted."""
Handler = Callable[..., Awaitable[Any]]
LimitName = Literal["api", "anonymous", "uploads", "texts", "analyses"]
JSON = "application/json"
_CLASHES = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_CLASHES_FORGIVEN = 2
log = structlog.get_logger()


class _Undone(Exception):
    """Say that PostgreSQL undid a request before anything of it was committed, because of what others did meanwhile."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a handler answers when the view alone does not say it: another status, headers, cookies."""

    content: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[Cookie] = ()


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Hold what one route takes and gives; `sources` says of each handler parameter where it comes from."""

    method: str
    path: str
    operation_id: str
    summary: str
    description: str
    access: Access
    status: int
    limits: tuple[LimitName, ...]
    keyed: bool
    body: type[msgspec.Struct] | None
    body_optional: bool
    narrowed: type[msgspec.Struct] | None
    paged: bool
    conditional: bool
    resumable: bool
    shows: Any
    or_shows: Any
    listed: bool
    media_type: str
    seconds: float
    raw: bool
    takes: Mapping[str, Any] | None
    also: Mapping[int, Any]
    counts: Sequence[str]
    sources: tuple[tuple[str, str, Any], ...]

    @property
    def template(self) -> str:
        """Give the address as the document writes it, without converters."""
        return "/".join(f"{part.partition(':')[0]}}}" if part.startswith("{") and ":" in part else part
                        for part in self.path.split("/"))  # fmt: skip


def operation(
    method: str,
    path: str,
    operation_id: str,
    summary: str,
    *,
    status: int | None = None,
    access: Access = "member",
    shows: Any = None,
    or_shows: Any = None,
    limits: tuple[LimitName, ...] | None = None,
    keyed: bool | None = None,
    media_type: str = JSON,
    body_max: int | None = LARGEST_BODY,
    seconds: float = SECONDS,
    raw: bool = False,
    takes: Mapping[str, Any] | None = None,
    also: Mapping[int, Any] | None = None,
    counts: Sequence[str] = (),
) -> Callable[[Handler], HTTPRouteHandler]:
    """Make a route of a handler whose parameters are told apart by their types.

    A name that stands in the path is a path parameter; a `Filter` and a `PageRequest` come from the query; `body` is
    the JSON body's struct; `IfMatch` is the version, `LastEventId` where a stream broke off; `Request` and `Caller` are
    themselves; anything else is asked of the container. `shows` is the view of a list's item or of a `Raw` answer, for
    the document, `or_shows` that of a list's item where less is asked for. A `raw` route reads its body and query
    itself, and tells the document by `takes` (OpenAPI's `content` map) what that body is. `body_max` None lets the
    handler bound the stream. `also` names what an `Answer` of another status shows, such as 202, `counts` what a list's
    summary counts.
    """
    if status is None:
        status = {"POST": 201, "DELETE": 204}.get(method, 200)
    counted: tuple[LimitName, ...] = limits if limits is not None else ("anonymous" if access == "public" else "api",)

    def declare(handler: Handler) -> HTTPRouteHandler:
        hints = get_type_hints(handler, include_extras=True)
        answer = hints.pop("return", None)
        sources = tuple(_source(name, hint, path) for name, hint in hints.items())
        of_kind = {kind: hint for _, kind, hint in sources}
        body = of_kind.get("body")
        declared = Operation(
            method=method,
            path=f"{PREFIX}{path}",
            operation_id=operation_id,
            summary=summary,
            description=(handler.__doc__ or "").strip(),
            access=access,
            status=status,
            limits=counted,
            keyed=(method == "POST" and not raw) if keyed is None else keyed,
            body=body,
            body_optional=body is not None and not any(f.required for f in msgspec.structs.fields(body)),
            narrowed=of_kind.get("filter"),
            paged="page" in of_kind,
            conditional="if_match" in of_kind,
            resumable="last_event_id" in of_kind,
            shows=shows if shows is not None else _shown(answer),
            or_shows=or_shows,
            listed=answer is Found,
            media_type=media_type,
            seconds=seconds,
            raw=raw,
            takes=takes,
            also=also or {},
            counts=counts,
            sources=sources,
        )
        return HTTPRouteHandler(
            declared.path,
            http_method=method,  # type: ignore[arg-type]
            name=operation_id,
            opt={"operation": declared},
            status_code=200,
            request_max_body_size=LARGEST_PUBLIC_BODY if access == "public" and body_max else body_max,
            include_in_schema=False,
        )(_endpoint(declared, handler))

    return declare


def _source(name: str, hint: Any, path: str) -> tuple[str, str, Any]:
    if f"{{{name}}}" in path or f"{{{name}:" in path:
        return name, "path", hint
    if get_origin(hint) is Annotated and _IF_MATCH in get_args(hint):
        return name, "if_match", hint
    if get_origin(hint) is Annotated and _LAST_EVENT_ID in get_args(hint):
        return name, "last_event_id", hint
    if (get_origin(hint) or hint) is Request:
        return name, "request", hint
    if hint is Caller:
        return name, "caller", hint
    if hint is PageRequest:
        return name, "page", hint
    if is_filter(hint):
        return name, "filter", hint
    if name == "body":
        return name, "body", hint
    return name, "container", hint


def _shown(answer: Any) -> Any:
    return answer if isinstance(answer, type) and issubclass(answer, msgspec.Struct) and answer is not Found else None


def _endpoint(declared: Operation, handler: Handler) -> Callable[..., Awaitable[ASGIApp]]:
    async def endpoint(request: Request[Any, Any, Any]) -> ASGIApp:
        container = request.app.state.container
        doorkeeper: Doorkeeper = await container.get(Doorkeeper)
        limiter: RateLimiter = await container.get(RateLimiter)
        key = read_idempotency_key(request.headers.get("idempotency-key")) if declared.keyed else None
        caller = await _admit(declared, request, doorkeeper, limiter, key)
        refuse_packed(request.headers.get("content-encoding"))
        # The whole body is here before any transaction is open: a slow sender holds nothing.
        body = await request.body() if not declared.raw and declared.method != "GET" else b""
        if caller.is_known:
            bind_contextvars(organization_id=str(caller.actor.organization_id))
        cause = Cause(idempotency=_idempotency(declared, request, caller, key, body))
        forgiven = 0
        while True:
            try:
                return await work(request, caller, cause, body)
            except _Undone as undone:
                if forgiven == _CLASHES_FORGIVEN:
                    raise undone.error from None
                forgiven += 1
                log.info("request begins again", error=type(undone.error).__name__, time=forgiven)
            await asyncio.sleep(forgiven * random.uniform(0.01, 0.05))

    async def work(request: Request[Any, Any, Any], caller: Caller, cause: Cause, body: bytes) -> ASGIApp:
        async with request.app.state.container({Actor: caller.actor, Cause: cause}) as scope:
            try:
                values = {"request": request, "caller": caller}
                arguments = await _arguments(declared, request, body, values, scope)
                result = await handler(**arguments)
                answer = await _answer(declared, request, result)
                if cause.idempotency is not None:
                    uow = await scope.get(PostgresUnitOfWork)
                    await uow.finish(getattr(answer, "status_code", declared.status), getattr(answer, "body", b""))
                return answer
            except Refusal as refusal:
                if cause.idempotency is not None:
                    # What was written down before it was refused, such as a refused message, stays as without a key.
                    problem = problem_of(refusal)
                    told = encode_problem(problem, request.scope["state"].get("request_id", ""))
                    await (await scope.get(PostgresUnitOfWork)).finish(problem.status, told)
                raise
            except ProviderError:
                # What was written down stays as without a key, and the same key may try again.
                await (await scope.get(PostgresUnitOfWork)).finish(None)
                raise
            except Replay as replay:
                headers = {"Idempotency-Replayed": "true"}
                return ASGIResponse(body=replay.answer, status_code=replay.status, headers=headers, media_type=JSON)
            except _CLASHES as error:
                if declared.raw or (await scope.get(PostgresUnitOfWork)).committed:
                    raise
                raise _Undone(error) from error

    async def bounded(request: Request[Any, Any, Any]) -> ASGIApp:
        async with asyncio.timeout(declared.seconds):
            return await endpoint(request)

    return bounded


async def _admit(
    declared: Operation, request: Request[Any, Any, Any], doorkeeper: Doorkeeper, limiter: RateLimiter, key: str | None
) -> Caller:
    if declared.access in ("public", "cron", "signed"):
        caller = doorkeeper.stranger(request, declared.operation_id, key)
    else:
        try:
            caller = await doorkeeper.member(
                request, declared.access, key, await request.app.state.container.get(Admissions)
            )
        except Unadmitted:
            await limiter.admit("anonymous", doorkeeper.address(request))
            raise
    for name in declared.limits:
        who = caller.signature if caller.is_known else caller.address
        if name in ("texts", "analyses"):
            who = str(caller.actor.organization_id)
        standing = await limiter.admit(name, who)
        if standing is not None:
            request.scope["state"]["answer_headers"] = standing.headers
    return caller


def _idempotency(
    declared: Operation, request: Request[Any, Any, Any], caller: Caller, key: str | None, body: bytes
) -> IdempotencyKey | None:
    if key is None:
        return None
    said = hashlib.sha256(f"{declared.method} {request.url.path}?".encode() + request.scope["query_string"] + b"\n")
    said.update(body)
    request.scope["state"][SAID] = said  # a body that is read as it arrives adds itself: see FileForm
    return IdempotencyKey(caller.signature, f"{declared.method} {declared.template}", key, said.digest)


async def _arguments(
    declared: Operation, request: Request[Any, Any, Any], body: bytes, values: dict[str, Any], scope: Any
) -> dict[str, Any]:
    if any(isinstance(value, str) and "\x00" in value for value in request.path_params.values()):
        raise NotFound("There is nothing at this address.")
    if not declared.raw:
        query = request.scope["query_string"]
        values["filter"], values["page"] = read_query(query, declared.narrowed, declared.paged)
    if declared.body is not None:
        content_type = request.headers.get("content-type", "")
        values["body"] = read_body(declared.body, content_type, body, optional=declared.body_optional)
    elif body:
        refuse_body(request.headers.get("content-type", ""), body)
    if declared.conditional:
        values["if_match"] = read_if_match(request.headers.get("if-match"))
    if declared.resumable:
        values["last_event_id"] = request.headers.get("last-event-id")
    return {
        name: request.path_params[name]
        if kind == "path"
        else await scope.get(hint)
        if kind == "container"
        else values[kind]
        for name, kind, hint in declared.sources
    }


async def _answer(declared: Operation, request: Request[Any, Any, Any], result: Any) -> ASGIApp:
    if isinstance(result, Response):
        return result.to_asgi_response(app=None, request=request)
    if isinstance(result, ASGIResponse):
        return result
    answer = result if isinstance(result, Answer) else Answer(result)
    headers = dict(answer.headers)
    status = answer.status or declared.status
    if status == 204:
        return ASGIResponse(status_code=204, headers=headers, cookies=list(answer.cookies), media_type=JSON)
    version = etag_of(answer.content)
    if version is not None:
        headers["ETag"] = version
    return ASGIResponse(
        body=encode_answer(answer.content),
        status_code=status,
        headers=headers,
        cookies=list(answer.cookies),
        media_type=JSON,
    )
