"""Users' SMS gateways and e-mail accounts over HTTP (ASVS 5.0: 8.2.2, 13.3.1)."""

from typing import Any

import httpx
import pytest

from adapters.persistence.database import Database
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join

pytestmark = pytest.mark.anyio
GATEWAY = {
    "label": "Olga's phone", "gateway_url": "https://gateway.example.com/3rdparty/v1/", "username": "olga",
    "password": "nobody may see this", "from_number": "07700 900123", "webhook_secret": "nor-may-anybody-this",
}  # fmt: skip


@pytest.fixture(autouse=True)
def number() -> str:
    """Let no two tests' organisations claim one number."""
    number = f"+4474{new_id().int % 10**8:08d}"
    GATEWAY["from_number"] = f"0{number[3:]}"
    return number


def _refused(answer: httpx.Response, status: int, field: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    if field is not None:
        assert error["details"][0]["field"] == field, answer.text
    return str(error["code"])


async def _sealed(owner: Client, database: Database) -> list[bytes]:
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        return [row["password"] for row in await connection.fetch("SELECT password FROM sms_gateways")]


async def test_a_user_is_given_a_gateway_and_its_password_is_shown_to_nobody(
    owner: Client, join: Join, database: Database, number: str
) -> None:
    rep = await join(owner, Role.REP)
    path = f"/users/{rep.user_id}/sms-gateway"
    assert _refused(await owner.get(path), 404) == "NOT_FOUND"
    answer = await owner.post(path, json=GATEWAY)
    assert answer.status_code == 201, answer.text
    shown = answer.json()["data"]
    assert (shown["from_number"], shown["user_id"]) == (number, str(rep.user_id))
    assert (shown["gateway_url"], shown["is_active"]) == ("https://gateway.example.com/3rdparty/v1", True)
    assert "password" not in shown
    assert (await owner.get(path)).json()["data"] == shown
    [sealed] = await _sealed(owner, database)
    assert not [secret for secret in ("password", "webhook_secret") if GATEWAY[secret].encode() in sealed]
    assert "webhook_secret" not in shown
    assert _refused(await owner.post(path, json=GATEWAY), 409) == "DUPLICATE_RECORD"


async def test_a_gateway_is_changed_in_part(owner: Client, database: Database) -> None:
    path = f"/users/{owner.user_id}/sms-gateway"
    await owner.post(path, json=GATEWAY)
    before = await _sealed(owner, database)
    other = f"+4474{new_id().int % 10**8:08d}"
    body = {"from_number": other, "is_active": False}
    changed = (await owner.patch(path, json=body, headers={"If-Match": '"1"'})).json()["data"]
    assert (changed["from_number"], changed["is_active"], changed["label"]) == (other, False, "Olga's phone")
    assert await _sealed(owner, database) == before
    routed = (await owner.patch(path, json={"webhook_secret": "another-signing-key"})).json()["data"]
    assert (routed["version"], routed["from_number"]) == (3, other)
    before = await _sealed(owner, database)
    stale = await owner.patch(path, json={"label": "X"}, headers={"If-Match": '"1"'})
    assert _refused(stale, 409) == "STALE_VERSION"
    assert (await owner.patch(path, json={"password": "another"})).status_code == 200
    after = await _sealed(owner, database)
    assert after != before
    assert b"another" not in after[0]


async def test_a_gateway_is_taken_away(owner: Client) -> None:
    path = f"/users/{owner.user_id}/sms-gateway"
    await owner.post(path, json=GATEWAY)
    for deleted in (1, 0):
        answer = await owner.delete(path)
        assert (answer.status_code, answer.json()["data"]) == (200, {"deleted": deleted})
    assert _refused(await owner.patch(path, json={"label": "X"}), 404) == "NOT_FOUND"
    assert _refused(await owner.post(f"{path}/test"), 404) == "NOT_FOUND"


async def test_only_admins_have_to_do_with_gateways_and_only_with_their_own_users(
    owner: Client, stranger: Client, join: Join
) -> None:
    path = f"/users/{owner.user_id}/sms-gateway"
    await owner.post(path, json=GATEWAY)

    async def tried(person: Client, at: str) -> list[httpx.Response]:
        return [
            await person.get(at), await person.post(at, json=GATEWAY), await person.patch(at, json={"label": "X"}),
            await person.delete(at), await person.post(f"{at}/test"),
        ]  # fmt: skip

    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        person = await join(owner, role)
        assert {_refused(answer, 403) for answer in await tried(person, path)} == {"PERMISSION_DENIED"}
    for at in (path, f"/users/{new_id()}/sms-gateway"):
        assert {_refused(answer, 404) for answer in await tried(stranger, at)} == {"NOT_FOUND"}
    assert (await owner.get(path)).json()["data"]["label"] == "Olga's phone"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": " "}, "label"),
        ({"gateway_url": "gateway.example.com"}, "gateway_url"),
        ({"gateway_url": "ftp://gateway.example.com"}, "gateway_url"),
        ({"gateway_url": "https://user:pass@gateway.example.com"}, "gateway_url"),
        ({"gateway_url": "https://[::1"}, "gateway_url"),
        ({"from_number": "12345"}, "from_number"),
        ({"password": ""}, "password"),
        ({"webhook_secret": "short"}, "webhook_secret"),
        ({"account_id": str(new_id())}, "account_id"),
    ],
)
async def test_a_gateway_that_cannot_be_names_the_field(owner: Client, change: dict[str, Any], field: str) -> None:
    _refused(await owner.post(f"/users/{owner.user_id}/sms-gateway", json=GATEWAY | change), 400, field)


