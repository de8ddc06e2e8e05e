"""One thread: what is unread, when it was last used, who holds it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel import Conflict, new_id
from domain.messaging.conversation import Conversation
from domain.messaging.turn import Holder

NOW = datetime(2027, 3, 22, 9, tzinfo=UTC)


@pytest.fixture
def thread() -> Conversation:
    return Conversation(
        organization_id=new_id(),
        contact_id=new_id(),
        lead_id=None,
        channel="sms",
        address="+447700900101",
        started_at=NOW,
        last_message_at=NOW,
        archived=True,
    )


def test_a_message_is_counted_and_brings_the_thread_back(thread: Conversation) -> None:
    lead = new_id()
    thread.take_in(NOW + timedelta(minutes=1), lead)
    thread.take_in(NOW + timedelta(seconds=30), None)  # late, and from nobody's lead
    assert (thread.message_count, thread.unread_count, thread.archived, thread.lead_id) == (2, 2, False, lead)
    assert thread.last_message_at == NOW + timedelta(minutes=1)
    thread.mark_read()
    assert (thread.message_count, thread.unread_count) == (2, 0)


def test_each_taking_and_handing_back_raises_the_number(thread: Conversation) -> None:
    told = [thread.give_to(holder) for holder in (Holder.AI, Holder.PERSON, Holder.NOBODY)]
    assert [event.number for event in told] == [1, 2, 3]
    assert [event.holder for event in told] == [Holder.AI, Holder.PERSON, Holder.NOBODY]
    assert {event.subject for event in told} == {thread.id}
    assert thread.turn.admits(3)
    assert not thread.turn.admits(2)


def test_the_ai_cannot_take_the_turn_from_a_person(thread: Conversation) -> None:
    thread.give_to(Holder.PERSON)
    with pytest.raises(Conflict):
        thread.give_to(Holder.AI)
    assert (thread.turn_holder, thread.turn_number) == (Holder.PERSON, 1)


def test_who_holds_the_turn_is_told_of_a_text_once_a_minute(thread: Conversation) -> None:
    assert thread.await_person(NOW) == (), "the AI answers it"
    thread.give_to(Holder.PERSON)
    told = [len(thread.await_person(NOW + timedelta(seconds=6 * n))) for n in range(12)]
    assert told == [1, *[0] * 9, 1, 0]
    thread.give_to(Holder.NOBODY)
    assert thread.await_person(NOW + timedelta(hours=1)) == ()
