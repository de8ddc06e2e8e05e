"""Who wants a booked call cancelled or moved."""

import pytest

from domain.messaging.call_wishes import asks_to_change_call
from domain.messaging.opt_out import fold
from tests.wordings.learn import CALLS, wordings


def asks(text: str) -> bool:
    return asks_to_change_call(fold(text))


def test_every_wish_to_have_a_call_taken_off_is_one_to_change_it() -> None:
    assert [text for pleads, text in wordings(CALLS) if not pleads and not asks(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Could you move my call to Friday?",
        "Can we reschedule?",
        "I need to cancel",
        "Can't make it tomorrow, sorry",
        "I can’t make my call tomorrow",
        "please change my\nappointment",
        "¿Podemos cambiar la cita?",
        "Proszę przełożyć moją rozmowę",
    ],
)
def test_wishes_to_change_a_call(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    ["Great, speak then", "2pm is good. Thanks!", "Can you call me tomorrow?", "cancel the quote", "What is it?"],
)
def test_other_texts_of_those_who_have_a_call(text: str) -> None:
    assert not asks(text)
