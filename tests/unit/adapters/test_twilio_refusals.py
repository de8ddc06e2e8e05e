"""What Twilio's refusals come to: none of them tells of whom it is about, and what may have been taken is unknown."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.sms.reasons import without_numbers
from adapters.sms.twilio import TwilioTexting
from application.messaging.texting import Text, account_of
from application.provider import ProviderError, Rejected, Unavailable, Unfit, Unknown, Unusable
from domain.kernel import Phone, new_id

pytestmark = pytest.mark.anyio
TO = "+447700900123"


async def refused(answer: Callable[[httpx.Request], httpx.Response], **settings: Any) -> ProviderError:
    """Text by a Twilio that answers so, and give what it comes to."""
    account = account_of("twilio", {"account_sid": f"AC{'0' * 32}", **settings}, {"auth_token": "a-token"})
    text = Text(new_id(), Phone(TO), Phone("+442079460001"), "Hi", str(new_id()), "https://crm.example.com", account)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(ProviderError) as raised:
            await TwilioTexting(client, "https://api.twilio.com").send(text)
    return raised.value


def says(status: int, code: int, message: str = "No.", **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json={"code": code, "message": message}, headers=headers)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 302])
async def test_whatever_is_no_plain_refusal_may_have_been_taken(status: int) -> None:
    assert isinstance(await refused(says(status, 20503)), Unknown)


async def test_a_reset_after_the_request_was_written_is_unknown() -> None:
    def reset(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("Connection reset by peer", request=request)

    assert isinstance(await refused(reset), Unknown)


@pytest.mark.parametrize("number", [TO, "00447700900123", "(0770) 090-0123", "%2B447700900123"])
async def test_no_reason_holds_a_number(number: str) -> None:
    error = await refused(says(400, 21211, f"The 'To' number {number} is not a valid phone number."))
    assert error.reason.endswith("… is not a valid phone number. (error 21211)")
    assert "0123" not in error.reason


def test_what_is_no_number_stays() -> None:
    said = "Error 30034 of MG0123456789abcdef0123456789abcdef on 2026-11: queue of 4500"
    assert without_numbers(said) == said


async def test_a_trial_account_that_may_not_text_a_number_fails_this_text_alone() -> None:
    error = await refused(says(400, 21608, f"The number {TO} is unverified."))
    assert isinstance(error, Rejected)
    assert (error.code, error.permanent) == ("21608", False)
    assert "trial account" in error.reason


@pytest.mark.parametrize(
    ("status", "code", "settings", "sender_only"),
    [
        (401, 20003, {}, False),
        (400, 21659, {}, True),
        (400, 21659, {"phone_number": "+442079460011"}, False),
        (400, 21705, {"messaging_service_sid": "MG1"}, False),
    ],
)
async def test_only_a_number_that_is_one_organisations_concerns_it_alone(
    status: int, code: int, settings: dict[str, str], sender_only: bool
) -> None:
    error = await refused(says(status, code), **settings)
    assert isinstance(error, Unusable)
    assert error.sender_only is sender_only


@pytest.mark.parametrize("code", [21606, 21703])
@pytest.mark.parametrize("settings", [{}, {"phone_number": "+442079460011"}, {"messaging_service_sid": "MG1"}])
async def test_a_number_that_does_not_reach_one_recipient_stands_in_no_other_texts_way(
    code: int, settings: dict[str, str]
) -> None:
    error = await refused(says(400, code), **settings)
    assert isinstance(error, Unfit)
    assert error.sender_only


@pytest.mark.parametrize(("settings", "sender_only"), [({}, True), ({"phone_number": "+442079460011"}, False)])
async def test_a_full_queue_of_one_organisations_number_leaves_the_account_to_the_others(
    settings: dict[str, str], sender_only: bool
) -> None:
    error = await refused(says(429, 21611), **settings)
    assert isinstance(error, Unavailable)
    assert (error.retry_after, error.sender_only) == (30, sender_only)


@pytest.mark.parametrize(
    ("named", "wait"), [("7", 7), ("999999", 3600), ("Wed, 21 Oct 2026", 30), ("-5", 0), ("nan", 30)]
)
async def test_how_long_to_wait_has_an_end(named: str, wait: float) -> None:
    error = await refused(says(429, 20429, **{"retry-after": named}))
    assert isinstance(error, Unavailable)
    assert error.retry_after == wait
