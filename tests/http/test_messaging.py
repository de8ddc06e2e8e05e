"""Conversations, messages and consent over HTTP: who may, what is refused, what is answered."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from application.messaging.consent import CanContactView, ConsentView
from application.messaging.conversations import Conversations, OpenedView
from application.messaging.messages import WhyView
from application.messaging.shown import ConversationView, MessageView, ThreadView
from application.ports import Actor
from domain.identity.role import Role
from domain.kernel import new_id
from domain.messaging.message import TextArrived
from tests.http.conftest import Client, Join
from tests.http.refusals import error_of
from tests.http.sales_world import World, enter

pytestmark = pytest.mark.anyio


def person(number: int) -> dict[str, Any]:
    return {"first_name": "Ada", "email": f"ada{number}@example.com", "phone_number": f"+4477009001{number:02d}"}


async def arrive(house: AsyncContainer, client: Client, sender: str, body: str) -> None:
    world = World(house, client.organization_id)
    [[now]] = await world.fetch("SELECT business_now() WHERE $1::uuid IS NOT NULL")
    async with house({Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
        conversations = await scope.get(Conversations)
        await conversations.receive(
            TextArrived(
                subject=new_id(),
                provider="sandbox",
                external_id=new_id().hex,
                sender=sender,
                recipient="+442079460001",
                body=body,
                media=(),
                at=now,
            )
        )


async def say(client: Client, lead: dict[str, Any], text: str, **headers: str) -> Any:
    return await client.post("/messages/send", json={"lead_id": lead["id"], "content": text}, headers=headers)


def shown(answer: Any, kind: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return msgspec.json.decode(msgspec.json.encode(answer.json()["data"]), type=kind)


def fields(error: dict[str, Any]) -> list[str]:
    return [detail["field"] for detail in error["details"]]


async def test_a_person_writes_to_a_lead_and_takes_the_turn(owner: Client) -> None:
    lead = await enter(owner, person(1))
    message = shown(await say(owner, lead, "Hello Ada, Bob here."), MessageView, 201)
    assert (message.status, message.direction, message.recipient) == ("pending", "outbound", "+447700900101")
    assert message.author_id == owner.user_id
    assert message.sender.startswith("+44207946")
    thread = shown(await owner.get(f"/conversations/{message.conversation_id}"), ThreadView)
    assert (thread.turn.holder, thread.turn.number) == ("person", 1)
    assert [m.content for m in thread.messages] == ["Hello Ada, Bob here."]
    why = shown(await owner.get(f"/messages/{message.id}/why"), WhyView)
    assert (why.purpose, why.state, why.verdict) == ("manual", "planned", "allow")
    assert {"opt_out", "consent", "line_type"} <= {reason.rule for reason in why.reasons}
    assert shown(await owner.get(f"/messages/{message.id}"), MessageView) == message


async def test_the_same_idempotency_key_sends_one_text(owner: Client) -> None:
    lead = await enter(owner, person(2))
    first = await say(owner, lead, "Hello", **{"Idempotency-Key": "once"})
    again = await say(owner, lead, "Hello", **{"Idempotency-Key": "once"})
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    error_of(await say(owner, lead, "Other", **{"Idempotency-Key": "once"}), 422, "IDEMPOTENCY_MISMATCH")
    assert (await owner.get("/messages")).json()["pagination"]["total"] == 1


async def test_writing_by_number_reaches_a_contact_of_ours_only(owner: Client, stranger: Client) -> None:
    await enter(owner, person(3))
    body = {"to": "+447700900103", "channel": "sms", "body": "Hello"}
    message = shown(await owner.post("/messages", json=body), MessageView, 201)
    assert message.recipient == "+447700900103"
    error_of(await stranger.post("/messages", json=body), 404, "NOT_FOUND")
    assert fields(error_of(await owner.post("/messages", json={**body, "to": "0770"}), 400, "VALIDATION_ERROR")) == [
        "to"
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": "x" * 1601}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"content": None}, "content"),
        ({"lead_id": "seven"}, "lead_id"),
        ({"colour": "red"}, "colour"),
        ({"message_category": "m1"}, "message_category"),
    ],
)
async def test_what_does_not_fit_is_named(owner: Client, wrong: dict[str, Any], field: str) -> None:
    body = {"lead_id": str(new_id()), "content": "Hello", **wrong}
    error = error_of(await owner.post("/messages/send", json=body), 400, "VALIDATION_ERROR")
    assert fields(error) == [field]


async def test_a_text_to_somebody_who_said_stop_is_refused_and_kept(owner: Client, house: AsyncContainer) -> None:
    lead = await enter(owner, person(4))
    await arrive(house, owner, "+447700900104", "stop texting me please")
    error = error_of(await say(owner, lead, "One more thing"), 409, "CONFLICT")
    assert "Opted out" in error["message"]
    [identifier] = [d["message"] for d in error["details"] if d["field"] == "message_id"]
    why = shown(await owner.get(f"/messages/{identifier}/why"), WhyView)
    assert (why.state, [r.rule for r in why.reasons if r.outcome == "refused"]) == ("refused", ["opt_out", "consent"])
    refused = await owner.get("/messages", params={"status": "refused"})
    assert [m["id"] for m in refused.json()["data"]] == [identifier]


async def test_an_incoming_message_has_no_verdict(owner: Client, house: AsyncContainer) -> None:
    await enter(owner, person(5))
    await arrive(house, owner, "+447700900105", "How much?")
    [message] = (await owner.get("/messages", params={"direction": "inbound"})).json()["data"]
    error_of(await owner.get(f"/messages/{message['id']}/why"), 400, "VALIDATION_ERROR")


async def test_a_reader_reads_and_writes_nothing(owner: Client, join: Join) -> None:
    lead = await enter(owner, person(6))
    message = shown(await say(owner, lead, "Hello"), MessageView, 201)
    reader = await join(owner, Role.READ_ONLY)
    assert shown(await reader.get(f"/messages/{message.id}"), MessageView) == message
    contact = lead["contact"]["id"]
    for method, path, body in (
        ("POST", "/messages/send", {"lead_id": lead["id"], "content": "Hi"}),
        ("POST", "/messages", {"to": "+447700900106", "channel": "sms", "body": "Hi"}),
        ("POST", "/conversations", {"lead_id": lead["id"]}),
        ("PATCH", f"/conversations/{message.conversation_id}", {"mark_read": True}),
        ("POST", f"/contacts/{contact}/opt-out", {}),
        ("POST", f"/contacts/{contact}/opt-in", {"wording": "Yes please"}),
    ):
        error_of(await reader.request(method, path, json=body), 403, "PERMISSION_DENIED")


async def test_nobody_signed_in_gets_nothing(client: Client) -> None:
    for path in ("/messages", "/conversations", f"/messages/{new_id()}", f"/contacts/{new_id()}/consents"):
        error_of(await client.get(path), 401, "UNAUTHORIZED")


async def _seen(client: Client, paths: Sequence[str]) -> list[int]:
    return [(await client.get(path)).status_code for path in paths]


async def test_what_is_anothers_is_not_there(
    owner: Client, stranger: Client, join: Join, house: AsyncContainer
) -> None:
    lead = await enter(owner, person(7))
    message = shown(await say(owner, lead, "Hello"), MessageView, 201)
    contact = lead["contact"]["id"]
    paths = [
        f"/messages/{message.id}",
        f"/messages/{message.id}/why",
        f"/conversations/{message.conversation_id}",
        f"/contacts/{contact}/can-contact",
        f"/contacts/{contact}/consents",
    ]
    colleague = await join(owner, Role.REP)
    assert await _seen(colleague, paths) == [200] * 5
    await World(house, owner.organization_id).fetch(
        "UPDATE leads SET assigned_to = $3 WHERE organization_id = $1 AND id = $2", UUID(lead["id"]), owner.user_id
    )
    for other in (stranger, colleague):
        assert await _seen(other, paths) == [404] * 5
        assert (await other.get("/messages")).json()["data"] == []
        assert (await other.get("/conversations")).json()["data"] == []
        for method, path, body in (
            ("POST", "/messages/send", {"lead_id": lead["id"], "content": "Hi"}),
            ("POST", "/messages", {"to": "+447700900107", "channel": "sms", "body": "Hi"}),
            ("POST", "/conversations", {"lead_id": lead["id"]}),
            ("PATCH", f"/conversations/{message.conversation_id}", {"mark_read": True}),
            ("POST", f"/contacts/{contact}/opt-out", {}),
            ("POST", f"/contacts/{contact}/opt-in", {"wording": "Yes please"}),
        ):
            error_of(await other.request(method, path, json=body), 404, "NOT_FOUND")
    limited = await join(owner, Role.MANAGER, dataset_ids=[new_id()])
    assert await _seen(limited, paths) == [404] * 5
    assert await _seen(await join(owner, Role.REP, can_view_all_leads=True), paths) == [200] * 5


async def test_messages_are_narrowed_and_walked(owner: Client) -> None:
    ada, bob = await enter(owner, person(8)), await enter(owner, {**person(9), "first_name": "Bob"})
    for n in range(5):
        shown(await say(owner, ada, f"Ada {n}"), MessageView, 201)
    other = shown(await say(owner, bob, "Bob"), MessageView, 201)
    everything = (await owner.get("/messages")).json()
    assert [m["content"] for m in everything["data"]] == ["Bob", "Ada 4", "Ada 3", "Ada 2", "Ada 1", "Ada 0"]
    assert everything["pagination"]["total"] == 6
    for name, value in (
        ("lead_id", bob["id"]),
        ("conversation_id", str(other.conversation_id)),
    ):
        found = (await owner.get("/messages", params={name: value})).json()["data"]
        assert [m["content"] for m in found] == ["Bob"], name
    assert (await owner.get("/messages", params={"channel": "email"})).json()["data"] == []
    assert len((await owner.get("/messages", params={"category": "human_manual"})).json()["data"]) == 6
    walked, cursor = [], None
    while True:
        asked = {"limit": "4", "order": "asc"} | ({"cursor": cursor} if cursor else {})
        page = (await owner.get("/messages", params=asked)).json()
        walked += [m["content"] for m in page["data"]]
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert walked == [f"Ada {n}" for n in range(5)] + ["Bob"]
    for wrong in ({"status": "lost"}, {"lead_id": "x"}, {"colour": "red"}, {"cursor": "abc"}, {"sort": "body"}):
        error = error_of(await owner.get("/messages", params=wrong), 400, "VALIDATION_ERROR")
        assert fields(error) == list(wrong)


async def test_a_thread_is_opened_once_read_put_away_and_handed_back(owner: Client, house: AsyncContainer) -> None:
    lead = await enter(owner, person(10))
    opened = shown(await owner.post("/conversations", json={"lead_id": lead["id"]}), OpenedView, 201)
    assert opened.created
    again = shown(await owner.post("/conversations", json={"lead_id": lead["id"]}), OpenedView, 201)
    assert (again.id, again.created) == (opened.id, False)
    await arrive(house, owner, "+447700900110", "Are you there?")
    path = f"/conversations/{opened.id}"
    listed = await owner.get("/conversations", params={"unread": "true", "lead_id": lead["id"]})
    [thread] = shown(listed, list[ConversationView])
    assert (thread.unread_count, thread.contact.first_name) == (1, "Ada")
    assert fields(error_of(await owner.post("/conversations", json={}), 400, "VALIDATION_ERROR")) == ["lead_id"]
    stale = await owner.patch(path, json={"mark_read": True}, headers={"If-Match": f'"{thread.version - 1}"'})
    assert fields(error_of(stale, 409, "STALE_VERSION")) == ["mark_read"]
    changed = await owner.patch(path, json={"mark_read": True}, headers={"If-Match": f'"{thread.version}"'})
    assert shown(changed, ThreadView).unread_count == 0
    assert changed.headers["ETag"] == f'"{thread.version + 1}"'
    assert shown(await owner.patch(path, json={"archive": True}), ThreadView).archived
    assert (await owner.get("/conversations", params={"archived": "false"})).json()["data"] == []
    taken = shown(await owner.patch(path, json={"turn": "person"}), ThreadView).turn
    back = shown(await owner.patch(path, json={"turn": "nobody"}), ThreadView).turn
    assert (taken.holder, back.holder, back.number - taken.number) == ("person", "nobody", 1)
    assert fields(error_of(await owner.patch(path, json={"turn": "ai"}), 400, "VALIDATION_ERROR")) == ["turn"]


async def test_handing_the_turn_back_lets_held_texts_go_on(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    dataset = await world.dataset()
    lead = await enter(owner, person(11), dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset)
    [thread] = (await owner.get("/conversations")).json()["data"]
    await owner.patch(f"/conversations/{thread['id']}", json={"turn": "person"})
    assert (await world.text(send))["held"]
    await owner.patch(f"/conversations/{thread['id']}", json={"turn": "nobody"})
    assert not (await world.text(send))["held"]


async def test_opting_out_and_in_by_a_person_is_written_down(owner: Client, house: AsyncContainer) -> None:
    world = World(house, owner.organization_id)
    dataset = await world.dataset()
    lead = await enter(owner, person(12), dataset_id=str(dataset))
    send = await world.plan_text(lead, dataset)
    base = f"/contacts/{lead['contact']['id']}"
    assert shown(await owner.get(f"{base}/can-contact", params={"channel": "sms"}), CanContactView).allowed
    told = {"wording": "Rang: no more texts", "source": "phone call"}
    answer = await owner.post(f"{base}/opt-out", json=told, headers={"Idempotency-Key": "out"})
    refused = shown(answer, CanContactView, 201)
    assert (refused.allowed, refused.verdict) == (False, "refuse")
    again = await owner.post(f"{base}/opt-out", json=told, headers={"Idempotency-Key": "out"})
    assert again.json() == answer.json()
    assert (await world.text(send))["state"] == "cancelled"
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["contact_status"] == "OPTED_OUT"
    lines = shown(await owner.get(f"{base}/consents"), list[ConsentView])
    assert {(c.kind, c.how, c.wording, c.channel) for c in lines} == {
        ("opt_out", "person", "Rang: no more texts", "sms"),
        ("opt_out", "person", "Rang: no more texts", "email"),
    }
    assert {c.actor_id for c in lines} == {owner.user_id}
    wordless = error_of(await owner.post(f"{base}/opt-in", json={}), 400, "VALIDATION_ERROR")
    assert fields(wordless) == ["wording"]
    welcome = await owner.post(f"{base}/opt-in", json={"wording": "Text me again please"})
    assert shown(welcome, CanContactView, 201).allowed
    assert (await owner.get(f"/leads/{lead['id']}")).json()["data"]["contact_status"] == "READY"
    error_of(await owner.post(f"{base}/opt-in", json={"wording": "Again"}), 409, "CONFLICT")


async def test_start_by_text_does_not_undo_what_a_person_was_told(owner: Client, house: AsyncContainer) -> None:
    lead = await enter(owner, person(13))
    base = f"/contacts/{lead['contact']['id']}"
    assert (await owner.post(f"{base}/opt-out", json={})).status_code == 201
    await arrive(house, owner, "+447700900113", "START")
    assert not shown(await owner.get(f"{base}/can-contact"), CanContactView).allowed


async def test_can_contact_asks_for_a_channel_that_there_is(owner: Client) -> None:
    lead = await enter(owner, {"first_name": "Eve", "phone_number": "+447700900114"})
    base = f"/contacts/{lead['contact']['id']}/can-contact"
    mail = shown(await owner.get(base, params={"channel": "email"}), CanContactView)
    assert [r.sentence for r in mail.reasons] == ["This contact has no e-mail address."]
    error = error_of(await owner.get(base, params={"channel": "pigeon"}), 400, "VALIDATION_ERROR")
    assert fields(error) == ["channel"]
    error_of(await owner.get(f"/contacts/{new_id()}/can-contact"), 404, "NOT_FOUND")
