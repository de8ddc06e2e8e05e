"""Calls that the AI books, and what becomes of them when somebody acts meanwhile, on the real database."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.messaging.call_promises import CallPromises
from application.messaging.consent import Consents, RecordConsent
from application.messaging.conversations import ChangeConversation, Conversations
from application.messaging.messages import Messages, SendMessage
from application.messaging.reply_writing import Booked
from application.sales.leads import Leads
from application.scheduling.effects import Effects
from domain.kernel import new_id
from domain.messaging.reply_facts import Slot
from domain.scheduling.booking import BookingFailed
from tests.application.messaging.replying import Thread
from tests.application.messaging.test_replies import SLOT

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]
Act = Callable[[Thread], Awaitable[None]]


async def writes(thread: Thread) -> None:
    """Let a person write to the lead."""
    async with thread.tenant.use(Messages) as messages:
        await messages.send(SendMessage(lead_id=thread.lead_id, content="Bob here."))


async def takes_over(thread: Thread) -> None:
    """Let a person take the turn."""
    async with thread.tenant.use(Conversations) as conversations:
        await conversations.change(await thread.id(), ChangeConversation(turn="person"), None)


async def turns_manual(thread: Thread) -> None:
    """Let a person switch manual mode on."""
    async with thread.tenant.use(Leads) as leads:
        await leads.set_manual_mode(thread.lead_id, True)


async def says_stop(thread: Thread) -> None:
    """Let the lead want to hear no more."""
    await thread.arrive("STOP")


async def is_opted_out(thread: Thread) -> None:
    """Let a person write down that the lead wants to hear no more."""
    async with thread.tenant.use(Consents) as consents:
        contact = await thread.tenant.value("SELECT contact_id FROM leads WHERE organization_id = $1")
        await consents.opt_out(contact, RecordConsent(wording="Rang us."))


ACTS = [writes, takes_over, turns_manual, says_stop, is_opted_out]


def told(got: list[str]) -> list[str]:
    """List what tells of a booking."""
    return [text for text in got if "booking your call" in text]


@pytest.mark.parametrize("act", ACTS)
async def test_nothing_is_booked_once_somebody_acted(thread: Thread, act: Act) -> None:
    await thread.take_slot(SLOT)
    await act(thread)
    await thread.book()
    assert thread.calls.booked == []
    assert told(await thread.hand_over()) == []
    assert (await thread.written())[-1]["status"] == "superseded"


@pytest.mark.parametrize("act", ACTS)
async def test_who_acts_while_the_calendar_is_asked_has_the_last_word(thread: Thread, act: Act) -> None:
    await thread.take_slot(SLOT)
    thread.calls.meanwhile = lambda: act(thread)
    await thread.book()
    assert thread.calls.booked == [SLOT.starts_at]
    assert told(await thread.hand_over()) == []
    row = await thread.row()
    assert (row["attention"], row["turn_holder"], row["unanswered_id"]) == ("call_untold", "person", None)


@pytest.mark.parametrize("act", [writes, takes_over, says_stop, is_opted_out])
async def test_what_tells_of_a_call_is_dropped_when_somebody_acts_before_it_leaves(thread: Thread, act: Act) -> None:
    await thread.take_slot(SLOT)
    await thread.book()
    await act(thread)
    assert told(await thread.hand_over()) == []


async def test_what_tells_of_a_call_is_dropped_when_the_call_is_moved_or_off(thread: Thread) -> None:
    await thread.take_slot(SLOT)
    await thread.book()
    async with thread.tenant.use(Effects, thread.tenant.system()) as effects, effects.uow:
        await effects.texts.drop(new_id(), thread.lead_id)
    assert told(await thread.hand_over()) == []


@pytest.mark.parametrize(("hours", "attention"), [(2, "call_untold"), (20, None)])
async def test_who_cannot_be_told_before_the_call_is_left_to_a_person(
    thread: Thread, hours: int, attention: str | None
) -> None:
    now: datetime = await thread.tenant.value("SELECT business_now() WHERE $1::uuid IS NOT NULL")
    slot = replace(SLOT, starts_at=now + timedelta(hours=hours))
    await thread.take_slot(slot)
    await thread.live_at(22)  # the hours open in eleven
    await thread.book()
    assert thread.calls.booked == [slot.starts_at]
    assert told(await thread.hand_over()) == []
    assert (await thread.row())["attention"] == attention
    state = "SELECT state FROM sends WHERE organization_id = $1 AND purpose = 'system'"
    assert await thread.tenant.value(state) == ("refused" if attention else "planned")


async def test_a_booking_that_died_halfway_is_taken_up_again(thread: Thread) -> None:
    async def die() -> None:
        raise ConnectionError

    await thread.take_slot(SLOT)
    thread.calls.meanwhile = die
    with pytest.raises(ConnectionError):
        await thread.book()
    await thread.book()
    assert len(told(await thread.hand_over())) == 1
    assert (await thread.written())[-1]["status"] == "sent"


async def test_a_text_that_came_after_the_slot_was_taken_is_answered_with_it(thread: Thread) -> None:
    await thread.take_slot(SLOT)
    await thread.arrive("Actually, how much would it cost?")
    await thread.book()
    assert thread.calls.booked == []
    row = await thread.row()
    assert row["unanswered_id"] is not None
    assert row["answer_due_at"] is not None


async def test_a_text_while_the_calendar_is_asked_waits_for_a_person(thread: Thread) -> None:
    await thread.take_slot(SLOT)

    async def more() -> None:
        await thread.arrive("And bring a ladder")

    thread.calls.meanwhile = more
    await thread.book()
    assert len(told(await thread.hand_over())) == 1
    row = await thread.row()
    assert (row["turn_holder"], row["unread_count"]) == ("person", 3)


async def test_a_slot_that_is_gone_gives_the_turn_back(thread: Thread) -> None:
    await thread.take_slot(SLOT)
    thread.calls.answer = Booked.NO
    await thread.book()
    row = await thread.row()
    assert (row["turn_holder"], row["answer_failures"]) == ("nobody", 1)
    assert await thread.events("conversation.answer_due") == 1
    thread.slots.slots = [Slot("s2", datetime(2027, 3, 24, 14, tzinfo=UTC), "Wednesday 24 March at 14:00")]
    await thread.answer()
    assert (await thread.row())["turn_holder"] == "ai"


async def test_a_call_that_was_promised_and_fails_later_is_left_to_a_person(thread: Thread) -> None:
    await thread.take_slot(SLOT)
    await thread.book()
    await thread.hand_over()
    answers_id = (await thread.taken()).answers_id
    booking_id = new_id()
    await thread.tenant.execute(
        "INSERT INTO bookings (organization_id, id, lead_id, contact_id, provider, natural_key, source, start_at,"
        " zone, status, created_at, updated_at) SELECT $1, $2, id, contact_id, 'sandbox', $3, 'ai',"
        " '2027-03-23 14:00Z', 'Etc/GMT', 'failed', business_now(), business_now()"
        " FROM leads WHERE organization_id = $1",
        booking_id,
        f"offer:{answers_id}:20270323T1400Z",
    )
    failed = BookingFailed(
        subject=thread.lead_id, booking_id=booking_id, start_at=SLOT.starts_at, zone="Etc/GMT", reason="It is away."
    )
    async with thread.tenant.use(CallPromises, thread.tenant.system()) as promises:
        await promises.failed(replace(failed, booking_id=new_id()))
        assert (await thread.row())["attention"] is None
        await promises.failed(failed)
    assert (await thread.row())["attention"] == "call_failed"


async def test_a_booking_that_was_given_up_is_left_to_a_person(thread: Thread) -> None:
    await thread.take_slot(SLOT)
    async with thread.tenant.use(CallPromises, thread.tenant.system()) as promises:
        await promises.give_up(await thread.taken(), "it failed")
    assert (await thread.row())["attention"] == "given_up"


async def test_who_was_erased_meanwhile_fails_nothing(thread: Thread) -> None:
    await thread.take_slot(SLOT)
    gone = replace(await thread.taken(), subject=new_id())
    async with thread.tenant.use(CallPromises, thread.tenant.system()) as promises:
        await promises.book(gone)
        await promises.give_up(gone, "it failed")
    assert thread.calls.booked == []


@pytest.mark.parametrize(
    ("hours", "attention"),
    [([72], "call_change"), ([-23], "call_change"), ([-25], None), ([72, -25], "call_change"), ([], None)],
)
async def test_who_has_a_call_or_had_one_within_a_day_is_left_to_a_person_to_change_it(
    thread: Thread, hours: list[int], attention: str | None
) -> None:
    for at in hours:  # the one that was booked last is not always the one to come
        await thread.tenant.execute(
            "INSERT INTO bookings (organization_id, id, lead_id, contact_id, provider, natural_key, source, start_at,"
            " zone, status, created_at, updated_at) SELECT $1, uuidv7(), id, contact_id, 'sandbox', uuidv7()::text,"
            " 'person', business_now() + $3::interval, 'UTC', 'scheduled', business_now(), business_now()"
            " FROM leads WHERE organization_id = $1 AND id = $2",
            thread.lead_id,
            timedelta(hours=at),
        )
    await thread.arrive("Could you move my call to Friday?")
    assert (await thread.row())["attention"] == attention
