"""Promise 15: people get their data out, and out of it; looked for in every column of every table, and in the files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import InvalidToken
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from adapters.persistence.erased_addresses import PREFIX
from adapters.persistence.schema import metadata
from application.messaging.notices import Notices
from application.messaging.notification_forms import SendNotification
from application.messaging.notifications import Notifications
from application.platform.personal_data import PersonalData
from application.ports import Actor
from domain.identity.role import Permission, Role
from domain.kernel import new_id
from domain.messaging.reply import LeadTurnedHot
from entrypoints.config import Config
from entrypoints.vault import Vault
from tests.http import test_calcom_webhook
from tests.http.calls import next_day
from tests.http.conftest import Client, Join
from tests.http.lists import WorkOff, imported, job, new_dataset, table
from tests.http.sales_world import World
from tests.http.test_webhooks import SMS, call, number_of, text
from tests.http.test_webhooks import work_off as receive_texts

pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]
PHONE, EMAIL = "+447700900321", "zebedee@quagmire.example"
CANARIES = (
    "zebedee",
    "quagmire",
    "7700900321",
    "7700 900321",
    "purple walrus",
    "teal heron",
    "amber stork",
    "red ibis",
    "pink newt",
    "green gecko",
    "mauve otter",
)


@dataclass
class Known:
    """Hold a person who is known in many places."""

    contact_id: str
    lead_id: str
    dataset_id: str


async def make_known(owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer) -> Known:
    """Bring one person in by every door there is, beside others who are to stay."""
    content = table(
        "Zebedee,Quagmire,07700 900321,zebedee@quagmire.example",
        "Ann,Other,07700 900322,ann@other.example",
        "Zebedee,Quagmire,not a number,zebedee@quagmire.example",
    )
    dataset_id = await new_dataset(owner)
    await imported(owner, work_off, content, dataset_id=dataset_id)
    leads = (await owner.get(f"/leads?dataset_id={dataset_id}")).json()["data"]
    lead = next(one for one in leads if one["contact"]["first_name"] == "Zebedee")
    lead_id, contact_id = lead["id"], lead["contact"]["id"]
    keyed = {"Idempotency-Key": new_id().hex}
    note = await owner.post(f"/leads/{lead_id}/notes", json={"body": "Likes a purple walrus"}, headers=keyed)
    assert note.status_code == 201, note.text
    changed = await owner.patch(f"/contacts/{contact_id}", json={"notes": "Keeps a teal heron"})
    assert changed.status_code == 200, changed.text
    booked = await owner.post(
        "/bookings",
        json={"lead_id": lead_id, "start_time": next_day().isoformat(), "notes": "Brings a green gecko"},
        headers={"Idempotency-Key": new_id().hex},
    )
    assert booked.status_code == 201, booked.text
    await report_call(owner, house, lead_id)
    written = await owner.post(
        "/messages/send",
        json={"lead_id": lead_id, "content": "How is the red ibis, Zebedee???"},
        headers={"Idempotency-Key": new_id().hex},
    )
    assert written.status_code in (201, 202), written.text
    reviewed = await owner.post(
        "/coach/analyze-conversation",
        json={"conversation_id": written.json()["data"]["conversation_id"]},
        headers={"Idempotency-Key": new_id().hex},
    )
    assert len(reviewed.json()["data"]["insight_ids"]) == 1, reviewed.text
    world = World(house, owner.organization_id)
    arrived = text(await number_of(world), "My amber stork is well. Zebedee", **{"from": PHONE})
    assert (await call(owner, config, SMS, arrived)).status_code == 204
    await receive_texts(house, world)
    await tell_of(house, owner, lead_id)
    await write_touch_to(world, lead_id, dataset_id)
    await learn_from(owner, work_off, world, lead_id)
    return Known(contact_id, lead_id, dataset_id)


async def write_touch_to(world: World, lead_id: str, dataset_id: str) -> None:
    """Let the AI have written a touch that nobody has sent."""
    await world.fetch(
        "WITH c AS (INSERT INTO campaigns (organization_id, id, dataset_id, seed, settings)"
        " VALUES ($1, uuidv7(), $2, 1, '{}') RETURNING id)"
        " INSERT INTO touch_texts (organization_id, id, campaign_id, lead_id, touch, variant, status, text,"
        " requested_at, due_at) SELECT $1, uuidv7(), id, $3, 'M1', 'A', 'written', 'Hi, how is your mauve otter?',"
        " business_now(), business_now() FROM c RETURNING id",
        UUID(dataset_id),
        UUID(lead_id),
    )


async def learn_from(owner: Client, work_off: WorkOff, world: World, lead_id: str) -> None:
    """Let a draft be compared on the lead's conversation, and a lesson quote it."""
    rows = await world.fetch("SELECT id FROM conversations WHERE organization_id = $1 AND lead_id = $2", UUID(lead_id))
    chosen = await owner.post("/coach/evaluation-cases", json={"conversation_id": str(rows[0]["id"])})
    assert chosen.status_code == 201, chosen.text
    drafted = await owner.put("/coach/prompts/reply", json={"system_prompt": "Be brief."})
    assert drafted.status_code == 200, drafted.text
    started = await owner.post("/coach/prompts/reply/evaluations", json={})
    assert started.status_code == 202, started.text
    await work_off()
    quoted = [{"from": "lead", "content": "Zebedee here, on 07700 900321, with my pink newt"}]
    body = {"lesson_type": "tone", "title": "Newts", "description": "Ask after them."}
    taught = await owner.post("/coach/lessons", json=body | {"example_conversation": {"messages": quoted}})
    assert taught.status_code == 201, taught.text


