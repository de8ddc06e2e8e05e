"""Patterns: what is counted, by which test a difference is more than chance, and what is done with it."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.coaching.pattern import Action, Sample, Step, features, patterns
from domain.coaching.pattern_wording import description_of, lesson_of, suggestion_of, title_of
from domain.kernel import new_id

MONDAY = datetime(2027, 3, 22, 9, tzinfo=UTC)


def sample(text: str, *, won: bool = False, **more: Any) -> Sample:
    """Make an opening to Ada."""
    values: dict[str, Any] = {
        "step": Step.OPENING,
        "message_id": new_id(),
        "text": text,
        "at": MONDAY,
        "names": ("Ada", "Nowak"),
        "organization": "Bright Windows",
        "succeeded": won,
    }
    return Sample(**values | more)


@pytest.mark.parametrize(
    ("text", "has", "has_not"),
    [
        ("Hi Ada, is it still of interest?", {"names_the_lead", "asks_a_question", "is_short"}, {"exclaims"}),
        ("Bright Windows here! See bright.com", {"names_the_business", "exclaims", "holds_a_link"}, {"names_the_lead"}),
        ("Would 10:00 or 14:30 suit you?", {"offers_two_times", "is_in_en"}, {"is_long"}),
        ("¿Le interesa todavía? Gracias", {"is_in_es"}, {"is_in_en"}),
        ("word " * 40, {"is_long"}, {"is_short"}),
    ],
)
def test_what_a_message_has(text: str, has: set[str], has_not: set[str]) -> None:
    found = features(sample(text))
    assert has <= found
    assert not has_not & found


def test_when_a_message_left() -> None:
    assert "leaves_in_the_morning" in features(sample("x"))
    evening = features(sample("x", at=datetime(2027, 3, 27, 18, tzinfo=UTC)))
    assert {"leaves_in_the_evening", "leaves_at_the_weekend"} <= evening


def openings(named: int, named_won: int, others: int, others_won: int) -> list[Sample]:
    """Make openings with and without the lead's name, alike in all else."""
    return [
        *(sample("Hi Ada, still of interest?", won=n < named_won) for n in range(named)),
        *(sample("Hi you, still of interest?", won=n < others_won) for n in range(others)),
    ]


def test_what_helps_is_adopted_and_what_harms_avoided() -> None:
    [better] = patterns(openings(100, 40, 100, 15), least=10)
    assert (better.feature, better.action, better.occurrences) == ("names_the_lead", Action.ADOPT, 100)
    assert title_of(better) == "Openings that call the lead by name are answered more often"
    assert "40 of 100 (40%) against 15 of 100 (15%)" in description_of(better)
    assert suggestion_of(better) == "Make it the rule: call the lead by name."
    assert lesson_of(better) == "Call the lead by name."
    assert len(better.examples) == 20
    [worse] = patterns(openings(100, 15, 100, 40), least=10)
    assert worse.action is Action.AVOID
    assert title_of(worse).endswith("less often")
    assert lesson_of(worse) == "Do not call the lead by name.", "what harms is not taught"


def test_examples_are_those_that_tell() -> None:
    made = openings(30, 25, 30, 3)
    [one] = patterns(made, least=10)
    won = {each.message_id for each in made if each.succeeded}
    assert len(one.examples) == 20
    assert set(one.examples) <= won


def test_what_may_be_chance_is_tested_more() -> None:
    [one] = patterns(openings(100, 20, 100, 15), least=10)
    assert one.action is Action.TEST_MORE
    assert "may be chance" in description_of(one)


def test_what_is_too_rare_is_not_counted() -> None:
    assert patterns(openings(9, 9, 100, 0), least=10) == []
    assert patterns(openings(100, 0, 9, 9), least=10) == []
    assert patterns([], least=2) == []


def test_openings_and_answers_are_counted_apart() -> None:
    answers = [sample("Hi Ada!", won=n < 20, step=Step.ANSWER) for n in range(30)]
    answers += [sample("Hello.", step=Step.ANSWER) for n in range(30)]
    found = patterns([*openings(30, 15, 30, 15), *answers], least=10)
    actions = {one.key: one.action for one in found}
    assert actions["answer_names_the_lead"] is Action.ADOPT
    assert actions["opening_names_the_lead"] is Action.TEST_MORE


def test_noise_raises_no_false_alarm_more_often_than_promised() -> None:
    """In 200 rounds of pure chance one in twenty may have any alarm; 16 is what chance leaves in 95 of 100 tries."""
    rng = random.Random(20270322)
    words = ["Hi Ada", "Bright Windows", "still of interest?", "10:00 or 11:00", "now!", "see x.com", "word " * 20]
    alarms = 0
    for _ in range(200):
        made = [
            sample(" ".join(word for word in words if rng.random() < 0.5), won=rng.random() < 0.3) for _ in range(80)
        ]
        alarms += any(one.action is not Action.TEST_MORE for one in patterns(made, least=10))
    assert alarms <= 16
