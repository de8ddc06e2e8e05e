"""Trying providers over HTTP: what is kept, or what is given, and what the provider says of it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.config import Config
from tests.http.conftest import Client, Join, OpenHouse

pytestmark = pytest.mark.anyio
SID, TOKEN, KEY = f"AC{'0a' * 16}", "the-token-of-the-account", "cal_test_0123456789"


@dataclass
class Providers:
    """Be Twilio and Cal.com at one address: they know one account, its number, and one key."""

    number: str
    address: str = ""
    status: str = "active"
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.asked.append(path)
        status, body = self._answer(path, head)
        content = json.dumps(body)
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            f"Connection: close\r\n\r\n{content}".encode()
        )
        await writer.drain()
        writer.close()

    def _answer(self, path: str, head: str) -> tuple[int, Any]:
        if path.startswith("/v2/"):
            known = f"Bearer {KEY}" in head and path in ("/v2/me", "/v2/event-types/12")
            return (200, {"status": "success"}) if known else (401, {"status": "error"})
        if base64.b64encode(f"{SID}:{TOKEN}".encode()).decode() not in head:
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        if "IncomingPhoneNumbers" in path:
            found = [{"phone_number": self.number}] if self.number[1:] in path else []
            return 200, {"incoming_phone_numbers": found}
        return 200, {"sid": SID, "status": self.status}


@pytest.fixture
async def providers() -> AsyncIterator[Providers]:
    """Run them on loopback."""
    there = Providers(f"+4474{new_id().int % 10**8:08d}")
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield there
    server.close()


@pytest.fixture
async def there(config: Config, owner: Client, open_house: OpenHouse, providers: Providers) -> Client:
    """Be an owner where the providers are at that address."""
    calcom = replace(config.calcom, api_url=providers.address)
    return await open_house(owner, twilio_api_url=providers.address, calcom=calcom)


def twilio(number: str, token: str = TOKEN) -> dict[str, Any]:
    return {"settings": {"account_sid": SID, "phone_number": number}, "credentials": {"auth_token": token}}


async def tried(there: Client, provider: str, body: Any = None) -> dict[str, Any]:
    answer = await there.post(f"/settings/integrations/{provider}/test", json=body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_a_kept_account_is_tried_and_what_was_said_is_kept(there: Client, providers: Providers) -> None:
    path = "/settings/integrations/twilio"
    assert (await there.put(path, json=twilio(providers.number))).status_code == 200
    assert (await tried(there, "twilio"))["ok"]
    kept = (await there.get(path)).json()["data"]
    assert (kept["last_tested"] is not None, kept["last_error"]) == (True, None)
    providers.status = "suspended"
    said = await tried(there, "twilio")
    assert (said["ok"], said["error"]) == (False, "Twilio has suspended or closed this account.")
    assert (await there.get(path)).json()["data"]["last_error"] == said["error"]


async def test_what_is_given_is_tried_and_not_kept(there: Client, providers: Providers) -> None:
    assert (await tried(there, "twilio", twilio(providers.number)))["ok"]
    wrong = await tried(there, "twilio", twilio(providers.number, "another-token"))
    assert wrong["error"] == "Twilio does not take this account SID and token."
    elsewhere = await tried(there, "twilio", twilio("+447400000001"))
    assert elsewhere["error"] == "This number is none of this Twilio account's."
    assert not (await there.get("/settings/integrations/twilio")).json()["data"]["configured"]


async def test_a_key_of_calcom_is_tried(there: Client, providers: Providers) -> None:
    path = "/settings/integrations/calcom"
    assert (await there.put(path, json={"settings": {}, "credentials": {"api_key": KEY}})).status_code == 200
    assert (await tried(there, "calcom"))["ok"]
    assert providers.asked == ["/v2/me"]
    given = {"settings": {"event_type_id": 12}, "credentials": {"api_key": KEY}}
    assert (await tried(there, "calcom", given))["ok"]
    unknown = await tried(there, "calcom", {**given, "settings": {"event_type_id": 13}})
    assert unknown["error"] == "Cal.com knows no such event type of this key's."
    wrong = await tried(there, "calcom", {"credentials": {"api_key": "cal_test_9876543210"}})
    assert wrong["error"] == "Cal.com does not take this API key."


async def test_what_is_kept_is_tried_nowhere_else(there: Client, providers: Providers) -> None:
    await there.put("/settings/integrations/twilio", json=twilio(providers.number))
    answer = await there.post("/settings/integrations/twilio/test", json={"settings": {"account_sid": SID}})
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "credentials")
    bad = await there.post("/settings/integrations/twilio/test", json={"credentials": {"auth_token": "short"}})
    assert bad.status_code == 400
    assert providers.asked == []


async def test_only_admins_try_providers_and_only_their_own(
    there: Client, owner: Client, stranger: Client, join: Join, providers: Providers
) -> None:
    await there.put("/settings/integrations/twilio", json=twilio(providers.number))
    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        person = await join(owner, role)
        assert (await person.post("/settings/integrations/twilio/test")).status_code == 403
    assert (await stranger.post("/settings/integrations/twilio/test")).status_code == 501


async def test_a_messaging_service_needs_a_number_that_people_answer_to(there: Client) -> None:
    body = {
        "settings": {"account_sid": SID, "messaging_service_sid": f"MG{'c' * 32}"},
        "credentials": {"auth_token": TOKEN},
    }
    answer: httpx.Response = await there.put("/settings/integrations/twilio", json=body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "settings.phone_number")
