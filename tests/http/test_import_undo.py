"""Imports undone over HTTP: previewed, worked off by the worker's own code, and what stays."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause, Database
from adapters.persistence.import_undo import KNOWN_REFERENCES, TOUCHES
from adapters.persistence.schema import metadata
from application.messaging.sending import Sending
from application.outreach import import_undo
from application.outreach.planning import Planning
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from domain.outreach.import_undo import EXPLANATIONS, Touch
from tests.http.conftest import Client, Join
from tests.http.lists import MAPPING, OLD_ENQUIRIES, WorkOff, imported, job, new_dataset, rows_of, table, upload

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
ANY_TIME = {"schedule": {"start": "00:00", "end": "00:00"}, "rate_limit_messages_per_minute": 6000}
PEOPLE = [f"P{n},Q{n},07700 90000{n},p{n}@example.com" for n in range(6)]


async def leads_by_name(client: Client) -> dict[str, dict[str, Any]]:
    """Find the leads by their contacts' first names."""
    answer = await client.get("/leads?limit=100")
    return {lead["contact"]["first_name"]: lead for lead in answer.json()["data"]}


async def undone(client: Client, work_off: WorkOff, import_id: str) -> dict[str, Any]:
    """Undo an import and give the job as it ended."""
    answer = await client.post(f"/imports/{import_id}/undo")
    assert answer.status_code == 202, answer.text
    await work_off()
    return await job(client, answer.json()["data"]["job_id"])


