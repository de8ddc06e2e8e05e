"""Texting through the sandbox provider, over HTTP as through any other."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
import msgspec

from adapters.egress.waits import retry_after
from adapters.sms.places import Places
from adapters.sms.sandbox_records import Submission, encode
from application.messaging.texting import Receipt, Text
from application.provider import Rejected, Unavailable, Unknown

_CONNECT_SECONDS: Final = 2.0
_TOTAL_SECONDS: Final = 5.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)


def sandbox_session() -> aiohttp.ClientSession:
    """Make what calls the provider: as many connections as there are places, which are counted elsewhere."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())


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


class SandboxTexting:
    """Implement `Texting`; `session` is shared and owned by the caller, `total_seconds` limits a whole call."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, token: str, total_seconds: float = _TOTAL_SECONDS
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._token = token
        self._seconds = total_seconds
        self._places = Places("the sandbox provider", total_seconds)

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
            give_up_at=datetime.now(UTC) + timedelta(seconds=self._seconds),
        )
        try:
            async with (
                self._places.of(text),
                self._session.post(
                    f"{self._base_url}/texts", data=encode(submission), headers=self._headers(), timeout=_TIMEOUT
                ) as answer,
            ):
                content = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unavailable from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unknown(f"The sandbox provider did not answer ({type(error).__name__}).") from error
        if answer.status == 201:
            try:
                return Receipt(provider_id=msgspec.json.decode(content, type=_Taken).id)
            except msgspec.DecodeError as error:
                raise Unknown("The sandbox provider's answer cannot be read.") from error
        raise _failure(answer, content)

    async def find(self, text: Text, since: datetime) -> list[Receipt]:
        """Ask by key, which alone tells texts apart here, so `since` need not be compared between two clocks."""
        del since
        try:
            async with (
                self._places.of(text),
                self._session.get(
                    f"{self._base_url}/texts/by-key",
                    params={"key": text.key, "to": str(text.to)},
                    headers=self._headers(),
                    timeout=_TIMEOUT,
                    raise_for_status=True,
                ) as answer,
            ):
                found = msgspec.json.decode(await answer.read(), type=_Found).data
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise Unavailable from error
        return [Receipt(provider_id=one.id) for one in found]

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}", "content-type": "application/json"}


def _failure(answer: aiohttp.ClientResponse, content: bytes) -> Rejected | Unavailable | Unknown:
    if answer.status in (408, 429, 503):
        return Unavailable(retry_after(answer.headers))
    if answer.status in (401, 403):
        return Unavailable(reason="The sandbox provider does not know this installation's token.")
    if 400 <= answer.status < 500:
        try:
            refused = msgspec.json.decode(content, type=_Refused)
        except msgspec.DecodeError:
            refused = _Refused()
        return Rejected(refused.code, refused.message, permanent=refused.code == "invalid_to")
    return Unknown(f"The sandbox provider answered {answer.status}.")
