"""Tables as files over HTTP: what is in them, for whom, for how long, and that nothing in them runs."""

import csv
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.files.local import LocalFiles
from adapters.persistence.database import Cause
from adapters.persistence.exports import PostgresExportedTables
from application.platform.exports import Exports
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from entrypoints.config import Config
from tests.http.conftest import Client, Join, OpenClient
from tests.http.lists import WorkOff, job
from tests.http.sales_world import World, enter

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


async def asked(client: Client, **body: Any) -> str:
    """Ask for an export; gives its id."""
    answer = await client.post("/analytics/export", json={"export_type": "leads"} | body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["job_id"])


async def shown(client: Client, export_id: str) -> dict[str, Any]:
    answer = await client.get(f"/analytics/exports/{export_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def written(client: Client, work_off: WorkOff, **body: Any) -> dict[str, Any]:
    """Ask for an export and have it written; gives what is shown of it."""
    export_id = await asked(client, **body)
    await work_off()
    export = await shown(client, export_id)
    assert export["status"] == "done", export
    return export


async def fetched(nobody: Client, export: dict[str, Any]) -> bytes:
    """Follow the link, as nobody."""
    answer = await nobody.get(path_of(export))
    assert answer.status_code == 200, answer.text
    assert export["filename"] in answer.headers["content-disposition"]
    return answer.content


def path_of(export: dict[str, Any]) -> str:
    return str(export["download_url"]).partition("/api/v1")[2]


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"first_name": "Ada", "last_name": f"N{number}", "phone_number": f"+4477009004{number:02d}"} | more


async def test_leads_are_written_and_fetched_by_a_link_alone(
    owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer
) -> None:
    dataset = str(await World(house, owner.organization_id).dataset())
    for number in (1, 2):
        await enter(owner, person(number), dataset_id=dataset)
    await enter(owner, person(3))
    export = await written(owner, work_off)
    rows = rows_of(await fetched(client, export))
    assert export["rows"] == export["total"] == len(rows) == 3
    assert export["filename"].endswith(".csv")
    assert {row["last_name"] for row in rows} == {"N1", "N2", "N3"}
    assert {row["dataset"] for row in rows} == {"Old", ""}
    assert rows[0]["created_at"].endswith("Z")
    of_dataset = await written(owner, work_off, dataset_id=dataset, time_range="today")
    assert len(rows_of(await fetched(client, of_dataset))) == 2


async def test_nothing_in_a_file_runs_as_a_formula(owner: Client, client: Client, work_off: WorkOff) -> None:
    await enter(owner, person(1, first_name='=HYPERLINK("http://evil.example","x")', last_name="@SUM(A1)"))
    [row] = rows_of(await fetched(client, await written(owner, work_off)))
    assert row["first_name"].startswith("'=")
    assert row["last_name"] == "'@SUM(A1)"
    assert row["phone_number"] == "'+447700900401"
    book = await fetched(client, await written(owner, work_off, format="xlsx"))
    sheet = zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"<t>'@SUM(A1)</t>" in sheet
    assert b"<t>lead_id</t>" in sheet


# A day and an hour later, for one file.
AGED = """
UPDATE jobs SET result = result || jsonb_build_object('kept_until',
  (result ->> 'kept_until')::timestamptz - interval '25 hours')
WHERE organization_id = $1 AND id = $2
"""


async def forget(house: AsyncContainer, client: Client) -> None:
    """Do what the schedule does."""
    async with house({Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Exports)).forget()


def is_kept(config: Config, owner: Client, export_id: str) -> bool:
    return Path(config.data_dir, "files", str(owner.organization_id), export_id).exists()


async def test_messages_and_figures_are_exported_too(
    owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer
) -> None:
    dataset = await World(house, owner.organization_id).dataset()
    lead = await enter(owner, person(1), dataset_id=str(dataset))
    await owner.post("/messages/send", json={"lead_id": lead["id"], "content": "How are the windows?"})
    [row] = rows_of(await fetched(client, await written(owner, work_off, export_type="conversations")))
    assert (row["content"], row["direction"], row["last_name"]) == ("How are the windows?", "outbound", "N1")
    [row] = rows_of(await fetched(client, await written(owner, work_off, export_type="analytics_summary")))
    assert (row["dataset_id"], row["total_leads"], row["reply_rate"]) == (str(dataset), "1", "")
    assert row["top_performing_lessons"] == ""


async def test_lessons_are_exported(owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer) -> None:
    await World(house, owner.organization_id).fetch(
        "INSERT INTO lessons (organization_id, id, lesson_type, title, description, tags, created_at, updated_at)"
        " VALUES ($1, $2, 'dos_donts', '=cmd', 'Do not shout', '{tone,words}', now(), now())",
        new_id(),
    )
    [row] = rows_of(await fetched(client, await written(owner, work_off, export_type="lessons")))
    assert (row["title"], row["tags"], row["times_applied"]) == ("'=cmd", "tone, words", "0")


