"""The stream of events over HTTP: who is told of what, from where on, and who is refused."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from dishka import AsyncContainer

from adapters.persistence.database import Cause
from application.platform import event_stream
from application.ports import Actor, UnitOfWork
from domain.identity.role import Role
from domain.kernel import Event, new_id
from domain.messaging.message import MessagePlanned, MessagesSettled, Settled
from domain.messaging.notification import Kind, NotificationMade
from entrypoints.config import Config
from entrypoints.config_limits import StreamLimits
from entrypoints.recovery import move_positions_on
from tests.http.conftest import Client, Join, OpenHouse
from tests.http.lists import MAPPING, WorkOff, begin, job, new_dataset, table, upload
from tests.http.streams import Feed, Told, feed, missed, now, read_events, told

__all__ = ["feed"]
pytestmark = pytest.mark.anyio
pytest_plugins = ["tests.http.background"]


async def new_lead(client: Client, **more: Any) -> str:
    """Make a lead."""
    contact = {"first_name": "Secret", "last_name": "Smith", "email": f"{new_id().hex}@example.com"}
    answer = await client.post("/leads", json={"contact": contact, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def publish(house: AsyncContainer, client: Client, event: Event) -> None:
    """Let something happen in a client's organisation."""
    async with house({Actor: Actor.system(client.organization_id), Cause: Cause()}) as scope:
        uow = await scope.get(UnitOfWork)
        async with uow:
            uow.publish(event)


def of(events: list[Told], kind: str) -> list[dict[str, Any]]:
    """Pick the events of a type."""
    return [event.data for event in events if event.data.get("type") == kind]


async def test_what_happens_is_told_in_order_by_ids_and_types_alone(owner: Client, feed: Feed) -> None:
    start = await now(owner)
    lead_id = await new_lead(owner)
    await owner.patch(f"/leads/{lead_id}/stage", json={"stage": "CONTACTED"})
    await owner.post(f"/leads/{lead_id}/notes", json={"body": "Secret: calls at night"})
    await feed()
    answer = await missed(owner, start)
    events, last = read_events(answer.text)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "no-store" in answer.headers["cache-control"]
    assert "content-length" not in answer.headers
    assert [event.name for event in events] == ["contact.created", "lead.created", "lead.moved", "note.added"]
    moved = events[2].data
    assert moved.keys() == {"id", "type", "at", "subject_id", "lead_id"}
    assert (moved["type"], moved["subject_id"], moved["lead_id"]) == ("lead.moved", lead_id, lead_id)
    assert UUID(events[3].data["note_id"])
    assert [event.id for event in events] == sorted({event.id or 0 for event in events})
    assert events[-1].id == last
    assert "Secret" not in answer.text
    assert "example.com" not in answer.text


async def test_a_stream_goes_on_after_the_last_event_that_was_read(owner: Client, feed: Feed) -> None:
    start = await now(owner)
    leads = [await new_lead(owner) for _ in range(3)]
    await feed()
    first = await told(owner, start)
    again = await told(owner, first[2].id or 0)
    assert first[3:] == again
    leads.append(await new_lead(owner))
    await feed()
    rest = await told(owner, again[-1].id or 0)
    assert [one["lead_id"] for one in of(first + rest, "lead.created")] == leads


async def test_nothing_is_told_twice_or_left_out_over_pages(owner: Client, feed: Feed) -> None:
    start = await now(owner)
    made = [
        (await owner.post("/tags", json={"name": f"Tag {n}", "slug": f"tag-{n}"})).json()["data"]["id"]
        for n in range(205)
    ]
    await feed()
    assert [one["subject_id"] for one in of(await told(owner, start), "tag.created")] == made


async def test_an_id_that_is_none_is_refused_by_its_name(owner: Client) -> None:
    for last in ("x", "-1", "1.5", "9" * 19, "٣", ""):
        answer = await owner.get("/events/stream?seconds=0", headers=[(b"Last-Event-ID", last.encode())])
        assert answer.status_code == 400, last
        assert answer.json()["error"]["details"][0]["field"] == "Last-Event-ID"


@pytest.mark.parametrize("query", ["seconds=-1", "seconds=86401", "seconds=x", "token=x", "dataset_id=1", "page=1"])
async def test_a_query_that_is_none_is_refused(owner: Client, query: str) -> None:
    assert (await owner.get(f"/events/stream?{query}")).status_code == 400


async def test_an_id_that_was_never_given_out_begins_anew_and_says_so(owner: Client) -> None:
    events, last = read_events((await missed(owner, 10**17)).text)
    assert [(event.name, event.data) for event in events] == [("stream.reset", {"reason": "unknown_position"})]
    assert last == await now(owner)


