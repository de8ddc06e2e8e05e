"""Who holds a conversation, and what an old number is worth."""

import pytest

from domain.kernel import Conflict
from domain.messaging.turn import NOBODYS_TURN, Holder, Turn


def test_taking_raises_the_number_and_drops_what_was_written_before() -> None:
    ai = NOBODYS_TURN.take(Holder.AI)
    person = ai.take(Holder.PERSON)
    assert (ai.number, person.number, person.holder) == (1, 2, Holder.PERSON)
    assert ai.admits(1)
    assert not person.admits(1)


def test_the_ai_waits_until_a_person_hands_back() -> None:
    person = Turn(Holder.PERSON, 7)
    with pytest.raises(Conflict):
        person.take(Holder.AI)
    handed_back = person.take(Holder.NOBODY)
    assert handed_back == Turn(Holder.NOBODY, 8) == person.release()
    assert handed_back.take(Holder.AI) == Turn(Holder.AI, 9)


def test_taking_again_fences_too() -> None:
    first = Turn(Holder.AI, 1)
    again = first.take(Holder.AI)
    assert not again.admits(first.number)
