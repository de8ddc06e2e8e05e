"""Cal.com's adapter: each failure has its name, and what is doubtful is found again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from adapters.booking.calcom import KEY, CalcomCalendar
from application.provider import ProviderError, Rejected, Unavailable, Unknown
from application.scheduling.calendar import Account, Sought, Wanted
from domain.kernel import new_id

pytestmark = pytest.mark.anyio
START = datetime(2030, 3, 18, 9, tzinfo=UTC)
ACCOUNT = Account(
    provider="calcom", organization_id=new_id(), zone="Europe/London", event_type_id=123, api_key="cal_test_0123456789"
)


def wanted(**changed: Any) -> Wanted:
    """Ask for a call."""
    asked: dict[str, Any] = {
        "key": str(new_id()),
        "start": START,
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "phone": "+447700900101",
        "zone": "Europe/London",
        "lead_id": new_id(),
        "notes": "About sash windows",
    }
    return Wanted(**asked | changed)


Answer = Callable[[httpx.Request], httpx.Response]


def speaking(answer: Answer) -> CalcomCalendar:
    """Give the adapter to a Cal.com that answers so."""
    return CalcomCalendar(httpx.AsyncClient(transport=httpx.MockTransport(answer)))


def booking(uid: str = "u1", **changed: Any) -> dict[str, Any]:
    """Write a booking as Cal.com does."""
    return {
        "uid": uid,
        "status": "accepted",
        "start": "2030-03-18T09:00:00Z",
        "end": "2030-03-18T09:30:00Z",
        "title": "Call",
        **changed,
    }


def _raises(error: Exception) -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


def _answers(status: int, body: Any = None, **headers: str) -> Answer:
    return lambda _: httpx.Response(status, json=body, headers=headers)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_raises(httpx.ConnectError("refused")), Unavailable),
        (_raises(httpx.ConnectTimeout("slow")), Unavailable),
        (_raises(httpx.ReadTimeout("slow")), Unknown),
        (_raises(httpx.RemoteProtocolError("cut")), Unknown),
        (_answers(429, {}), Unavailable),
        (_answers(401, {}), Rejected),
        (_answers(400, {"status": "error", "error": {"message": "no_available_users_found_error"}}), Rejected),
        (_answers(409, ["what"]), Rejected),
        (_answers(500, {}), Unknown),
        (_answers(504), Unknown),
        (_answers(302), Unknown),
        (_answers(201, {"status": "success", "data": []}), Unknown),
        (_answers(201), Unknown),
    ],
)
async def test_each_failure_of_booking_has_its_name(answer: Answer, error: type[ProviderError]) -> None:
    with pytest.raises(error) as raised:
        await speaking(answer).book(ACCOUNT, wanted())
    assert raised.value.reason
    assert ACCOUNT.api_key not in raised.value.reason


async def test_a_booking_says_whose_it_is() -> None:
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(msgspec.json.decode(request.content))
        return httpx.Response(201, json={"status": "success", "data": booking()})

    asked = wanted()
    await speaking(answer).book(ACCOUNT, asked)
    assert bodies[0]["metadata"] == {
        "rapport_booking": asked.key,
        "lead_id": str(asked.lead_id),
        "rapport_organization": str(ACCOUNT.organization_id),
    }


async def test_what_is_said_of_a_refusal_and_of_waiting_is_passed_on() -> None:
    with pytest.raises(Rejected, match="Not available"):
        await speaking(_answers(400, {"error": {"message": "Not available"}})).book(ACCOUNT, wanted())
    with pytest.raises(Unavailable) as raised:
        await speaking(_answers(429, {}, **{"retry-after": "7"})).book(ACCOUNT, wanted())
    assert raised.value.retry_after == 7


@pytest.mark.parametrize(
    "answer", [_answers(500, {}), _answers(200, {"data": [1]}), _raises(httpx.ReadTimeout("slow"))]
)
async def test_a_question_that_is_not_answered_is_unavailable(answer: Answer) -> None:
    with pytest.raises(Unavailable):
        await speaking(answer).find(ACCOUNT, Sought(key="k", uid=None, since=START))


async def test_a_booking_is_found_by_our_key_under_its_latest_name() -> None:
    key, asked = str(new_id()), []
    pages = [
        [booking(f"x{n}") for n in range(100)],
        [{"recurring": True, "metadata": None}, booking("u1", metadata={KEY: key})],
    ]
    named = {
        "u1": booking("u1", status="cancelled", rescheduledToUid="u2"),
        "u2": booking("u2", start="2030-03-18T11:00:00Z", end="2030-03-18T11:30:00Z"),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        name = request.url.path.rpartition("/")[2]
        if name == "bookings":
            return httpx.Response(200, json={"data": pages[int(request.url.params["skip"]) // 100]})
        return httpx.Response(200, json={"data": named[name]}) if name in named else httpx.Response(404, json={})

    calendar = speaking(answer)
    found = await calendar.find(ACCOUNT, Sought(key=key, uid=None, since=START))
    assert found is not None
    assert (found.uid, found.start, found.is_cancelled) == ("u2", START + timedelta(hours=2), False)
    assert found.url is not None
    assert found.url.endswith("/booking/u2")
    assert {r.headers["cal-api-version"] for r in asked} == {"2024-08-13"}
    assert asked[0].url.params["afterCreatedAt"] == "2030-03-18T09:00:00Z"
    assert await calendar.find(ACCOUNT, Sought(key=key, uid="gone", since=START)) is None


async def test_what_is_cancelled_already_may_be_cancelled_again() -> None:
    status = "cancelled"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(400, json={"error": {"message": "This booking has been cancelled already."}})
        return httpx.Response(200, json={"data": booking(status=status)})

    await speaking(answer).cancel(ACCOUNT, "u1", "Ill")
    status = "accepted"
    with pytest.raises(Rejected):
        await speaking(answer).cancel(ACCOUNT, "u1", "Ill")


async def test_a_name_cannot_lead_elsewhere() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(404, json={})

    assert await speaking(answer).find(ACCOUNT, Sought(key="k", uid="../me?x=/", since=START)) is None
    assert asked == ["/v2/bookings/..%2Fme%3Fx%3D%2F"]
