"""Texting through the sandbox provider, over HTTP as through any other."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import msgspec

from adapters.sms.sandbox_records import Submission, encode
from application.messaging.texting import Receipt, Text
from application.provider import Rejected, Unavailable, Unknown
from domain.kernel import Phone

_CONNECT_SECONDS: Final = 2.0
_TOTAL_SECONDS: Final = 5.0
PLACES: Final = 8


class _Taken(msgspec.Struct):
    id: str


class _Found(msgspec.Struct):
    data: list[_Taken]


class _Refused(msgspec.Struct):
    code: str = "rejected"
    message: str = "The sandbox provider refused the text."


def provider_token(key: bytes) -> str:
    """Write the key derived for `sandbox-provider` as the bearer token of the provider's routes."""
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def webhook_secret(key: bytes) -> str:
    """Write the key derived for `sandbox-webhooks` as a Standard Webhooks secret."""
    return f"whsec_{base64.b64encode(key).decode()}"


@dataclass(frozen=True, slots=True)
class SandboxTexting:
    """Implement `Texting`; `client` is shared and owned by the caller, `total_seconds` limits a whole call."""

    client: httpx.AsyncClient
    base_url: str
    token: str
    total_seconds: float = _TOTAL_SECONDS
    # httpx's pool must never be waited for: who is cancelled there while being given a connection takes it along, and
    # a provider that hung once would leave none (httpcore 1.0).
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PLACES))

    async def send(self, text: Text) -> Receipt:
        """Hand over one text."""
        submission = Submission(
            organization_id=text.organization_id,
            to=str(text.to),
            sender=str(text.sender),
            body=text.body,
            key=text.key,
            callback_url=text.callback_url,
            # Past this the call has failed here: a provider that was asleep must not take the text on waking.
            give_up_at=datetime.now(UTC) + timedelta(seconds=self.total_seconds),
        )
        try:
            async with self._place() as seconds_left:
                answer = await self.client.post(
                    f"{self.base_url}/texts",
                    content=encode(submission),
                    headers=self._headers(),
                    timeout=self._timeout(seconds_left),
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown(f"The sandbox provider did not answer ({type(error).__name__}).") from error
        if answer.status_code == 201:
            try:
                return Receipt(provider_id=msgspec.json.decode(answer.content, type=_Taken).id)
            except msgspec.DecodeError as error:
                raise Unknown("The sandbox provider's answer cannot be read.") from error
        raise _failure(answer)

    async def find(self, key: str, to: Phone, since: datetime) -> Receipt | None:
        """Ask by key, which alone tells texts apart here, so `since` need not be compared between two clocks."""
        del since
        try:
            async with self._place() as seconds_left:
                answer = await self.client.get(
                    f"{self.base_url}/texts/by-key",
                    params={"key": key, "to": to},
                    headers=self._headers(),
                    timeout=self._timeout(seconds_left),
                )
            answer.raise_for_status()
            found = msgspec.json.decode(answer.content, type=_Found).data
        except (httpx.HTTPError, TimeoutError, msgspec.DecodeError) as error:
            raise Unavailable from error
        return Receipt(provider_id=found[0].id) if found else None

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[float]:
        """Wait for one of the few places for half the time at most; tells how many seconds are left for the call."""
        until = asyncio.get_running_loop().time() + self.total_seconds
        try:
            async with asyncio.timeout(self.total_seconds / 2):
                await self.places.acquire()
        except TimeoutError as error:
            raise Unavailable(reason="Other calls to the sandbox provider take too long.") from error
        try:
            async with asyncio.timeout_at(until):
                yield until - asyncio.get_running_loop().time()
        finally:
            self.places.release()

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "content-type": "application/json"}

    def _timeout(self, seconds: float) -> httpx.Timeout:
        return httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))


def _failure(answer: httpx.Response) -> Rejected | Unavailable | Unknown:
    if answer.status_code in (408, 429, 503):
        named = answer.headers.get("retry-after", "")
        return Unavailable(float(named) if named.isdecimal() else None)
    if answer.status_code in (401, 403):
        return Unavailable(reason="The sandbox provider does not know this installation's token.")
    if 400 <= answer.status_code < 500:
        try:
            refused = msgspec.json.decode(answer.content, type=_Refused)
        except msgspec.DecodeError:
            refused = _Refused()
        return Rejected(refused.code, refused.message, permanent=refused.code == "invalid_to")
    return Unknown(f"The sandbox provider answered {answer.status_code}.")