async def test_a_gateway_that_brings_no_answers_is_refused(owner: Client) -> None:
    unsigned = {name: value for name, value in GATEWAY.items() if name != "webhook_secret"}
    answer = await owner.post(f"/users/{owner.user_id}/sms-gateway", json=unsigned)
    assert _refused(answer, 400, "webhook_secret")
    assert "STOP" in answer.json()["error"]["message"]


async def test_two_organisations_do_not_share_a_gateways_number(owner: Client, stranger: Client) -> None:
    path = f"/users/{owner.user_id}/sms-gateway"
    assert (await owner.post(path, json=GATEWAY)).status_code == 201
    theirs = f"/users/{stranger.user_id}/sms-gateway"
    assert _refused(await stranger.post(theirs, json=GATEWAY), 409, "from_number") == "DUPLICATE_RECORD"
    await owner.delete(path)
    assert (await stranger.post(theirs, json=GATEWAY)).status_code == 201


async def test_a_gateway_of_old_whose_number_is_anothers_by_now_is_changed_all_the_same(
    owner: Client, stranger: Client, database: Database
) -> None:
    path = f"/users/{owner.user_id}/sms-gateway"
    assert (await owner.post(path, json=GATEWAY)).status_code == 201
    async with database.connection() as connection:
        await connection.execute("DELETE FROM routes WHERE organization_id = $1", owner.organization_id)
    assert (await stranger.post(f"/users/{stranger.user_id}/sms-gateway", json=GATEWAY)).status_code == 201
    changed = await owner.patch(path, json={"is_active": False})
    assert changed.status_code == 200, changed.text
    assert _refused(await owner.patch(path, json={"from_number": GATEWAY["from_number"]}), 409) == "DUPLICATE_RECORD"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000", "http://localhost", "http://2130706433", "http://0x7f.1", "http://[::1]:8000",
        "http://[::ffff:169.254.169.254]", "http://169.254.169.254/latest", "http://10.0.0.1", "http://0",
    ],
)  # fmt: skip
async def test_a_gateway_in_our_own_network_is_not_called(owner: Client, address: str) -> None:
    path = f"/users/{owner.user_id}/sms-gateway"
    assert (await owner.post(path, json=GATEWAY | {"gateway_url": address})).status_code == 201
    said = (await owner.post(f"{path}/test")).json()["data"]
    assert said["ok"] is False
    assert said["error"] == "This address is not one of a server on the public internet."


async def _account(owner: Client, address: str = "sales@bright.example") -> dict[str, Any]:
    answer = await owner.post("/email-accounts", json={"email_address": address, "display_name": "Sales"})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_a_user_has_one_email_account_at_most(owner: Client, join: Join) -> None:
    rep = await join(owner, Role.REP)
    first, second = await _account(owner, "Sales@Bright.example"), await _account(owner, "help@bright.example")
    assert first["email_address"] == "sales@bright.example"
    path = f"/users/{rep.user_id}/email-account"

    async def holders() -> dict[str, str | None]:
        listed = (await owner.get("/email-accounts")).json()["data"]
        return {item["email_address"]: item["user_id"] for item in listed}

    answer = await owner.patch(path, json={"email_account_id": first["id"]})
    assert answer.json()["data"]["email_account"]["user_id"] == str(rep.user_id)
    await owner.patch(path, json={"email_account_id": second["id"]})
    assert await holders() == {"help@bright.example": str(rep.user_id), "sales@bright.example": None}
    mine = f"/users/{owner.user_id}/email-account"
    assert (await owner.patch(mine, json={"email_account_id": second["id"]})).status_code == 200
    assert await holders() == {"help@bright.example": str(owner.user_id), "sales@bright.example": None}
    cleared = await owner.patch(mine, json={"email_account_id": None})
    assert cleared.json()["data"] == {"user_id": str(owner.user_id), "email_account": None}
    assert set((await holders()).values()) == {None}


async def test_email_accounts_are_added_and_deleted(owner: Client, stranger: Client) -> None:
    account = await _account(owner)
    twin = await owner.post("/email-accounts", json={"email_address": "SALES@bright.example"})
    assert _refused(twin, 409, "email_address") == "DUPLICATE_RECORD"
    _refused(await owner.post("/email-accounts", json={"email_address": "nobody"}), 400, "email_address")
    await _account(stranger)
    path = f"/email-accounts/{account['id']}"
    assert _refused(await stranger.delete(path), 404) == "NOT_FOUND"
    assert (await owner.delete(path)).status_code == 204
    assert (await owner.get("/email-accounts")).json()["data"] == []


async def test_email_accounts_are_for_admins_and_stay_in_their_organisation(
    owner: Client, stranger: Client, join: Join
) -> None:
    account = await _account(owner)
    body = {"email_account_id": account["id"]}
    for role in (Role.MANAGER, Role.REP, Role.READ_ONLY):
        person = await join(owner, role)
        for answer in (
            await person.get("/email-accounts"), await person.post("/email-accounts", json={"email_address": "a@b.co"}),
            await person.delete(f"/email-accounts/{account['id']}"),
            await person.patch(f"/users/{person.user_id}/email-account", json=body),
        ):  # fmt: skip
            assert _refused(answer, 403) == "PERMISSION_DENIED"
    assert (await stranger.get("/email-accounts")).json()["data"] == []
    _refused(await stranger.patch(f"/users/{stranger.user_id}/email-account", json=body), 400, "email_account_id")
    assert _refused(await stranger.patch(f"/users/{owner.user_id}/email-account", json=body), 404) == "NOT_FOUND"
    _refused(await owner.patch(f"/users/{owner.user_id}/email-account", json={}), 400, "email_account_id")