async def test_an_id_of_before_a_restore_begins_anew_whatever_happened_since(
    owner: Client, stranger: Client, feed: Feed, config: Config
) -> None:
    await feed()
    start = await now(owner)
    await move_positions_on(config)
    lead_id = await new_lead(owner)
    await feed()
    assert [one["lead_id"] for one in of(await told(owner, start), "lead.created")] == [lead_id]
    assert await now(owner) > start + 10**9
    for lost in (start + 1, await now(stranger)):
        events, last = read_events((await missed(owner, lost)).text)
        assert [(event.name, event.data) for event in events] == [("stream.reset", {"reason": "unknown_position"})]
        assert last == await now(owner)


async def test_the_last_event_may_be_named_in_the_address_and_the_header_goes_first(owner: Client, feed: Feed) -> None:
    start = await now(owner)
    lead_id = await new_lead(owner)
    await feed()
    for path in ("/events/stream", "/conversations/stream"):
        for last in ("x", "-1", "9" * 19, ""):
            answer = await owner.get(path, params={"seconds": 0, "last_event_id": last})
            assert answer.status_code == 400, last
            assert answer.json()["error"]["details"][0]["field"] == "last_event_id"
    anew = await missed(owner, last_event_id=start)
    assert [one["lead_id"] for one in of(read_events(anew.text)[0], "lead.created")] == [lead_id]
    assert await told(owner, await now(owner), last_event_id=start) == []


