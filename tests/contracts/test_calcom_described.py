"""Cal.com's adapter makes the calls that Cal.com's own description of its API asks for."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.booking.calcom import CalcomCalendar
from adapters.booking.calcom_check import CalcomCheck
from application.scheduling.calendar import Sought
from entrypoints.demo.house import free_port
from tests.contracts.test_calcom import ACCOUNT, START, wanted

pytestmark = pytest.mark.anyio
stand_ins = pytest.importorskip("tests.contracts.node_stand_ins", reason="prism cannot be started here")


def _any_of(value: Any) -> Any:
    """Let a body fit several of the forms that it may have: Cal.com's do."""
    if isinstance(value, dict):
        return {("anyOf" if name == "oneOf" else name): _any_of(part) for name, part in value.items()}
    return [_any_of(part) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve Cal.com's description by prism, which refuses what does not fit it; gives the address."""
    folder = tmp_path_factory.mktemp("calcom")
    document = folder / "calcom.json"
    description = _any_of(json.loads(stand_ins.spec("calcom_v2.json").read_text()))
    slots = description["paths"]["/v2/slots"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    slots["anyOf"].reverse()  # prism shows the first form, and we ask for the second, with ends
    document.write_text(json.dumps(description))
    prism = stand_ins.packages() / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    port = free_port()
    command: list[str | Path] = [stand_ins.node(), prism, "mock", "-p", str(port), "-h", "127.0.0.1", document]
    with stand_ins.running(command, port, folder / "prism.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def calcom(described: str) -> AsyncIterator[CalcomCalendar]:
    """Give the adapter; nothing is remembered between calls."""
    async with httpx.AsyncClient() as client:
        yield CalcomCalendar(client, described, total_seconds=20)


async def test_free_times_are_asked_for_as_described(calcom: CalcomCalendar) -> None:
    slots = await calcom.free_slots(ACCOUNT, START, START + timedelta(days=1))
    assert [slot.minutes for slot in slots] == [60] * 4


@pytest.mark.parametrize("changed", [{}, {"email": None}, {"phone": None, "notes": None}])
async def test_a_call_is_booked_as_described(calcom: CalcomCalendar, changed: dict[str, None]) -> None:
    call = await calcom.book(ACCOUNT, wanted(**changed))
    assert call.uid == "booking_uid_123"
    assert call.end > call.start
    assert (call.title, call.url) == ("Consultation", "https://example.com/meeting")


async def test_a_call_is_moved_cancelled_and_looked_for_as_described(calcom: CalcomCalendar) -> None:
    assert (await calcom.move(ACCOUNT, "booking_uid_123", START)).uid
    await calcom.cancel(ACCOUNT, "booking_uid_123", "Ill")
    assert await calcom.find(ACCOUNT, Sought(key="nobody's", uid=None, since=START)) is None


async def test_a_key_is_tried_as_described(described: str) -> None:
    async with httpx.AsyncClient() as client:
        await CalcomCheck(client, described, 20).check("calcom", {"event_type_id": 123}, {"api_key": ACCOUNT.api_key})


async def test_the_description_refuses_what_does_not_fit_it(described: str) -> None:
    async with httpx.AsyncClient() as client:
        headers = {"authorization": "Bearer cal_test", "cal-api-version": "2024-08-13"}
        body = {"start": "2030-03-18T09:00:00Z", "attendee": {"name": "Ada"}}
        assert (await client.post(f"{described}/v2/bookings", headers=headers, json=body)).status_code == 422
        del headers["cal-api-version"]
        answer = await client.post(f"{described}/v2/bookings/uid/cancel", headers=headers, json={})
        assert answer.status_code == 422
