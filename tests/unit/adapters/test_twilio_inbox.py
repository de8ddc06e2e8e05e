"""What came in at Twilio: all of it, as far as time allows, whatever one text of it is like."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from adapters.sms.twilio import TwilioTexting
from application.messaging.reconciling import Listed
from application.messaging.texting import account_of
from domain.kernel import Phone

pytestmark = pytest.mark.anyio
ACCOUNT = account_of("twilio", {"account_sid": "AC1"}, {"auth_token": "t"})
NOW = datetime.now(UTC).replace(microsecond=0)
TO = "+442079460001"


def message(number: int, **other: Any) -> dict[str, Any]:
    at = format_datetime(NOW - timedelta(seconds=number))
    told = {"sid": f"SM{number}", "from": "+447400123456", "to": TO, "body": f"text {number}", "num_media": "0"}
    return {**told, "direction": "inbound", "date_created": at, "date_sent": at, "account_sid": "AC1", **other}


class Books:
    """Answer with pages of texts, and not after the page at which it `hangs`."""

    def __init__(self, pages: list[list[dict[str, Any]]], hangs: int | None = None) -> None:
        self._pages = pages
        self._hangs = hangs

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Be the transport's handler."""
        if request.url.path.endswith("Media.json"):
            return httpx.Response(404, json={"code": 20404, "message": "Gone.", "status": 404})
        page = int(request.url.params.get("Page", "0"))
        if page == self._hangs:
            await asyncio.sleep(30)
        following = f"/2010-04-01/Accounts/AC1/Messages.json?Page={page + 1}" if page + 1 < len(self._pages) else None
        content = json.dumps({"messages": self._pages[page], "next_page_uri": following, "page": page})
        return httpx.Response(200, content=content)


async def listed(books: Books) -> Listed:
    async with httpx.AsyncClient(transport=httpx.MockTransport(books)) as client:
        texting = TwilioTexting(client, "https://api.twilio.com", inbox_seconds=1.0)
        return await texting.inbox(ACCOUNT, Phone(TO), NOW - timedelta(days=1))


async def test_every_page_is_read() -> None:
    found = await listed(Books([[message(page * 200 + n) for n in range(200)] for page in range(8)]))
    assert found.whole
    assert [text.body for text in found.texts] == [f"text {n}" for n in reversed(range(1600))]


async def test_what_time_was_too_short_for_is_told() -> None:
    found = await listed(Books([[message(1), message(2)], []], hangs=1))
    assert not found.whole
    assert [text.body for text in found.texts] == ["text 2", "text 1"]


async def test_one_odd_text_is_read_as_far_as_it_goes() -> None:
    odd = [message(1, body="STOP\x00\ud83d", num_media="1"), message(2)]
    found = await listed(Books([odd]))
    assert [text.body for text in found.texts] == ["text 2", "STOP\ufffd"]
    assert found.texts[1].media == ()