async def report_call(owner: Client, house: AsyncContainer, lead_id: str) -> None:
    """Let a calendar report a call whose title says who it is with, and be followed."""
    credentials = {"api_key": "cal_live_0123456789", "webhook_secret": test_calcom_webhook.SECRET}
    body = {"settings": {"event_type_id": 123}, "credentials": credentials}
    assert (await owner.put("/settings/integrations/calcom", json=body)).is_success
    said = {"title": "Windows and Zebedee Quagmire", "location": "https://meet.example/zebedee"}
    report = test_calcom_webhook.told("CREATED", metadata={"lead_id": lead_id}, **said)
    assert (await test_calcom_webhook.call(owner, report)).status_code == 204
    await test_calcom_webhook.follow(house, owner)


async def tell_of(house: AsyncContainer, owner: Client, lead_id: str) -> None:
    """Let the owner be told of a lead, by text too, and by a program of their number."""
    await World(house, owner.organization_id).fetch(
        "UPDATE accounts SET phone = '+447700900999' WHERE $1::uuid IS NOT NULL AND id = $2 RETURNING id", owner.user_id
    )
    preferred = await owner.patch(
        "/users/me/notification-preferences", json={"channels": {"immediate": ["in_app", "email", "sms"]}}
    )
    assert preferred.status_code == 200, preferred.text
    event = LeadTurnedHot(subject=UUID(lead_id), conversation_id=new_id())
    async with house({Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(Notices)).hot(event)
    program = Actor(owner.organization_id, permissions=frozenset({Permission.NOTIFICATIONS_SEND}))
    said = SendNotification(
        user_id=owner.user_id, channels=["in_app"], title="Ring back", message="07700 900321 rang, Mr Quagmire."
    )
    async with house({Actor: program, Cause: Cause()}) as scope:
        assert (await (await scope.get(Notifications)).send(said)).id is not None


async def places_naming(world: World, vault: Vault, words: Sequence[str]) -> set[str]:
    """Name each column in which one of these words stands, sealed ones opened."""
    found = set()
    for table_ in metadata.tables.values():
        tenant = "organization_id" in table_.c
        rows = await world.fetch(
            f"SELECT to_jsonb(t)::text AS row FROM {table_.name} t WHERE "
            + ("organization_id = $1" if tenant else "$1::uuid IS NOT NULL")
        ) if table_.name not in ("outbox", "feed") else []  # fmt: skip
        for row in rows:
            for column, value in json.loads(row["row"]).items():
                said = opened(vault, value) if isinstance(value, str) and value.startswith("\\x") else json.dumps(value)
                if any(word in said.casefold() for word in words):
                    found.add(f"{table_.name}.{column}")
    return found


def opened(vault: Vault, hexadecimal: str) -> str:
    """Read a sealed column, or say what lies there."""
    sealed = bytes.fromhex(hexadecimal[2:])
    try:
        return vault.decrypt(sealed).decode()
    except InvalidToken:
        return sealed.decode("utf-8", "replace")


def files_naming(config: Config, organization_id: UUID, words: Sequence[str]) -> list[str]:
    """Name the stored files that hold one of these words."""
    folder = config.data_dir / "files" / str(organization_id)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(word in path.read_text("utf-8", "replace").casefold() for word in words)]


