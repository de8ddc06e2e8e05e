"""Providers, settings by name and what they hide, over HTTP (ASVS 5.0: 8.2.3, 13.3.1, 14.2.6)."""

from typing import Any, cast

import httpx
import pytest

from adapters.persistence.database import Database
from domain.identity.integration import Provider
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join, OpenHouse
from tests.http.gateway import FakeGateway, fake_gateway

__all__ = ["fake_gateway"]
pytestmark = pytest.mark.anyio
TWILIO = {
    "settings": {"account_sid": "AC" + "0a" * 16, "phone_number": "+442079460000"},
    "credentials": {"auth_token": "a-token-that-nobody-may-see"},
}


@pytest.fixture(autouse=True)
def _a_number_of_its_own() -> None:
    """Let no two tests' organisations claim one number."""
    TWILIO["settings"]["phone_number"] = f"+4474{new_id().int % 10**8:08d}"


KEY = {"api_key": "12345678"}


def _refused(answer: httpx.Response, status: int, field: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    if field is not None:
        assert error["details"][0]["field"] == field, answer.text
    return str(error["code"])


async def test_every_provider_is_shown_before_any_is_set_up(owner: Client) -> None:
    said = (await owner.get("/settings/integrations")).json()["data"]
    assert set(said) == set(Provider)
    for name, shown in said.items():
        assert (shown["provider"], shown["configured"], shown["connected"], shown["source"]) == (
            name,
            False,
            False,
            None,
        )
        assert shown["credentials"] == {}
        assert shown["takes"]["credentials"]
    assert (said["twilio"]["phone_number"], said["calcom"]["event_type_id"]) == (None, None)
    assert said["anthropic"]["model"] is None


async def test_a_provider_is_set_up_and_its_secrets_are_shown_to_nobody(owner: Client, database: Database) -> None:
    path = "/settings/integrations/twilio"
    answer = await owner.put(path, json=TWILIO)
    assert answer.status_code == 200, answer.text
    shown = answer.json()["data"]
    assert (shown["configured"], shown["connected"], shown["source"]) == (True, True, "organization")
    assert shown["credentials"] == {"auth_token": {"set": True, "last_four": "-see"}}
    assert (shown["phone_number"], shown["version"]) == (TWILIO["settings"]["phone_number"], 1)
    secret = TWILIO["credentials"]["auth_token"]
    for seen in (answer, await owner.get(path), await owner.get("/settings/integrations")):
        assert secret not in seen.text
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        row = await connection.fetchrow("SELECT * FROM integrations")
        events = await connection.fetch("SELECT data FROM events WHERE type = 'integration.changed'")
    assert secret.encode() not in row["credentials"]
    assert len(events) == 1
    assert secret not in str(events[0])


async def test_settings_change_without_the_credentials_being_told_again(owner: Client) -> None:
    path = "/settings/integrations/twilio"
    await owner.put(path, json=TWILIO)
    changed = TWILIO["settings"] | {"phone_number": f"+4475{new_id().int % 10**8:08d}"}
    answer = await owner.put(path, json={"settings": changed}, headers={"If-Match": '"1"'})
    shown = answer.json()["data"]
    assert (shown["phone_number"], shown["version"], shown["configured"]) == (changed["phone_number"], 2, True)
    assert shown["credentials"]["auth_token"]["set"] is True
    stale = await owner.put(path, json={"settings": changed}, headers={"If-Match": '"1"'})
    assert _refused(stale, 409) == "STALE_VERSION"
    off = (await owner.put(path, json={"settings": changed, "is_active": False})).json()["data"]
    assert (off["configured"], off["source"], off["is_active"]) == (False, None, False)


async def test_a_provider_is_forgotten(owner: Client) -> None:
    path = "/settings/integrations/twilio"
    await owner.put(path, json=TWILIO)
    assert (await owner.delete(path)).status_code == 204
    shown = (await owner.get(path)).json()["data"]
    assert (shown["configured"], shown["credentials"], shown["version"]) == (False, {}, None)
    assert _refused(await owner.delete(path), 404) == "NOT_FOUND"
    _refused(await owner.put(path, json={"settings": TWILIO["settings"]}), 400, "credentials")


@pytest.mark.parametrize(
    ("provider", "body", "field"),
    [
        ("twilio", {"settings": {}, "credentials": {"auth_token": "longenough"}}, "settings.account_sid"),
        ("twilio", TWILIO | {"settings": {"account_sid": "AC1"}}, "settings.account_sid"),
        ("twilio", TWILIO | {"settings": TWILIO["settings"] | {"model": "x"}}, "settings.model"),
        ("twilio", TWILIO | {"credentials": {}}, "credentials.auth_token"),
        ("twilio", TWILIO | {"credentials": {"auth_token": "short"}}, "credentials.auth_token"),
        ("twilio", TWILIO | {"credentials": {"auth_token": 7}}, "credentials.auth_token"),
        ("twilio", TWILIO | {"credentials": None}, "credentials"),
        ("twilio", TWILIO | {"last_tested_at": "2026-01-01T00:00:00Z"}, "last_tested_at"),
        ("stripe", {"credentials": {"secret_key": "pk_live_12345678"}}, "credentials.secret_key"),
        ("calcom", {"settings": {"event_type_id": "7"}, "credentials": KEY}, "settings.event_type_id"),
        ("resend", {"settings": {"from_address": "nobody"}, "credentials": KEY}, "settings.from_address"),
        (
            "android_gateway",
            {"settings": {"gateway_url": "file:///etc/passwd", "username": "u"}, "credentials": {"password": "p"}},
            "settings.gateway_url",
        ),
    ],
)  # fmt: skip
async def test_what_a_provider_cannot_be_told_names_the_field(
    owner: Client, provider: str, body: dict[str, Any], field: str
) -> None:
    refused = await owner.put(f"/settings/integrations/{provider}", json=body)
    _refused(refused, 400, field)
    assert "longenough" not in refused.text


async def test_only_admins_and_owners_set_providers_up_and_nobody_another_organisations(
    owner: Client, stranger: Client, join: Join
) -> None:
    path = "/settings/integrations/twilio"
    await owner.put(path, json=TWILIO)
    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        person = await join(owner, role)
        assert (await person.get(path)).json()["data"]["configured"] is True
        for answer in (
            await person.put(path, json=TWILIO), await person.delete(path), await person.post(f"{path}/test")
        ):  # fmt: skip
            assert _refused(answer, 403) == "PERMISSION_DENIED"
    assert (await stranger.get(path)).json()["data"]["configured"] is False
    assert _refused(await stranger.delete(path), 404) == "NOT_FOUND"
    for method in ("GET", "DELETE", "PUT"):
        body = {"json": TWILIO} if method == "PUT" else {}
        refused = await owner.request(method, "/settings/integrations/fax", **cast("Any", body))
        assert _refused(refused, 404) == "NOT_FOUND"


async def test_no_success_is_made_up_for_what_cannot_be_called(owner: Client) -> None:
    await owner.put("/settings/integrations/stripe", json={"credentials": {"secret_key": "sk_test_0123456789"}})
    refused = await owner.post("/settings/integrations/stripe/test")
    assert _refused(refused, 501) == "INTEGRATION_NOT_CONFIGURED"
    refused = await owner.post("/settings/integrations/android_gateway/test")
    assert _refused(refused, 501) == "INTEGRATION_NOT_CONFIGURED"


async def test_a_gateway_is_tried_and_what_it_said_is_kept(
    owner: Client, open_house: OpenHouse, fake_gateway: FakeGateway
) -> None:
    path = "/settings/integrations/android_gateway"
    body = {
        "settings": {"gateway_url": fake_gateway.address, "username": "olga"},
        "credentials": {"password": fake_gateway.password},
    }
    assert (await owner.put(path, json=body)).status_code == 200
    shut = (await owner.post(f"{path}/test")).json()["data"]
    assert (shut["ok"], fake_gateway.asked) == (False, [])
    assert "public internet" in shut["error"]

    house = await open_house(owner, egress_allow=("127.0.0.0/8",))
    good = (await house.post(f"{path}/test")).json()["data"]
    assert (good["ok"], good["error"]) == (True, None)
    assert fake_gateway.asked == ["GET /webhooks"]
    kept = (await owner.get(path)).json()["data"]
    assert kept["last_tested"] is not None
    assert kept["last_error"] is None

    await owner.put(path, json=body | {"credentials": {"password": "another"}})
    assert (await owner.get(path)).json()["data"]["last_tested"] is None
    wrong = (await house.post(f"{path}/test")).json()["data"]
    assert wrong["ok"] is False
    assert (await owner.get(path)).json()["data"]["last_error"] == wrong["error"]


async def test_capabilities_are_an_organisations_own_and_the_installations(
    owner: Client, stranger: Client, open_house: OpenHouse
) -> None:
    key = {"credentials": {"api_key": "a-key-of-plusvibe"}}
    assert (await owner.put("/settings/integrations/plusvibe", json=key)).status_code == 200

    async def asked(who: Client, **settings: Any) -> str:
        house = await open_house(who, sandbox=False, **settings)
        answer = await house.post("/campaigns/start", json={"dataset_id": str(new_id())})
        assert _refused(answer, 501) == "INTEGRATION_NOT_CONFIGURED"
        return str(answer.json()["error"]["message"])

    assert await asked(owner) == "No provider is configured for texting."
    assert await asked(stranger) == "No provider is configured for texting."
    own = await open_house(owner, sandbox=False)
    assert (await own.put("/settings/integrations/twilio", json=TWILIO)).status_code == 200
    start = {"dataset_id": str(new_id())}
    assert _refused(await own.post("/campaigns/start", json=start), 404) == "NOT_FOUND"
    everybody = await open_house(stranger, sandbox=False, provider_settings=("RAPPORT_TWILIO_ACCOUNT_SID",))
    assert _refused(await everybody.post("/campaigns/start", json=start), 404) == "NOT_FOUND"
    shown = (await everybody.get("/settings/integrations/twilio")).json()["data"]
    assert (shown["configured"], shown["source"], shown["credentials"]) == (True, "installation", {})


async def test_settings_are_shown_and_set_by_name(owner: Client, stranger: Client) -> None:
    before = await owner.get("/settings")
    assert before.json()["data"]["company_name"] == "Bright Windows"
    assert before.json()["data"]["timezone"] == "Europe/London"
    answer = await owner.patch("/settings", json={"key": "signature", "value": {"text": "Zosia"}},
                               headers={"If-Match": before.headers["etag"]})  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["signature"] == {"text": "Zosia"}
    stale = await owner.patch("/settings", json={"key": "a", "value": 1}, headers={"If-Match": before.headers["etag"]})
    assert _refused(stale, 409, "a") == "STALE_VERSION"
    await owner.patch("/settings", json={"key": "tone", "value": "warm"})
    assert (await owner.get("/settings/client")).json()["data"]["settings"] == {
        "signature": {"text": "Zosia"}, "tone": "warm",
    }  # fmt: skip
    gone = (await owner.patch("/settings", json={"key": "signature", "value": None})).json()["data"]
    assert "signature" not in gone
    assert "tone" not in (await stranger.get("/settings")).json()["data"]


async def test_secret_settings_are_for_administrators(owner: Client, join: Join) -> None:
    for key in ("qb_realm", "slack_token", "tone"):
        assert (await owner.patch("/settings", json={"key": key, "value": "x"})).status_code == 200
    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        person = await join(owner, role)
        said = (await person.get("/settings")).json()["data"]
        assert said["tone"] == "x"
        assert not {"qb_realm", "slack_token"} & set(said)
        assert (await person.get("/settings/client")).json()["data"]["settings"] == {"tone": "x"}
        assert _refused(await person.patch("/settings", json={"key": "tone", "value": "y"}), 403)
    assert (await owner.get("/settings")).json()["data"]["qb_realm"] == "x"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "company_name", "value": "Evil"}, "key"),
        ({"key": "settings", "value": {}}, "key"),
        ({"key": "version", "value": 1}, "key"),
        ({"key": "Not A Key", "value": 1}, "key"),
        ({"key": "a" * 101, "value": 1}, "key"),
        ({"key": "tone"}, "value"),
        ({"key": "tone", "value": "x" * 10_001}, "settings"),
        ({"key": "tone", "value": [[[[[[[[[[[1]]]]]]]]]]]}, "settings"),
        ({"key": "tone", "value": "a\u0000b"}, "value"),
    ],
)
async def test_a_setting_that_cannot_be_names_the_field(owner: Client, body: dict[str, Any], field: str) -> None:
    _refused(await owner.patch("/settings", json=body), 400, field)


async def test_settings_do_not_grow_without_end(owner: Client) -> None:
    many = {f"key{number}": number for number in range(201)}
    _refused(await owner.patch("/settings/client", json={"settings": many}), 400, "settings")
    large = {f"key{number}": "x" * 9_000 for number in range(12)}
    _refused(await owner.patch("/settings/client", json={"settings": large}), 400, "settings")
    assert (await owner.get("/settings/client")).json()["data"]["settings"] == {}