async def test_a_rep_exports_what_a_rep_sees(owner: Client, client: Client, join: Join, work_off: WorkOff) -> None:
    rep = await join(owner, Role.REP)
    mine, others, nobodys = [(await enter(owner, person(number)))["id"] for number in (1, 2, 3)]
    for lead, who in ((mine, rep), (others, owner)):
        assert (await owner.patch(f"/leads/{lead}", json={"assigned_to": str(who.user_id)})).is_success
        await owner.post("/messages/send", json={"lead_id": lead, "content": "Hello"})
    rows = rows_of(await fetched(client, await written(rep, work_off)))
    assert {row["lead_id"] for row in rows} == {mine, nobodys}
    rows = rows_of(await fetched(client, await written(rep, work_off, export_type="conversations")))
    assert {row["lead_id"] for row in rows} == {mine}


async def test_whoever_is_limited_to_datasets_exports_those(
    owner: Client, client: Client, join: Join, work_off: WorkOff, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    theirs, others = await world.dataset(), await world.dataset()
    seen = await enter(owner, person(1), dataset_id=str(theirs))
    for number, place in ((2, {"dataset_id": str(others)}), (3, {})):
        await enter(owner, person(number), **place)
    manager = await join(owner, Role.MANAGER, dataset_ids=[theirs])
    for body in ({}, {"export_type": "analytics_summary"}):
        export = await written(manager, work_off, **body)
        assert export["rows"] == 1
    rows = rows_of(await fetched(client, await written(manager, work_off)))
    assert [row["lead_id"] for row in rows] == [seen["id"]]
    refused = await manager.post("/analytics/export", json={"export_type": "leads", "dataset_id": str(others)})
    assert refused.status_code == 404


async def test_a_link_ends_with_the_sight_of_whoever_asked(
    owner: Client, client: Client, join: Join, work_off: WorkOff, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    await enter(owner, person(1))
    manager = await join(owner, Role.MANAGER)
    export = await written(manager, work_off)
    await fetched(client, export)
    narrow = "UPDATE memberships SET {} WHERE organization_id = $1 AND account_id = $2"
    for changed, back in (
        ("dataset_ids = '{}'", "dataset_ids = NULL"),
        ("role = 'rep'", "role = 'manager'"),
        ("is_active = false", "is_active = true"),
    ):
        await world.fetch(narrow.format(changed), manager.user_id)
        assert (await client.get(path_of(export))).status_code == 404, changed
        await world.fetch(narrow.format(back), manager.user_id)
        await fetched(client, export)


async def test_a_datasets_export_ends_with_the_dataset(
    owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer
) -> None:
    dataset = await World(house, owner.organization_id).dataset()
    await enter(owner, person(1), dataset_id=str(dataset))
    export = await written(owner, work_off, dataset_id=str(dataset))
    await fetched(client, export)
    assert (await owner.delete(f"/datasets/{dataset}")).is_success
    assert (await client.get(path_of(export))).status_code == 404


async def test_a_link_whose_file_is_gone_is_none(
    owner: Client, client: Client, work_off: WorkOff, config: Config
) -> None:
    export = await written(owner, work_off)
    await LocalFiles(config.data_dir / "files").remove(f"{owner.organization_id}/{export['id']}")
    assert (await client.get(path_of(export))).status_code == 404


async def test_the_days_are_those_of_when_it_was_asked_for(
    owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await enter(owner, person(1))
    await enter(owner, person(2))
    at = "created_at = '2026-03-02T12:00:00Z'"
    await World(house, owner.organization_id).fetch(
        f"UPDATE leads SET {at} WHERE organization_id = $1 AND id = $2",
        UUID(lead["id"]),
    )

    async def days(self: PostgresExportedTables, actor: Actor, time_range: str) -> tuple[date, date]:
        del self, actor, time_range
        return date(2026, 3, 2), date(2026, 3, 2)

    with monkeypatch.context() as then:
        then.setattr(PostgresExportedTables, "days", days)
        export_id = await asked(owner, time_range="today")
    await work_off()
    rows = rows_of(await fetched(client, await shown(owner, export_id)))
    assert [row["lead_id"] for row in rows] == [lead["id"]], "not those of the day on which it is written"


async def test_an_export_is_shown_to_whoever_asked_for_it_and_its_job_has_no_link(
    owner: Client, stranger: Client, join: Join, work_off: WorkOff
) -> None:
    export = await written(owner, work_off)
    other = await join(owner, Role.ADMIN)
    for somebody in (other, stranger):
        assert (await somebody.get(f"/analytics/exports/{export['id']}")).status_code == 404
    told = await job(other, export["id"])
    assert "links" not in str(told)
    assert "sight" not in told["result"]
    assert (await other.get(f"/exports/{export['id']}")).status_code == 404, "it is nobody's personal data"
    reader = await join(owner, Role.READ_ONLY)
    assert (await reader.post("/analytics/export", json={"export_type": "leads"})).status_code == 403


@pytest.mark.parametrize(
    ("export_type", "needed"),
    [
        ("leads", ["leads:read", "contacts:read"]),
        ("conversations", ["messages:read", "contacts:read"]),
        ("lessons", ["coach:read"]),
        ("analytics_summary", ["analytics:read"]),
    ],
)
async def test_a_key_exports_what_it_may_read(
    owner: Client,
    client: Client,
    open_client: OpenClient,
    work_off: WorkOff,
    house: AsyncContainer,
    export_type: str,
    needed: list[str],
) -> None:
    made = await owner.post("/api-keys", json={"name": "K", "permissions": ["exports:create", *needed]})
    program, key = await open_client(), made.json()["data"]
    program.headers["Authorization"] = f"Bearer {key['key']}"
    export = await written(program, work_off, export_type=export_type)
    narrow = "UPDATE api_keys SET permissions = $3 WHERE organization_id = $1 AND id = $2"
    for missing in needed:
        fewer = ["exports:create", *(one for one in needed if one != missing)]
        await World(house, owner.organization_id).fetch(narrow, UUID(key["api_key"]["id"]), fewer)
        refused = await program.post("/analytics/export", json={"export_type": export_type})
        assert refused.status_code == 403, missing
        assert (await client.get(path_of(export))).status_code == 404, missing


async def test_a_link_that_we_did_not_sign_is_none(owner: Client, client: Client, work_off: WorkOff) -> None:
    path = path_of(await written(owner, work_off))
    changed = path[:-10] + ("A" if path[-10] != "A" else "B") + path[-9:]
    for forged in (changed, path[:-20], "/exports/links/%C3%A4", "/exports/links/x"):
        assert (await client.get(forged)).status_code == 404, forged


async def test_a_file_is_kept_for_a_day(
    owner: Client, client: Client, work_off: WorkOff, house: AsyncContainer, config: Config
) -> None:
    world = World(house, owner.organization_id)
    first, second = await written(owner, work_off), await written(owner, work_off)
    await world.fetch(AGED, UUID(first["id"]))
    assert (await client.get(path_of(first))).status_code == 404, "before anybody removed it"
    await forget(house, owner)
    assert not is_kept(config, owner, first["id"])
    await fetched(client, second)
    assert (await shown(owner, first["id"]))["download_url"] is None
    [due] = await world.fetch(
        "SELECT next_due_at > business_now() + interval '23 hours' AS later FROM schedules"
        " WHERE organization_id = $1 AND name = 'exports.forget'"
    )
    assert due["later"], "the other one is due too"


async def test_an_erasure_takes_files_along_that_may_name_the_person(
    owner: Client, client: Client, work_off: WorkOff, config: Config
) -> None:
    lead = await enter(owner, person(1))
    export = await written(owner, work_off)
    erased = await owner.post(f"/contacts/{lead['contact']['id']}/erase", json={"confirm": "Ada N1"})
    assert erased.status_code == 202, erased.text
    await work_off()
    assert (await client.get(path_of(export))).status_code == 404
    assert not is_kept(config, owner, export["id"])
    assert (await written(owner, work_off))["rows"] == 0


async def test_a_cancelled_export_leaves_no_file(owner: Client, work_off: WorkOff, config: Config) -> None:
    export_id = await asked(owner)
    assert (await owner.post(f"/jobs/{export_id}/cancel")).status_code == 200
    await work_off()
    export = await shown(owner, export_id)
    assert (export["status"], export["download_url"]) == ("cancelled", None)
    assert not is_kept(config, owner, export_id)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"export_type": "secrets"}, "export_type"),
        ({"export_type": "leads", "format": "pdf"}, "format"),
        ({"export_type": "leads", "time_range": "year"}, "time_range"),
        ({"export_type": "leads", "columns": []}, "columns"),
        ({"export_type": "lessons", "dataset_id": str(new_id())}, "dataset_id"),
    ],
)
async def test_what_cannot_be_exported_is_refused_by_name(owner: Client, body: dict[str, Any], field: str) -> None:
    answer = await owner.post("/analytics/export", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["details"][0]["field"] == field


async def test_a_foreign_dataset_is_none(owner: Client, stranger: Client, house: AsyncContainer) -> None:
    dataset = await World(house, owner.organization_id).dataset()
    for identifier in (dataset, new_id()):
        body = {"export_type": "leads", "dataset_id": str(identifier)}
        assert (await stranger.post("/analytics/export", json=body)).status_code == 404