async def test_who_is_too_far_behind_is_told_to_load_again(
    owner: Client, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feed()
    start = await now(owner)
    for _ in range(2):
        await new_lead(owner)
    await feed()
    monkeypatch.setattr(event_stream, "MOST_REPLAYED", 4)
    assert len(await told(owner, start)) == 4
    monkeypatch.setattr(event_stream, "MOST_REPLAYED", 3)
    events, last = read_events((await missed(owner, start)).text)
    assert [(event.name, event.data) for event in events] == [("stream.reset", {"reason": "too_far_behind"})]
    assert last == await now(owner)


async def test_another_organisation_is_told_nothing(owner: Client, stranger: Client, feed: Feed) -> None:
    start = await now(stranger)
    await new_lead(owner)
    await feed()
    assert await told(stranger, start) == []
    dataset_id = await new_dataset(owner)
    answer = await missed(stranger, start, dataset_id=dataset_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_nobody_and_a_token_in_the_address_are_refused(client: Client, owner: Client) -> None:
    assert (await client.get("/events/stream?seconds=0")).status_code == 401
    token = owner.headers["authorization"].removeprefix("Bearer ")
    for name in ("token", "access_token"):
        assert (await client.get(f"/events/stream?{name}={token}")).status_code == 401


async def test_a_rep_is_told_of_their_leads_only(owner: Client, join: Join, feed: Feed) -> None:
    rep, other = await join(owner, Role.REP), await join(owner, Role.REP)
    start = await now(rep)
    theirs = await new_lead(owner, assigned_to=str(rep.user_id))
    nobodys = await new_lead(owner)
    hidden = await new_lead(owner, assigned_to=str(other.user_id))
    await feed()
    assert [one["lead_id"] for one in of(await told(owner, start), "lead.created")] == [theirs, nobodys, hidden]
    mine = await missed(rep, start)
    assert [one["lead_id"] for one in of(read_events(mine.text)[0], "lead.created")] == [theirs, nobodys]
    assert hidden not in mine.text
    assert len(of(read_events(mine.text)[0], "contact.created")) == 2


async def test_a_lead_that_was_given_away_is_told_of_to_who_has_it(owner: Client, join: Join, feed: Feed) -> None:
    one, other = await join(owner, Role.REP), await join(owner, Role.REP)
    lead_id = await new_lead(owner, assigned_to=str(one.user_id))
    await feed()
    start = await now(owner)
    answer = await owner.patch(f"/leads/{lead_id}", json={"assigned_to": str(other.user_id)})
    assert answer.status_code == 200, answer.text
    await feed()
    assert len(of(await told(other, start), "lead.assigned")) == 1
    assert await told(one, start) == []


async def test_who_is_limited_to_datasets_is_told_of_those(owner: Client, join: Join, feed: Feed) -> None:
    theirs, hidden = await new_dataset(owner, "Theirs"), await new_dataset(owner, "Hidden")
    limited = await join(owner, Role.ADMIN, dataset_ids=[UUID(theirs)])
    await feed()
    start = await now(limited)
    seen = await new_lead(owner, dataset_id=theirs)
    await new_lead(owner, dataset_id=hidden)
    await new_lead(owner)
    for dataset_id in (theirs, hidden):
        await owner.patch(f"/datasets/{dataset_id}", json={"description": "old"})
    await feed()
    events = await told(limited, start)
    assert [one["lead_id"] for one in of(events, "lead.created")] == [seen]
    assert [one["subject_id"] for one in of(events, "dataset.changed")] == [theirs]
    assert len(of(events, "contact.created")) == 1
    answer = await missed(limited, start, dataset_id=hidden)
    assert answer.status_code == 404
    of_one = await told(owner, start, dataset_id=hidden)
    assert {one.name for one in of_one} == {"lead.created", "contact.created", "dataset.changed"}
    assert len(of_one) == 3


async def test_an_events_permission_is_its_lists(owner: Client, join: Join, feed: Feed) -> None:
    reader = await join(owner, Role.READ_ONLY)
    start = await now(reader)
    key = {"name": "Importer", "permissions": ["events:read", "tags:read"]}
    made = (await owner.post("/api-keys", json=key)).json()["data"]
    await owner.post("/tags", json={"name": "Gold", "slug": "gold"})
    await new_lead(owner)
    await feed()
    assert {event.name for event in await told(owner, start)} == {
        "api_key.created", "tag.created", "contact.created", "lead.created"
    }  # fmt: skip
    assert {event.name for event in await told(reader, start)} == {"tag.created", "contact.created", "lead.created"}
    headers = {"Authorization": f"Bearer {made['key']}", "Last-Event-ID": str(start)}
    answer = await reader.get("/events/stream?seconds=0", headers=headers)
    assert [event.name for event in read_events(answer.text)[0]] == ["tag.created"]


async def test_a_jobs_progress_is_told(owner: Client, join: Join, work_off: WorkOff, feed: Feed) -> None:
    found = await upload(owner, table("Ann,Ash,07700 900001,a@example.com", "Bob,Bay,07700 900002,b@example.com"))
    dataset_id = await new_dataset(owner)
    limited = await join(owner, Role.ADMIN, dataset_ids=[UUID(dataset_id)])
    await feed()
    start = await now(owner)
    job_id = await begin(owner, dataset_id, found["id"], MAPPING)
    await work_off()
    await feed()
    events = await told(owner, start)
    [advanced] = of(events, "job.advanced")
    [ended] = of(events, "job.ended")
    assert (advanced["subject_id"], advanced["kind"], advanced["done"], advanced["total"]) == (job_id, "import", 2, 2)
    assert (ended["subject_id"], ended["status"]) == (job_id, (await job(owner, job_id))["status"])
    assert {event.name for event in await told(limited, start)} == {"leads.imported", "import.ended"}


async def test_conversations_alone_are_streamed_under_001s_name(owner: Client, join: Join, feed: Feed) -> None:
    rep = await join(owner, Role.REP)
    lead_id = await new_lead(owner, assigned_to=str(owner.user_id))
    contact = (await owner.get(f"/leads/{lead_id}")).json()["data"]["contact"]["id"]
    await owner.patch(f"/contacts/{contact}", json={"phone_number": f"+447400{new_id().int % 10**6:06d}"})
    await feed()
    start = await now(owner)
    sent = await owner.post("/messages/send", json={"lead_id": lead_id, "content": "Secret words"})
    assert sent.status_code == 201, sent.text
    await new_lead(owner)
    await feed()
    answer = await missed(owner, start, "/conversations/stream")
    events = read_events(answer.text)[0]
    assert {event.data["type"] for event in events} == {"message.planned", "conversation.turn_changed"}
    [planned] = of(events, "message.planned")
    assert (planned["subject_id"], planned["lead_id"]) == (sent.json()["data"]["id"], lead_id)
    assert "Secret" not in answer.text
    assert await told(rep, start, "/conversations/stream") == []
    assert (await rep.get("/conversations/stream?seconds=0", headers={"Last-Event-ID": "x"})).status_code == 400


async def test_a_group_of_messages_is_told_message_by_message(
    owner: Client, join: Join, feed: Feed, house: AsyncContainer
) -> None:
    rep = await join(owner, Role.REP)
    dataset_id = await new_dataset(owner)
    leads = [await new_lead(owner, dataset_id=dataset_id), await new_lead(owner, assigned_to=str(owner.user_id))]
    await feed()
    start = await now(owner)
    at = datetime.now(UTC)
    settled = tuple(
        Settled(send_id=new_id(), outcome="accepted", at=at, lead_id=UUID(lead), campaign_id=None, touch=None)
        for lead in leads
    )
    await publish(house, owner, MessagesSettled(subject=new_id(), settled=settled))
    await feed()
    [whole] = await told(owner, start)
    [part] = await told(rep, start)
    assert whole.name == part.name == "communication:new"
    assert [one["lead_id"] for one in whole.data["messages"]] == leads
    assert [one["lead_id"] for one in part.data["messages"]] == leads[:1]
    assert [one.data for one in await told(owner, start, dataset_id=dataset_id)] == [part.data]


async def test_an_event_that_cannot_be_read_is_passed_over(owner: Client, feed: Feed, house: AsyncContainer) -> None:
    start = await now(owner)
    of_another_time: Any = ({"message": "1"},)
    await publish(house, owner, MessagesSettled(subject=new_id(), settled=of_another_time))
    of_another_time = ({"send_id": "1", "lead_id": None},)
    await publish(house, owner, MessagesSettled(subject=new_id(), settled=of_another_time))
    unknown: Any = "nobody"
    await publish(house, owner, NotificationMade(subject=new_id(), account_id=unknown, kind=Kind.MESSAGE))
    lead_id = await new_lead(owner)
    await feed()
    assert [event.name for event in await told(owner, start)] == ["contact.created", "lead.created"]
    assert [one["lead_id"] for one in of(await told(owner, start), "lead.created")] == [lead_id]


async def test_what_is_gone_is_told_to_those_alone_who_see_all(
    owner: Client, join: Join, feed: Feed, house: AsyncContainer
) -> None:
    rep = await join(owner, Role.REP)
    start = await now(rep)
    await publish(house, owner, MessagePlanned(subject=new_id()))
    contact = (await owner.post("/contacts", json={"first_name": "Ann", "email": "ann@example.com"})).json()["data"]
    assert (await owner.delete(f"/contacts/{contact['id']}")).status_code == 204
    await feed()
    whole = await told(owner, start)
    assert [event.name for event in whole] == ["message.planned", "contact.created", "contact.deleted"]
    assert whole[0].data["lead_id"] is None
    assert [event.name for event in await told(rep, start)] == ["contact.deleted"]


async def test_only_the_headers_are_given_where_they_alone_are_asked_for(owner: Client) -> None:
    answer = await owner.head("/events/stream")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_streams_are_counted_by_caller_and_process(owner: Client, join: Join, open_house: OpenHouse) -> None:
    rep = await join(owner, Role.REP)
    alone = await open_house(owner, stream_limits=StreamLimits(per_process=2, per_caller=0))
    refused = await alone.get("/events/stream?seconds=0")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert "streams open" in refused.json()["error"]["message"]
    assert refused.headers["retry-after"] == "10"
    full = await open_house(rep, stream_limits=StreamLimits(per_process=0, per_caller=2))
    refused = await full.get("/events/stream?seconds=0")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE")
    of_one = await open_house(rep, stream_limits=StreamLimits(per_organization=0))
    refused = await of_one.get("/events/stream?seconds=0")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert "organisation" in refused.json()["error"]["message"]
    once = await open_house(rep, stream_limits=StreamLimits(per_process=1, per_caller=1))
    for _ in range(3):  # each gives its place back
        assert (await once.get("/events/stream?seconds=0")).status_code == 200


async def test_a_stream_ends_when_its_time_is_up(owner: Client, feed: Feed) -> None:
    start = await now(owner)
    await new_lead(owner)
    await feed()
    answer = await missed(owner, start, seconds=1)
    events = read_events(answer.text)[0]
    assert [event.name for event in events] == ["contact.created", "lead.created", "stream.closed"]
    assert events[-1].data == {"reason": "time_is_up"}


async def test_a_notification_is_told_to_whom_it_is_for(owner: Client, join: Join, feed: Feed) -> None:
    rep, other = await join(owner, Role.REP), await join(owner, Role.ADMIN)
    start = await now(owner)
    key = (await owner.post("/api-keys", json={"name": "Teller", "permissions": ["notifications:send"]})).json()["data"]
    body = {
        "user_id": str(rep.user_id),
        "channels": ["in_app"],
        "priority": "normal",
        "title": "Secret",
        "message": "S",
    }
    sent = await owner.post("/notifications/send", json=body, headers={"Authorization": f"Bearer {key['key']}"})
    assert sent.status_code == 201, sent.text
    await feed()
    [made] = await told(rep, start)
    assert (made.name, made.data["subject_id"], made.data["kind"]) == (
        "notification.made",
        sent.json()["data"]["id"],
        "message",
    )
    for client in (owner, other):
        assert of(await told(client, start), "notification.made") == []
