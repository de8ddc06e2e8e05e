"""Mailing through the sandbox provider, over HTTP as through any other."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import msgspec

from adapters.egress.waits import retry_after
from adapters.email.sandbox_records import Submission, encode
from application.mailing import HandedMail, Mail, Receipt
from application.provider import Rejected, Unavailable, Unknown

_CONNECT_SECONDS: Final = 2.0
_TOTAL_SECONDS: Final = 5.0


class _Taken(msgspec.Struct):
    id: str


class _Found(msgspec.Struct):
    data: list[_Taken]


class _Refused(msgspec.Struct):
    code: str = "rejected"
    message: str = "The sandbox provider refused the mail."


@dataclass(frozen=True, slots=True)
class SandboxMailing:
    """Implement `Mailing`; `client` is shared and owned by the caller, `total_seconds` limits a whole call."""

    client: httpx.AsyncClient
    base_url: str
    token: str
    total_seconds: float = _TOTAL_SECONDS

    async def send(self, mail: Mail) -> Receipt:
        """Hand over one mail."""
        submission = Submission(
            organization_id=mail.organization_id,
            to=str(mail.to),
            subject=mail.subject,
            body=mail.body,
            key=mail.key,
            # Past this the call has failed here: a provider that was asleep must not take the mail on waking.
            give_up_at=datetime.now(UTC) + timedelta(seconds=self.total_seconds),
        )
        try:
            async with asyncio.timeout(self.total_seconds):
                answer = await self.client.post(
                    f"{self.base_url}/mails",
                    content=encode(submission),
                    headers=self._headers(),
                    timeout=self._timeout(),
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

    async def find(self, handed: HandedMail) -> Receipt | None:
        """Ask by key."""
        try:
            async with asyncio.timeout(self.total_seconds):
                answer = await self.client.get(
                    f"{self.base_url}/mails/by-key",
                    params={"key": handed.key},
                    headers=self._headers(),
                    timeout=self._timeout(),
                )
            answer.raise_for_status()
            found = msgspec.json.decode(answer.content, type=_Found).data
        except (httpx.HTTPError, TimeoutError, msgspec.DecodeError) as error:
            raise Unavailable from error
        return Receipt(provider_id=found[0].id) if found else None

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "content-type": "application/json"}

    def _timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self.total_seconds, connect=min(_CONNECT_SECONDS, self.total_seconds))


def _failure(answer: httpx.Response) -> Rejected | Unavailable | Unknown:
    if answer.status_code in (408, 429, 503):
        return Unavailable(retry_after(answer.headers))
    if answer.status_code in (401, 403):
        return Unavailable(reason="The sandbox provider does not know this installation's token.")
    if 400 <= answer.status_code < 500:
        try:
            refused = msgspec.json.decode(answer.content, type=_Refused)
        except msgspec.DecodeError:
            refused = _Refused()
        return Rejected(refused.code, refused.message, permanent=refused.code == "invalid_to")
    return Unknown(f"The sandbox provider answered {answer.status_code}.")
