"""The one table from what goes wrong to what the wire says (`api.md`, part 2)."""

import re
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from redis.exceptions import RedisError

from adapters.persistence.database import IdempotencyMismatch
from adapters.persistence.trouble import AWAY as DATABASE_AWAY
from adapters.persistence.trouble import BUSY, TAKES_NO_CHANGES
from application import provider
from domain.kernel import Conflict, Forbidden, Invalid, NotFound, Refusal

STATUS: Mapping[str, int] = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "PERMISSION_DENIED": 403,
    "SETUP_ALREADY_COMPLETED": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "DUPLICATE_RECORD": 409,
    "STALE_VERSION": 409,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "IDEMPOTENCY_MISMATCH": 422,
    "RATE_LIMITED": 429,
    "INTERNAL_ERROR": 500,
    "INTEGRATION_NOT_CONFIGURED": 501,
    "UPSTREAM_FAILED": 502,
    "UNAVAILABLE": 503,
}
_KINDS: tuple[tuple[type[Refusal], int], ...] = ((Invalid, 400), (Forbidden, 403), (NotFound, 404), (Conflict, 409))
_PLACE = re.compile(r"(?P<text>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_NAMED = re.compile(r"Object (?:missing required field|contains unknown field) `(?P<name>.*)`", re.DOTALL)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what an error answer says; `details` are (field, message) pairs."""

    status: int
    code: str
    message: str
    details: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}


class Refused(Exception):
    """Answer with a problem that only the wire knows of: signing in, limits, media types."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(STATUS[code], code, message, headers=headers or {})


def encode_problem(problem: Problem, request_id: str) -> bytes:
    """Write the error envelope."""
    error: dict[str, Any] = {"code": problem.code, "message": problem.message}
    if problem.details:
        error["details"] = [{"field": field, "message": message} for field, message in problem.details]
    return msgspec.json.encode({"error": error | {"request_id": request_id}})


def problem_of(error: BaseException) -> Problem:
    """Find what to say about any exception; one that is not in the table is our own fault and says nothing."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, Refusal):
        status = STATUS.get(error.code) or next((status for kind, status in _KINDS if isinstance(error, kind)), 500)
        return Problem(status, error.code, error.message, tuple(error.details))
    if isinstance(error, HTTPException):
        return _of_litestar(error)
    if isinstance(error, IdempotencyMismatch):
        message = "This Idempotency-Key was used before with another request."
        return Problem(422, "IDEMPOTENCY_MISMATCH", message)
    if isinstance(error, provider.ProviderError):
        return Problem(502, "UPSTREAM_FAILED", error.reason)
    if isinstance(error, BUSY):
        return Problem(503, "UNAVAILABLE", "Somebody else is working on the same thing. Try again.", headers=_SOON)
    if isinstance(error, TAKES_NO_CHANGES):
        message = "Nothing can be changed right now; reading goes on. Try again later."
        return Problem(503, "UNAVAILABLE", message, headers={"Retry-After": "30"})
    if isinstance(error, asyncpg.DataError):
        return Problem(400, "VALIDATION_ERROR", "A value is outside of what can be stored.")
    if isinstance(error, AWAY):
        return Problem(503, "UNAVAILABLE", "This cannot be answered right now. Try again.", headers=_SOON)
    return Problem(500, "INTERNAL_ERROR", "Something went wrong on our side. The request id helps us to find it.")


_SOON = {"Retry-After": "1"}
AWAY = (RedisError, *DATABASE_AWAY)


def _of_litestar(error: HTTPException) -> Problem:
    if isinstance(error, NotFoundException):
        return Problem(404, "NOT_FOUND", "There is nothing at this address.")
    if isinstance(error, MethodNotAllowedException):
        allowed = (error.headers or {}).get("allow", "")
        return Problem(405, "METHOD_NOT_ALLOWED", f"Here only {allowed} may be asked.", headers={"Allow": allowed})
    if isinstance(error, RequestEntityTooLarge):
        return Problem(413, "PAYLOAD_TOO_LARGE", "The body of this request is too large.")
    if 400 <= error.status_code < 500 or "disconnected" in error.detail:
        return Problem(400, "VALIDATION_ERROR", "This request cannot be read.")
    return Problem(500, "INTERNAL_ERROR", "Something went wrong on our side. The request id helps us to find it.")


def misfit(error: msgspec.ValidationError) -> Invalid:
    """Say of a request's misfit which field it is and what is wrong; the same error elsewhere is our own fault."""
    found = _PLACE.fullmatch(str(error))
    assert found is not None
    text, path = found["text"], (found["path"] or "").removeprefix(".")
    named = _NAMED.fullmatch(text)
    if named is not None:
        path = f"{path}.{named['name']}" if path else named["name"]
        text = "This field is required" if "missing" in text else "There is no such field"
    return Invalid(f"{path}: {text}." if path else f"{text}.", details=[(path, f"{text}.")])