async def started(answer: Any) -> str:
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["job_id"])


async def test_after_an_erasure_nothing_names_the_person_anywhere(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer
) -> None:
    vault, world = await house.get(Vault), World(house, owner.organization_id)
    known = await make_known(owner, work_off, config, house)
    told = "SELECT s.state, m.body FROM sends s JOIN messages m USING (organization_id, id) WHERE organization_id = $1"
    [text_to_owner] = await world.fetch(f"{told} AND s.recipient = '+447700900999'")
    assert text_to_owner["body"] == "Zebedee Quagmire wants to go on"
    asked = await owner.post(f"/contacts/{known.contact_id}/export")
    await work_off()
    before = await places_naming(world, vault, CANARIES)
    assert {
        "contacts.first_name", "contacts.notes", "leads.phone", "notes.body", "messages.body", "sends.recipient",
        "events.personal", "inbound.payload", "import_rows.cells", "idempotency.answer", "uploads.shape",
        "notifications.title", "notifications.message", "insight_evidence.words", "insight_evidence.suggested_text",
        "touch_texts.text",
    } <= before, "the canaries came in by every door"  # fmt: skip
    assert len(files_naming(config, owner.organization_id, CANARIES)) == 2

    answer = await owner.post(f"/contacts/{known.contact_id}/erase", json={"confirm": EMAIL})
    erasure = await started(answer)
    await work_off()

    ended = await job(owner, erasure)
    assert ended["status"] == "done", ended
    assert ended["result"]["removed"]["contacts"] == 1
    assert await places_naming(world, vault, CANARIES) == set()
    assert files_naming(config, owner.organization_id, CANARIES) == []
    [text_to_owner] = await world.fetch(f"{told} AND s.recipient = '+447700900999'")
    assert (text_to_owner["state"], text_to_owner["body"]) == ("cancelled", "Erased.")
    hashes = await world.fetch("SELECT address, how FROM suppressions WHERE organization_id = $1")
    assert [(row["address"][: len(PREFIX)], row["how"]) for row in hashes] == [(PREFIX, "erasure")] * 2
    assert (await owner.get(f"/contacts/{known.contact_id}")).status_code == 404
    assert (await owner.get(f"/exports/{await started(asked)}")).status_code == 404
    assert (await owner.get("/coach/insights", params={"status": "all"})).json()["data"] == []
    names = [lead["contact"]["first_name"] for lead in (await owner.get("/leads")).json()["data"]]
    assert names == ["Ann"], "others stay"
    assert await places_naming(world, vault, ["ann@other.example"]) >= {"contacts.email"}


