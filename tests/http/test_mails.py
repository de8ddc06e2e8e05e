"""The mail ledger over HTTP: listed, counted, sent again or given up."""

from typing import Any
from uuid import UUID

import pytest

from adapters.persistence.database import Database
from application.mail_list import MailView
from domain.identity.role import Role
from domain.kernel import new_id
from tests.http.conftest import Client, Join
from tests.http.refusals import error_of
from tests.http.test_messaging import shown

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parked(owner: Client, database: Database) -> UUID:
    """Leave an invitation to a person; another one has left, and a reminder to a lead is parked as well."""
    made = [new_id() for _ in range(3)]
    rows = [("invitation", "parked"), ("invitation", "accepted"), ("call_reminder:hour:1", "parked")]
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        for identifier, (kind, state) in zip(made, rows, strict=True):
            await connection.execute(
                "INSERT INTO mails (organization_id, id, kind, subject, to_address, state, reason, account, created_at,"
                " handed_at, doubted_at, settled_at) VALUES ($1, $2, $3, $2, 'rita@bright.example', $4,"
                " 'Nobody knows.', 'smtp:mail.example', now(), now(), now(), now())",
                owner.organization_id,
                identifier,
                kind,
                state,
            )
    return made[0]


async def _row(owner: Client, database: Database, identifier: UUID) -> tuple[Any, ...]:
    async with database.connection() as connection, connection.transaction():
        await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(owner.organization_id))
        return tuple(
            await connection.fetchrow(
                "SELECT state, account, handed_at, doubted_at, EXISTS (SELECT FROM schedules WHERE organization_id = $1"
                " AND name = 'mails.settle' AND next_due_at <= business_now()) FROM mails WHERE id = $2",
                owner.organization_id,
                identifier,
            )
        )


async def test_parked_mails_are_listed_and_counted(owner: Client, parked: UUID) -> None:
    answer = await owner.get("/mails", params={"state": "parked"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["pagination"]["total"] == 2
    listed = {one["id"]: one for one in answer.json()["data"]}
    assert listed[str(parked)] | {"created_at": "", "handed_at": "", "settled_at": ""} == {
        "id": str(parked), "kind": "invitation", "to": "rita@bright.example", "state": "parked",
        "reason": "Nobody knows.", "provider": "smtp", "created_at": "", "handed_at": "", "settled_at": "",
    }  # fmt: skip
    assert len((await owner.get("/mails")).json()["data"]) == 3
    error_of(await owner.get("/mails", params={"state": "lost"}), 400, "VALIDATION_ERROR")


async def test_a_parked_mail_is_sent_again_from_the_beginning(owner: Client, database: Database, parked: UUID) -> None:
    again = shown(await owner.post(f"/mails/{parked}/retry"), MailView)
    assert (again.state, again.reason, again.provider) == ("planned", None, None)
    assert await _row(owner, database, parked) == ("planned", None, None, None, True)
    error_of(await owner.post(f"/mails/{parked}/retry"), 409, "CONFLICT")


async def test_a_parked_mail_is_given_up(owner: Client, parked: UUID) -> None:
    ended = shown(await owner.post(f"/mails/{parked}/cancel"), MailView)
    assert (ended.state, ended.provider) == ("cancelled", "smtp")
    error_of(await owner.post(f"/mails/{parked}/retry"), 409, "CONFLICT")
    assert (await owner.get("/mails", params={"state": "parked"})).json()["pagination"]["total"] == 1


async def test_anothers_mails_are_not_there(owner: Client, stranger: Client, join: Join, parked: UUID) -> None:
    assert (await stranger.get("/mails")).json()["data"] == []
    for act in ("retry", "cancel"):
        error_of(await stranger.post(f"/mails/{parked}/{act}"), 404, "NOT_FOUND")
        error_of(await owner.post(f"/mails/{new_id()}/{act}"), 404, "NOT_FOUND")
        error_of(await (await join(owner, Role.MANAGER)).post(f"/mails/{parked}/{act}"), 403, "PERMISSION_DENIED")


async def test_who_is_limited_to_datasets_sees_no_leads_mails(
    owner: Client, database: Database, join: Join, parked: UUID
) -> None:
    admin = await join(owner, Role.ADMIN)
    async with database.connection() as connection:
        await connection.execute("UPDATE memberships SET dataset_ids = '{}' WHERE account_id = $1", admin.user_id)
    [seen] = (await admin.get("/mails", params={"state": "parked"})).json()["data"]
    assert seen["id"] == str(parked)
    listed = (await owner.get("/mails", params={"state": "parked"})).json()["data"]
    [hidden] = [one["id"] for one in listed if one["id"] != str(parked)]
    error_of(await admin.post(f"/mails/{hidden}/cancel"), 404, "NOT_FOUND")
