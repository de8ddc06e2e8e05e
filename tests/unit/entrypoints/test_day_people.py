"""Who texts back in the demo of a day."""

from collections import Counter
from itertools import chain

from adapters.sms.sandbox_people import People
from entrypoints.demo.day_people import DayPeople

_NUMBERS = [f"+447700900{number:03}" for number in range(1000)]
_M1 = "Hi Ada, it's Bright Windows. Is that still of interest? Reply STOP to opt out."
_OFFER = "Lovely. Would Thursday 8 April at 11:30 or Friday 9 April at 14:30 suit you?"


def test_everybody_but_some_of_the_silent_answers_the_first_text() -> None:
    people, day = People("rapport"), DayPeople("rapport")
    first = {number: day.answers(number, _M1) for number in _NUMBERS}
    open_ones = [number for number in _NUMBERS if people.script(number) != "silent"]
    assert all(len(first[number]) == 1 for number in open_ones)
    silent = Counter(len(first[number]) for number in _NUMBERS if people.script(number) == "silent")
    assert silent[0] > 5 * silent[1] > 0
    assert silent[0] > 5 * silent[2] > 0
    said = list(chain.from_iterable(first.values()))
    assert sum(means_stop for _, means_stop in said) > 100
    assert sum("real person" in words for words, _ in said) == silent[1]
    assert {words for words, _ in said} >= {"Sure, call me tomorrow", "Maybe. What would it involve?", "STOP!!"}


def test_who_is_keen_takes_the_time_that_the_second_text_offers() -> None:
    people, day = People("rapport"), DayPeople("rapport")
    keen = [number for number in _NUMBERS if people.script(number) == "keen"]
    for number in keen:
        day.answers(number, _M1)
        assert day.answers(number, _OFFER) == (("Thursday 8 April at 11:30 works for me", False),)
    another = DayPeople("rapport")
    assert [another.answers(number, _M1) for number in keen] == [DayPeople("rapport").answers(n, _M1) for n in keen]
