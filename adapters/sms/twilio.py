"""Texting through Twilio: its SDK says what a request looks like, httpx carries it with time limits of ours."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.base.values import unset
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance
from twilio.rest.api.v2010.account.message.media import MediaInstance

from adapters.egress.waits import retry_after
from adapters.sms.places import Places
from adapters.sms.reasons import without_numbers
from adapters.sms.twilio_words import (
    LATER,
    MENDED_BY_PEOPLE,
    OPTED_OUT,
    PERMANENT,
    QUEUE_OF_NUMBER,
    SENDERS,
    TRIAL,
    UNFIT,
    UNVERIFIED,
)
from application.messaging.inbound import IncomingText, Notice, storable
from application.messaging.reconciling import Listed
from application.messaging.texting import Price, Receipt, Text, TextingAccount
from application.provider import ProviderError, Rejected, TooEarly, Unavailable, Unfit, Unknown, Unusable
from domain.kernel import Phone

TOTAL_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 2.0
VALID_SECONDS: Final = 3600  # a text that waits longer in Twilio's queue might leave in the night
CERTAIN_AFTER: Final = timedelta(seconds=30)
SKEW: Final = timedelta(minutes=1)
UNUSABLE_SECONDS: Final = 300.0
PAGE: Final = 200
PRICES: Final = 1000
INBOX_SECONDS: Final = 20.0

_TRIAL: Final = "Sent from your Twilio trial account - "


class _Http(AsyncHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Be the SDK's way out, on a shared httpx client; nothing follows a redirect with credentials."""

    def __init__(self, client: httpx.AsyncClient, seconds: float) -> None:
        super().__init__(logging.getLogger(__name__), True, seconds)
        self._client = client
        self._seconds = seconds
        self.retry_after: float | None = None

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the SDK's signature
        allow_redirects: bool = False,
    ) -> Response:
        """Carry one request."""
        del timeout, allow_redirects
        answer = await self._client.request(
            method,
            uri,
            params=params or None,
            data=dict(data or {}),
            headers=dict(headers or {}),
            auth=auth,
            timeout=httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds)),
            follow_redirects=False,
        )
        self.retry_after = retry_after(answer.headers)
        return Response(answer.status_code, answer.text, answer.headers)


