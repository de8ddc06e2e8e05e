"""Questions to providers: each failure in words, within a time."""

import asyncio

import httpx
import pytest

from adapters.sms.twilio_check import TwilioCheck
from application.provider import ProviderError

pytestmark = pytest.mark.anyio


async def _hang(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(5)
    return httpx.Response(200)


def _reset(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_hang, "Twilio does not answer in time."),
        (_reset, "Twilio cannot be reached."),
        (lambda _: httpx.Response(401, json={}), "Twilio does not take this account SID and token."),
        (lambda _: httpx.Response(429, json={}), "Twilio asks for fewer calls; try again later."),
        (
            lambda _: httpx.Response(503, json={}),
            "Twilio answers with the status 503, which says nothing of this access.",
        ),
        (
            lambda _: httpx.Response(200, text="<html>"),
            "Twilio answers with the status 200, which says nothing of this access.",
        ),
    ],
)
async def test_each_failure_is_told_in_words(answer: httpx.MockTransport, words: str) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:  # type: ignore[arg-type]
        check = TwilioCheck(client, "https://api.twilio.com", seconds=0.1)
        with pytest.raises(ProviderError) as raised:
            await check.check("twilio", {"account_sid": "AC1"}, {"auth_token": "t"})
    assert raised.value.reason == words