async def act(house: AsyncContainer, client: Client, use_case: type[Any], method: str) -> None:
    """Run a use case of the background as the client's organisation."""
    async with house(context={Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
        await getattr(await scope.get(use_case), method)()


async def test_an_import_nobody_touched_goes_without_a_trace(
    owner: Client, work_off: WorkOff, database: Database
) -> None:
    done = await imported(owner, work_off, OLD_ENQUIRIES.read_bytes())
    import_id = done["result"]["import_id"]
    preview = (await owner.get(f"/imports/{import_id}/undo")).json()["data"]
    ended = await undone(owner, work_off, import_id)

    assert preview == {
        "import_id": import_id,
        "leads_to_remove": 525,
        "contacts_to_remove": 525,
        "texts_to_cancel": 0,
        "leads_to_keep": 0,
        "kept": [],
        "examples": [],
    }
    assert (ended["status"], ended["kind"]) == ("done", "import_undo")
    assert ended["progress"] == {"done": 525, "total": 525}
    assert ended["result"]["removed_leads"] == ended["result"]["removed_contacts"] == 525
    [left] = await rows_of(
        database,
        owner,
        "SELECT (SELECT count(*) FROM leads WHERE organization_id = $1) AS leads,"
        " (SELECT count(*) FROM contacts WHERE organization_id = $1) AS contacts,"
        " (SELECT count(*) FROM import_rows WHERE organization_id = $1 AND outcome = 'undone') AS undone",
    )
    assert dict(left) == {"leads": 0, "contacts": 0, "undone": 525}
    shown = (await owner.get(f"/imports/{import_id}")).json()["data"]
    assert (shown["state"], shown["removed_leads"], shown["kept_leads"]) == ("undone", 525, 0)
    again = await imported(owner, work_off, OLD_ENQUIRIES.read_bytes(), dataset_id=done["result"]["dataset_id"])
    assert again["result"]["imported"]["successful"] == 525


async def test_what_somebody_worked_with_stays_and_says_why(owner: Client, work_off: WorkOff) -> None:
    done = await imported(owner, work_off, table(*PEOPLE), MAPPING)
    import_id = done["result"]["import_id"]
    leads = await leads_by_name(owner)
    assert (await owner.post(f"/leads/{leads['P0']['id']}/notes", json={"body": "Rang."})).status_code == 201
    changed = await owner.patch(f"/leads/{leads['P1']['id']}", json={"lead_sentiment": "HOT"})
    assert changed.status_code == 200, changed.text
    sent = await owner.post("/messages/send", json={"lead_id": leads["P2"]["id"], "content": "Hello there"})
    assert sent.status_code in (200, 201, 202), sent.text
    contact = leads["P3"]["contact"]["id"]
    assert (await owner.patch(f"/contacts/{contact}", json={"postcode": "N1 9TD"})).status_code == 200
    preview = (await owner.get(f"/imports/{import_id}/undo")).json()["data"]
    ended = await undone(owner, work_off, import_id)

    reasons = {found["reason"]: (found["leads"], found["explanation"]) for found in preview["kept"]}
    assert reasons == {name: (1, EXPLANATIONS[Touch(name)]) for name in ("note", "edit", "message", "contact_edit")}
    assert [(one["row"], one["lead_id"], one["reason"]) for one in preview["examples"]] == [
        (2, leads["P0"]["id"], "note"),
        (3, leads["P1"]["id"], "edit"),
        (4, leads["P2"]["id"], "message"),
        (5, leads["P3"]["id"], "contact_edit"),
    ]
    assert (preview["leads_to_remove"], preview["contacts_to_remove"], preview["leads_to_keep"]) == (2, 2, 4)
    assert ended["result"]["removed_leads"] == ended["result"]["removed_contacts"] == 2
    assert ended["result"]["kept"] == preview["kept"]
    assert set(await leads_by_name(owner)) == {"P0", "P1", "P2", "P3"}


async def test_a_tagged_lead_stays(owner: Client, work_off: WorkOff) -> None:
    done = await imported(owner, work_off, table(*PEOPLE[:2]), MAPPING)
    leads = await leads_by_name(owner)
    assert (await owner.post("/tags", json={"slug": "ours", "name": "Ours"})).status_code == 201
    tagged = await owner.post(f"/leads/{leads['P0']['id']}/tags", json={"tag_slug": "ours"})
    assert tagged.status_code in (200, 201), tagged.text
    ended = await undone(owner, work_off, done["result"]["import_id"])

    assert [found["reason"] for found in ended["result"]["kept"]] == ["edit"]
    assert set(await leads_by_name(owner)) == {"P0"}


async def test_planned_texts_are_cancelled_and_ledger_and_suppression_stay(
    owner: Client, work_off: WorkOff, house: AsyncContainer, database: Database
) -> None:
    done = await imported(owner, work_off, table(*PEOPLE[:4]), MAPPING)
    dataset_id, import_id = done["result"]["dataset_id"], done["result"]["import_id"]
    leads = await leads_by_name(owner)
    started = await owner.post("/campaigns/start", json={"dataset_id": dataset_id, "settings": ANY_TIME})
    assert started.status_code == 200, started.text
    await act(house, owner, Planning, "plan")
    [handed] = await rows_of(
        database,
        owner,
        "UPDATE sends SET state = 'handed', handed_at = now(), handed_machine_at = now()"
        " WHERE organization_id = $1 AND lead_id = $2 RETURNING id",
        UUID(leads["P0"]["id"]),
    )
    preview = (await owner.get(f"/imports/{import_id}/undo")).json()["data"]
    ended = await undone(owner, work_off, import_id)

    assert (preview["leads_to_remove"], preview["texts_to_cancel"]) == (3, 3)
    assert preview["contacts_to_remove"] == 0, "the ledger's thread needs them"
    assert ended["result"]["cancelled_texts"] == 3
    assert ended["result"]["removed_contacts"] == 0
    assert set(await leads_by_name(owner)) == {"P0"}
    ledger = await rows_of(
        database,
        owner,
        "SELECT s.id, s.state, s.lead_id, m.status, m.lead_id AS told FROM sends s"
        " JOIN messages m ON m.organization_id = $1 AND m.id = s.id WHERE s.organization_id = $1",
    )
    assert len(ledger) == 4
    cancelled = [row for row in ledger if row["id"] != handed["id"]]
    assert {(row["state"], row["lead_id"], row["status"], row["told"]) for row in cancelled} == {
        ("cancelled", None, "cancelled", None)
    }
    assert not await rows_of(
        database, owner, "SELECT 1 FROM enrolments WHERE organization_id = $1 AND lead_id <> $2",
        UUID(leads["P0"]["id"]),
    )  # fmt: skip


async def test_a_worker_that_hands_over_meanwhile_wins_or_finds_nothing(
    owner: Client, work_off: WorkOff, house: AsyncContainer, database: Database
) -> None:
    lines = [f"P{n},Q{n},+447400{n:06d}," for n in range(120)]
    done = await imported(owner, work_off, table(*lines), MAPPING)
    dataset_id, import_id = done["result"]["dataset_id"], done["result"]["import_id"]
    await owner.post("/campaigns/start", json={"dataset_id": dataset_id, "settings": ANY_TIME})
    await act(house, owner, Planning, "plan")
    await rows_of(database, owner, "UPDATE sends SET due_at = now() WHERE organization_id = $1")

    async def undo() -> dict[str, Any]:
        return await undone(owner, work_off, import_id)

    async def send() -> None:
        for _ in range(3):
            await act(house, owner, Sending, "send_due")

    ended, *_ = await asyncio.gather(undo(), send(), send())
    rows = await rows_of(database, owner, "SELECT state, lead_id, handed_at FROM sends WHERE organization_id = $1")
    handed = [row for row in rows if row["handed_at"] is not None]
    cancelled = [row for row in rows if row["state"] == "cancelled"]
    assert len(rows) == 120 == len(handed) + len(cancelled)
    assert all(row["lead_id"] is not None for row in handed), "who was texted stays"
    assert all(row["lead_id"] is None for row in cancelled)
    assert ended["result"]["kept_leads"] == len(handed)
    assert ended["result"]["removed_leads"] == len(cancelled)
    assert len((await owner.get("/leads?limit=100")).json()["data"]) == min(len(handed), 100)


async def test_a_contact_that_something_else_needs_stays(owner: Client, work_off: WorkOff) -> None:
    first = await imported(owner, work_off, table(*PEOPLE[:3]), MAPPING)
    await imported(owner, work_off, table(PEOPLE[0]), MAPPING)
    preview = (await owner.get(f"/imports/{first['result']['import_id']}/undo")).json()["data"]
    ended = await undone(owner, work_off, first["result"]["import_id"])

    assert (preview["leads_to_remove"], preview["contacts_to_remove"]) == (3, 2)
    assert (ended["result"]["removed_leads"], ended["result"]["removed_contacts"]) == (3, 2)
    assert set(await leads_by_name(owner)) == {"P0"}
    contacts = (await owner.get("/contacts")).json()["data"]
    assert [contact["first_name"] for contact in contacts] == ["P0"]


async def test_people_who_were_there_before_stay(owner: Client, work_off: WorkOff) -> None:
    made = await owner.post("/contacts", json={"first_name": "Ann", "email": "p0@example.com"})
    assert made.status_code == 201
    done = await imported(owner, work_off, table(*PEOPLE[:2]), MAPPING)
    ended = await undone(owner, work_off, done["result"]["import_id"])

    assert (ended["result"]["removed_leads"], ended["result"]["removed_contacts"]) == (2, 1)
    contacts = (await owner.get("/contacts")).json()["data"]
    assert [contact["first_name"] for contact in contacts] == ["Ann"]


@pytest.mark.parametrize("batch", [1, 2])
async def test_a_contact_shared_by_rows_of_several_batches_goes_with_the_last(
    owner: Client, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    content = table(
        "Ann,Ash,07700 900001,ann@example.com",
        "Bob,Birch,07700 900002,bob@example.com",
        "Ann,Ash,07700 900003,ann@example.com",
    )
    done = await imported(owner, work_off, content, MAPPING)
    monkeypatch.setattr(import_undo, "BATCH", batch)
    preview = (await owner.get(f"/imports/{done['result']['import_id']}/undo")).json()["data"]
    ended = await undone(owner, work_off, done["result"]["import_id"])

    assert (preview["leads_to_remove"], preview["contacts_to_remove"]) == (3, 2)
    assert (ended["result"]["removed_leads"], ended["result"]["removed_contacts"]) == (3, 2)
    assert (await owner.get("/contacts")).json()["data"] == []


async def test_undo_waits_for_the_import_and_comes_once(owner: Client, work_off: WorkOff) -> None:
    found = await upload(owner, table(*PEOPLE))
    body = {"upload_id": found["id"], "dataset_id": await new_dataset(owner), "column_mapping": MAPPING}
    started = (await owner.post("/datasets/map-and-import", json=body)).json()["data"]
    path = f"/imports/{started['import_id']}/undo"
    early = await owner.post(path)
    await work_off()
    first = await owner.post(path)
    meanwhile = await owner.post(path)
    state = (await owner.get(f"/imports/{started['import_id']}")).json()["data"]["state"]
    await work_off()
    late = await owner.post(path)

    assert (early.status_code, early.json()["error"]["code"]) == (409, "CONFLICT")
    assert "still runs" in early.json()["error"]["message"]
    assert (first.status_code, state) == (202, "undoing")
    assert (meanwhile.status_code, late.status_code) == (409, 409)
    assert "undone already" in late.json()["error"]["message"]


async def test_two_undos_at_once_make_one(owner: Client, work_off: WorkOff) -> None:
    done = await imported(owner, work_off, table(*PEOPLE), MAPPING)
    path = f"/imports/{done['result']['import_id']}/undo"
    answers = await asyncio.gather(*(owner.post(path) for _ in range(5)))
    await work_off()

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    assert await leads_by_name(owner) == {}


async def test_a_cancelled_undo_may_be_begun_again(owner: Client, work_off: WorkOff) -> None:
    done = await imported(owner, work_off, table(*PEOPLE), MAPPING)
    import_id = done["result"]["import_id"]
    first = (await owner.post(f"/imports/{import_id}/undo")).json()["data"]
    assert (await owner.post(f"/jobs/{first['job_id']}/cancel")).status_code in (200, 201)
    await work_off()
    assert len(await leads_by_name(owner)) == 6
    ended = await undone(owner, work_off, import_id)

    assert ended["result"]["removed_leads"] == 6


async def test_another_organisation_and_who_may_not_find_nothing(
    owner: Client, stranger: Client, join: Join, work_off: WorkOff
) -> None:
    done = await imported(owner, work_off, table(*PEOPLE), MAPPING)
    path = f"/imports/{done['result']['import_id']}"
    limited = await join(owner, Role.MANAGER, dataset_ids=[UUID(await new_dataset(owner, "Other"))])
    for who in (stranger, limited):
        answers = [await who.get(path), await who.get(f"{path}/undo"), await who.post(f"{path}/undo"),
                   await who.get(f"{path}/rows")]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
        listed = await who.get(f"/datasets/{done['result']['dataset_id']}/imports")
        assert listed.status_code == 404
    for role in (Role.REP, Role.READ_ONLY):
        member = await join(owner, role)
        answers = [
            await member.get(f"{path}/undo"),
            await member.post(f"{path}/undo"),
            await member.get(f"{path}/rows"),
        ]
        assert [answer.status_code for answer in answers] == [403, 403, 403]
        assert (await member.get(path)).status_code == 200
    missing = f"/imports/{new_id()}"
    assert (await owner.post(f"{missing}/undo")).status_code == 404
    assert len(await leads_by_name(owner)) == 6


async def test_an_import_of_a_deleted_dataset_cannot_be_undone(owner: Client, work_off: WorkOff) -> None:
    done = await imported(owner, work_off, table(*PEOPLE), MAPPING)
    assert (await owner.delete(f"/datasets/{done['result']['dataset_id']}")).status_code == 204
    assert (await owner.post(f"/imports/{done['result']['import_id']}/undo")).status_code == 404


async def test_an_undo_whose_dataset_is_deleted_meanwhile_fails_in_a_sentence(owner: Client, work_off: WorkOff) -> None:
    done = await imported(owner, work_off, table(*PEOPLE), MAPPING)
    started = (await owner.post(f"/imports/{done['result']['import_id']}/undo")).json()["data"]
    assert (await owner.delete(f"/datasets/{done['result']['dataset_id']}")).status_code == 204
    await work_off()
    ended = await job(owner, started["job_id"])

    assert (ended["status"], ended["error"]) == ("failed", "The dataset is no longer there.")


def test_every_reason_has_its_condition_and_its_sentence() -> None:
    assert set(TOUCHES) == set(EXPLANATIONS) == set(Touch)


@pytest.mark.parametrize("removed", sorted(KNOWN_REFERENCES))
def test_every_table_that_refers_to_what_an_undo_removes_was_thought_of(removed: str) -> None:
    """A new table that refers to leads or contacts needs a reason to stay in `TOUCHES`, or a place in the undo."""
    referring = {
        table.name
        for table in metadata.tables.values()
        for constraint in table.foreign_key_constraints
        if constraint.referred_table.name == removed
    }
    assert referring == KNOWN_REFERENCES[removed]


async def test_a_datasets_imports_are_listed_and_undone_one_by_one(owner: Client, work_off: WorkOff) -> None:
    dataset_id = await new_dataset(owner)
    first = await imported(owner, work_off, table(*PEOPLE[:2]), MAPPING, dataset_id)
    second = await imported(owner, work_off, table(*PEOPLE[1:3], "X,Y,,"), MAPPING, dataset_id)
    listed = (await owner.get(f"/datasets/{dataset_id}/imports")).json()

    assert [item["id"] for item in listed["data"]] == [second["result"]["import_id"], first["result"]["import_id"]]
    item = listed["data"][0]
    assert (item["state"], item["total_rows"], item["rows_done"]) == ("done", 3, 3)
    assert (item["successful"], item["duplicates"], item["failed"], item["ineligible"]) == (1, 1, 1, 0)
    assert item["filename"] == "list.csv"
    await undone(owner, work_off, second["result"]["import_id"])
    assert set(await leads_by_name(owner)) == {"P0", "P1"}