class TwilioTexting:
    """Implement `Texting`; `client` is shared and owned by the caller, `total_seconds` limits a whole call."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        api_url: str,
        total_seconds: float = TOTAL_SECONDS,
        inbox_seconds: float = INBOX_SECONDS,
    ) -> None:
        self._client = client
        self._api_url = api_url
        self._seconds = total_seconds
        self._inbox_seconds = inbox_seconds
        self._places = Places("Twilio", total_seconds)

    async def send(self, text: Text) -> Receipt:
        """Hand over one text; Twilio knows no idempotency keys, so nothing here sends it again."""
        settings = text.account.settings
        service = settings.get("messaging_service_sid")
        http = _Http(self._client, self._seconds)
        try:
            async with self._places.of(text):
                taken = await self._api(text.account, http).messages.create_async(
                    to=str(text.to),
                    body=text.body,
                    from_=unset if service else text.account.sends_from(text.sender),
                    messaging_service_sid=service or unset,
                    status_callback=text.callback_url,
                    validity_period=VALID_SECONDS,
                    # What Twilio keeps must be what we gave it, letter for letter: `find` knows a text by its words.
                    smart_encoded=False,
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(reason="Twilio cannot be reached.") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown(f"Twilio did not answer ({type(error).__name__}).") from error
        except TwilioRestException as error:
            raise _failure(error, http.retry_after, own_number=bool(text.account.sends_from(""))) from None
        except (TwilioException, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unknown("Twilio's answer cannot be read.") from error
        if not taken.sid:
            raise Unknown("Twilio's answer names no message.")
        return Receipt(taken.sid, _segments(taken), Price.told(taken.price, taken.price_unit))

    async def find(self, text: Text, since: datetime) -> list[Receipt]:
        """List our texts of these words to this number; queued ones have no date of sending to filter by.

        Nothing is proved absent before Twilio has had time to work off a request that reached it late.
        """
        http = _Http(self._client, self._seconds)
        try:
            async with self._places.of(text):
                found = await self._to(self._api(text.account, http), text, since)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(reason="Twilio cannot be asked just now.") from error
        except TwilioRestException as error:
            raise Unavailable(http.retry_after, f"Twilio cannot be asked: {_said(error)}") from None
        except (TwilioException, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unavailable(reason="Twilio's answer cannot be read.") from error
        early = (since + CERTAIN_AFTER - datetime.now(UTC)).total_seconds()
        if not found and early > 0:
            raise TooEarly(early, "It is too early to say that Twilio did not take this text.")
        return found

    async def _to(self, client: Client, text: Text, since: datetime) -> list[Receipt]:
        found = []
        listed = await client.messages.stream_async(to=str(text.to), page_size=PAGE)
        async for message in listed:  # newest first
            if message.date_created is not None and message.date_created < since - SKEW:
                break
            if message.to != str(text.to) or not str(message.direction or "").startswith("outbound"):
                continue
            # Others may text by the same account, in the same words, to the same people.
            if text.left_from not in (None, message.from_, message.messaging_service_sid):
                continue
            if not message.body:
                raise Rejected("redacted", "Twilio keeps no words of this account's texts: none can be found.", False)
            if _words(message.body.removeprefix(_TRIAL)) == _words(text.body):
                price = Price.told(message.price, message.price_unit)
                found.append(Receipt(str(message.sid), _segments(message), price))
        return found[::-1]

    async def inbox(self, account: TextingAccount, to: Phone, since: datetime) -> Listed:
        """List what came in since then, oldest first, as its webhook would have brought it."""
        http = _Http(self._client, self._seconds)
        found: list[IncomingText] = []
        deadline = asyncio.timeout(self._inbox_seconds)
        try:
            async with deadline:
                listed = await self._api(account, http).messages.stream_async(
                    to=str(to), date_sent_after=since, page_size=PAGE
                )
                async for message in listed:  # newest first
                    if message.direction != "inbound" or not message.date_created or message.date_created < since:
                        continue
                    found.append(await _incoming(account, message))
        except (httpx.HTTPError, TimeoutError) as error:
            if deadline.expired() and found:
                return Listed(found[::-1], whole=False)
            raise Unavailable(reason="Twilio cannot be asked just now.") from error
        except TwilioRestException as error:
            raise Unavailable(http.retry_after, f"Twilio cannot be asked: {_said(error)}") from None
        except (TwilioException, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unavailable(reason="Twilio's answer cannot be read.") from error
        return Listed(found[::-1])

    async def prices(self, account: TextingAccount, since: datetime) -> dict[str, Price]:
        """List what was billed for texts that were sent since then, the newest first where they are too many."""
        http = _Http(self._client, self._seconds)
        try:
            async with asyncio.timeout(self._inbox_seconds):
                listed = await self._api(account, http).messages.list_async(
                    date_sent_after=since, page_size=PRICES, limit=PRICES
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(reason="Twilio cannot be asked just now.") from error
        except (TwilioException, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unavailable(reason="Twilio's answer cannot be read.") from error
        told = {str(message.sid): Price.told(message.price, message.price_unit) for message in listed}
        return {sid: price for sid, price in told.items() if price is not None}

    def _api(self, account: TextingAccount, http: _Http) -> Client:
        # An environment of our own making: the SDK would read TWILIO_… variables of the process otherwise.
        client = Client(
            str(account.settings["account_sid"]),
            account.credentials["auth_token"],
            http_client=http,
            environment={"TWILIO_ACCOUNT_SID": ""},
        )
        client.api.base_url = self._api_url
        return client


async def _incoming(account: TextingAccount, message: MessageInstance) -> IncomingText:
    told = storable(
        {
            "AccountSid": account.id,
            "MessageSid": str(message.sid),
            "From": str(message.from_ or ""),
            "To": str(message.to or ""),
            "Body": str(message.body or ""),
            "NumMedia": str(message.num_media or "0"),
        }
    )
    media = await _media(message) if told["NumMedia"] not in ("", "0") else []
    return IncomingText(
        notice=Notice(provider="twilio", account=account.id, external_id=told["MessageSid"], kind="text", payload=told),
        sender=told["From"],
        recipient=told["To"],
        body=told["Body"],
        media=tuple(f"https://api.twilio.com{str(one.uri).removesuffix('.json')}" for one in media),
        at=message.date_created,
    )


async def _media(message: MessageInstance) -> list[MediaInstance]:
    """List what came with a text; what was deleted meanwhile is no reason to lose its words."""
    try:
        return list(await message.media.list_async(limit=20))
    except TwilioException as error:
        answer = error.args[-1]  # lists raise this one, with the answer, for every status
        if isinstance(answer, Response) and answer.status_code == 404:
            return []
        raise


def _words(body: str) -> str:
    return " ".join(body.split())


def _segments(message: MessageInstance) -> int | None:
    """Read how many segments are billed; a messaging service says 0 until it has chosen a number."""
    told = str(message.num_segments or "")
    return int(told) or None if told.isdecimal() else None


def _failure(error: TwilioRestException, wait: float | None, *, own_number: bool) -> ProviderError:
    """Read what a refusal means; whatever is no plain refusal may have been taken."""
    code, reason = error.code, f"Twilio: {_said(error)}"
    if not 400 <= error.status < 500:
        return Unknown(f"Twilio answered {error.status}.")
    # The number may be one organisation's, where the account is everybody's.
    if error.status == 429 or code in LATER:
        sender_only = code == QUEUE_OF_NUMBER and not own_number
        return Unavailable(wait if wait is not None else 30.0, reason, sender_only=sender_only)
    if code in UNFIT:
        return Unfit(UNUSABLE_SECONDS, reason, sender_only=True)
    if code == UNVERIFIED:
        return Rejected(str(code), TRIAL, permanent=False)
    if error.status in (401, 403) or code in MENDED_BY_PEOPLE:
        return Unusable(UNUSABLE_SECONDS, reason, sender_only=code in SENDERS and not own_number)
    return Rejected(str(code or error.status), reason, code in PERMANENT, opted_out=code == OPTED_OUT)


def _said(error: TwilioRestException) -> str:
    return f"{without_numbers(str(error.msg))} (error {error.code or error.status})"
