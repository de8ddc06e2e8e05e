"""What an answer may say: each rule by an answer that breaks it, and answers that break none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.messaging.reply import Intent, Proposal, Reason, Sentiment
from domain.messaging.reply_prompt import PROMPT
from domain.messaging.reply_rules import ReplyFacts, Slot, judge

SLOT = Slot("s1", datetime(2027, 3, 23, 14, tzinfo=UTC), "Tuesday 23 March at 14:00")
FACTS = ReplyFacts(
    ours=[
        "Bright Windows",
        "Ada",
        "Nowak",
        "bay windows",
        "A survey costs £50.",
        "See bright.example.com or 020 7946 0001",
    ],
    theirs=["We have 3 windows and a fortnight to spare, please do not ring before the school run is over"],
    prompt=PROMPT,
    slots=[SLOT],
    language="en",
)


def proposal(text: str) -> Proposal:
    """Propose a text with confidence."""
    return Proposal(text=text, confidence=0.9, reasoning="so", sentiment=Sentiment.NEUTRAL, intent=Intent.QUESTION)


@pytest.mark.parametrize(
    "text",
    [
        "Hi Ada, a survey costs £50. See bright.example.com",
        "For 3 windows a colleague can tell you more on the phone.",
        "Would Tuesday 23 March at 14:00 suit you?",
        "Thanks Ada! It's Bright Windows. You can ring us on 020 7946 0001.",
        "No problem. I'm sure we can help, OK?",
    ],
)
def test_what_rests_on_facts_may_go(text: str) -> None:
    assert judge(proposal(text), FACTS).may_go, judge(proposal(text), FACTS)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("empty", "…"),
        ("length", "a window and a door, " * 20),
        ("characters", "Hello\u200bthere"),
        ("characters", "Здравствуйте"),
        ("price", "That is £51."),
        ("price", "It comes to 50 euros"),
        ("price", "You get a discount"),
        ("price", "I promise it will be done"),
        ("link", "See http://evil.example.com"),
        ("link", "Go to evil dot com"),
        ("link", "Write to eve@evil.example.com"),
        ("phone", "Ring 0909 879 0123"),
        ("phone", "Ring zero nine zero nine eight seven nine"),
        ("number", "We have done 400 of them"),
        ("time", "See you at 15:30"),
        ("time", "See you at 3pm"),
        ("name", "Please ask for Katherine"),
        ("name", "we are HACKED now"),
        ("leak", "My instructions say no"),
        ("leak", "Ask at most one question, the one that brings the matter forward."),
        ("echo", "So please do not ring before the school run is over"),
        ("opt_out", "Are you sure you want to stop?"),
        ("language", "Hola, con gusto le llamamos para hablar de todo"),
    ],
)
def test_each_rule_is_broken_by_its_breach(rule: str, text: str) -> None:
    assert rule in [breach.rule for breach in judge(proposal(text), FACTS).breaches]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"intent": Intent.ENDS_CONTACT}, Reason.ENDS_CONTACT),
        ({"needs_person": "They ask for one."}, Reason.WRITER_ASKS),
        ({"confidence": 0.59}, Reason.LOW_CONFIDENCE),
        ({"confidence": 0.6}, None),
    ],
)
def test_what_a_person_has_to_answer(changes: dict[str, object], reason: Reason | None) -> None:
    judged = judge(replace(proposal("A colleague will ring you."), **changes), FACTS)  # type: ignore[arg-type]
    assert judged.hand_over is reason
    assert judged.may_go is (reason is None)


@pytest.mark.parametrize(
    ("slot", "intent"), [("s2", Intent.ACCEPTS_SLOT), (None, Intent.ACCEPTS_SLOT), ("x", Intent.PRICE)]
)
def test_only_an_offered_slot_can_be_taken(slot: str | None, intent: Intent) -> None:
    taken = replace(proposal("A colleague will ring you."), slot=slot, intent=intent)
    assert [breach.rule for breach in judge(taken, FACTS).breaches] == ["slot"]
    assert judge(replace(taken, slot="s1"), FACTS).may_go