async def test_whoever_was_erased_is_left_alone_however_they_come_back(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    known = await make_known(owner, work_off, config, house)
    await started(await owner.post(f"/contacts/{known.contact_id}/erase", json={"confirm": PHONE}))
    await work_off()

    await imported(owner, work_off, table("Zeb,Quagmire,+44 7700 900321,other@quagmire.example"))
    [back] = [lead for lead in (await owner.get("/leads")).json()["data"] if lead["contact"]["first_name"] == "Zeb"]
    assert back["contact_status"] == "OPTED_OUT"
    refused = await owner.post("/messages/send", json={"lead_id": back["id"], "content": "Hello again"})
    assert refused.status_code == 409, refused.text

    entered = await owner.post("/contacts", json={"first_name": "Zeb", "email": EMAIL.upper()})
    assert entered.status_code == 201, entered.text
    rows = await world.fetch("SELECT address FROM suppressions WHERE organization_id = $1 AND address = $2", EMAIL)
    assert len(rows) == 1


async def test_an_export_tells_all_that_is_known(
    owner: Client, stranger: Client, work_off: WorkOff, config: Config, house: AsyncContainer
) -> None:
    known = await make_known(owner, work_off, config, house)
    job_id = await started(await owner.post(f"/contacts/{known.contact_id}/export"))
    await work_off()
    result = (await job(owner, job_id))["result"]
    answer = await owner.get(result["url"].removeprefix("/api/v1"))

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["about"] == {"contact_id": known.contact_id, "name": "Zebedee Quagmire"}
    assert told["contacts"][0]["notes"] == "Keeps a teal heron"
    assert [note["body"] for note in told["notes"]] == ["Likes a purple walrus"]
    assert [text["text"] for text in told["touch_texts"]] == ["Hi, how is your mauve otter?"]
    assert {message["body"] for message in told["messages"]} >= {"My amber stork is well. Zebedee"}
    assert len(told["evaluation_cases"]) == len(told["evaluation_answers"]) == 1
    assert {booking["notes"] for booking in told["bookings"]} == {"Brings a green gecko", None}
    assert "Windows and Zebedee Quagmire" in {booking["title"] for booking in told["bookings"]}
    assert {row["row"] for row in told["import_rows"]} >= {2}
    assert "text.arrived" in {event["type"] for event in told["events"]}
    calendars, carriers = told["received"]
    assert calendars["payload"]["payload"]["title"] == "Windows and Zebedee Quagmire"
    assert carriers["payload"]["body"] == "My amber stork is well. Zebedee"
    assert "ann@other.example" not in answer.text
    assert (await stranger.get(f"/exports/{job_id}")).status_code == 404


async def test_exports_are_kept_for_a_week(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer
) -> None:
    world = World(house, owner.organization_id)
    known = await make_known(owner, work_off, config, house)
    job_id = await started(await owner.post(f"/contacts/{known.contact_id}/export"))
    await work_off()
    async with house({Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(PersonalData)).expire()
    assert (await owner.get(f"/exports/{job_id}")).status_code == 200
    await world.fetch(
        "UPDATE jobs SET result = result || jsonb_build_object('kept_until',"
        " (result ->> 'kept_until')::timestamptz - interval '8 days') WHERE organization_id = $1 AND id = $2",
        UUID(job_id),
    )
    async with house({Actor: Actor.system(owner.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(PersonalData)).expire()
    assert (await owner.get(f"/exports/{job_id}")).status_code == 404
    assert not (config.data_dir / "files" / str(owner.organization_id) / job_id).exists()


@pytest.mark.parametrize("confirm", ["", "somebody else", "zebedee", " "])
async def test_an_erasure_names_whom_it_means(
    owner: Client, work_off: WorkOff, config: Config, house: AsyncContainer, confirm: str
) -> None:
    answer = await owner.post("/contacts", json={"first_name": "Zebedee", "last_name": "Quagmire", "email": EMAIL})
    contact_id = answer.json()["data"]["id"]
    refused = await owner.post(f"/contacts/{contact_id}/erase", json={"confirm": confirm})
    assert refused.status_code == 400
    assert refused.json()["error"]["details"][0]["field"] == "confirm"
    assert (await owner.get(f"/contacts/{contact_id}")).status_code == 200


async def test_only_owners_and_admins_of_the_organisation_may(owner: Client, stranger: Client, join: Join) -> None:
    contact_id = (await owner.post("/contacts", json={"first_name": "Zebedee", "email": EMAIL})).json()["data"]["id"]
    for role, status in ((Role.MANAGER, 403), (Role.REP, 403), (Role.READ_ONLY, 403), (Role.ADMIN, 202)):
        someone = await join(owner, role)
        assert (await someone.post(f"/contacts/{contact_id}/export")).status_code == status
    for path, body in ((f"/contacts/{contact_id}/export", None), (f"/contacts/{contact_id}/erase", {"confirm": "x"})):
        assert (await stranger.post(path, json=body)).status_code == 404


async def test_an_erasure_waits_for_nobody_who_is_gone_already(owner: Client, work_off: WorkOff) -> None:
    contact_id = (await owner.post("/contacts", json={"first_name": "Zebedee", "email": EMAIL})).json()["data"]["id"]
    first = await started(await owner.post(f"/contacts/{contact_id}/erase", json={"confirm": EMAIL}))
    second = await started(await owner.post(f"/contacts/{contact_id}/erase", json={"confirm": EMAIL}))
    await work_off()
    ended = {(await job(owner, one))["status"] for one in (first, second)}
    assert ended == {"done", "failed"}
