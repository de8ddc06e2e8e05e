"""A question to a provider at its own address, answered within a time, and in words that people can act on."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

import httpx
import msgspec

from adapters.egress.waits import retry_after
from application.provider import Rejected, Unavailable


async def asked(provider: str, question: Awaitable[httpx.Response], seconds: float, refused: str) -> Mapping[str, Any]:
    """Give what a provider answers; raises `Rejected` in the words `refused` where it will not, else `Unavailable`."""
    try:
        async with asyncio.timeout(seconds):
            answer = await question
    except (TimeoutError, httpx.TimeoutException):
        raise Unavailable(reason=f"{provider} does not answer in time.") from None
    except httpx.HTTPError:
        raise Unavailable(reason=f"{provider} cannot be reached.") from None
    status = answer.status_code
    if status in (400, 401, 403, 404):
        raise Rejected(str(status), refused, permanent=False)
    if status == 429:
        raise Unavailable(retry_after(answer.headers), f"{provider} asks for fewer calls; try again later.")
    try:
        told = msgspec.json.decode(answer.content) if answer.is_success else None
    except msgspec.DecodeError:
        told = None
    if not isinstance(told, dict):
        raise Unavailable(reason=f"{provider} answers with the status {status}, which says nothing of this access.")
    return told
