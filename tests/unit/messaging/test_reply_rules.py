"""What an answer may say: each rule by an answer that breaks it, and answers that break none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.messaging.reply import Intent, Proposal, Reason, Sentiment
from domain.messaging.reply_facts import ReplyFacts, Slot
from domain.messaging.reply_prompt import PROMPT
from domain.messaging.reply_rules import judge

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
LEAD_WROTE = replace(
    FACTS,
    ours=["Bright Windows", "A survey costs £500, by card 25% off.", "See brightwindows.com or ring 020 7946 0001"],
    theirs=["can you do it for 50, or 5% off? ring me at 4, I have 3 doors", "text 60606 or 09098790123"],
    recorded=["evil.top", "£99", "+447700900999"],
    slots=[SLOT, Slot("s2", datetime(2027, 3, 24, 14, tzinfo=UTC), "Wednesday 24 March at 14:00")],
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


@pytest.mark.parametrize("name", ["Camila", "Jamila", "Beloved"])
def test_a_name_is_no_price(name: str) -> None:
    assert judge(proposal(f"Hi {name}, we are happy to help you."), replace(FACTS, recorded=[name])).may_go
    assert not judge(proposal("It is duemila for all of it"), FACTS).may_go


def test_the_prompts_own_names_may_be_said_and_its_words_not_be_shouted() -> None:
    facts = replace(FACTS, prompt=f'{PROMPT} Sign with "Best wishes, Olga", and never SHOUT.')
    assert judge(proposal("We are happy to help you. Best wishes, Olga"), facts).may_go
    for text in (
        "We are happy to help you. Best wishes, OLGA",
        "We NEVER do that",
        "We are happy to help you. Best wishes, Igor",
    ):
        assert not judge(proposal(text), facts).may_go, text
    assert not judge(proposal("We are happy to help you. Best wishes, Olga"), FACTS).may_go


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
    ("rule", "text"),
    [
        ("number", "Yes, we can do it for 50"),
        ("price", "The price is £50 then"),
        ("price", "The price is £99 then"),
        ("price", "You get 5% off"),
        ("price", "That is two hundred"),
        ("price", "We can do it for ten"),
        ("price", "It is ten pounds"),
        ("price", "There is no charge for it"),
        ("price", "We waive the fee"),
        ("price", "You have it half off"),
        ("price", "The survey is on the house"),
        ("price", "We do a free survey"),
        ("link", "Have a look at evil.top/win"),
        ("link", "Have a look at is.gd/abc"),
        ("link", "Have a look at youtu.be/x"),
        ("link", "Have a look at ofertás.com"),
        ("link", "Have a look at windows.com"),
        ("link", "Have a look at evil . com"),
        ("link", "Have a look at brightwindows.com/win"),
        ("link", "Have a look at brightwindows.com@evil.top"),
        ("characters", "Please ring ⓪⑨⓪⑨⑧⑦⑨⓪①②③"),
        ("characters", "Please ring 🄀🄁🄂"),
        ("characters", "Have a look at ⓔⓥⓘⓛ.ⓒⓞⓜ"),
        ("characters", "It is ½ of it"),
        ("phone", "Please ring 0909/879/0123"),
        ("phone", "Please ring +44 7700 900999"),
        ("phone", "Please text 6-0-6-0-6"),
        ("phone", "Please ring zero, nine, zero, nine, eight, seven, nine"),
        ("number", "Please text win to 60606"),
        ("number", "We have 3 vans on the road"),
        ("time", "See you tomorrow at 4"),
        ("time", "See you at 4:00 then"),
        ("time", "See you tomorrow at four"),
        ("time", "See you at half past three"),
        ("time", "See you at 3 o'clock"),
        ("opt_out", "Please reconsider before we take you off"),
        ("opt_out", "Opting out is not possible for us"),
        ("opt_out", "You would have to unsubscribe in writing"),
        ("language", "Bonjour, nous vous appelons demain avec grand plaisir"),
    ],
)
def test_what_the_lead_wrote_or_nearly_fits_is_no_fact_of_ours(rule: str, text: str) -> None:
    assert rule in [breach.rule for breach in judge(proposal(text), LEAD_WROTE).breaches]


@pytest.mark.parametrize(
    "text",
    [
        "The survey costs £500, with 25% off by card.",
        "We can look at your 3 doors, whenever you are free.",
        "See https://brightwindows.com or ring 020 7946 0001.",
        "It depends on the work, so I'd rather not guess… a colleague will tell you.",
        "Would Tuesday 23 March at 14:00, or Wednesday 24 March at 14:00 suit you?",
        "Reply STOP to opt out, or tell us what you would like.",
        "One of us can call you for five minutes.",
    ],
)
def test_what_stands_in_our_facts_to_the_letter_still_goes(text: str) -> None:
    assert judge(proposal(text), LEAD_WROTE).breaches == ()


def test_an_opt_out_is_left_to_a_person_however_it_is_worded() -> None:
    assert judge(proposal("You would have to opt-out in writing."), FACTS).hand_over is Reason.ENDS_CONTACT


def test_no_breach_repeats_the_models_words_to_the_model() -> None:
    [breach] = judge(proposal("We waive the fee"), FACTS).breaches
    assert "waive" in breach.sentence
    assert "waive" not in breach.mend


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("We're booking Tuesday 23 March at 14:00 for you.", True),
        ("We're booking Wednesday 24 March at 14:00 for you.", False),
        ("Tuesday 23 March at 14:00 or Wednesday 24 March at 14:00, both are booked for you.", False),
        ("We're booking it for you.", False),
    ],
)
def test_the_text_names_the_slot_that_is_taken_and_no_other(text: str, goes: bool) -> None:
    taken = replace(proposal(text), slot="s1", intent=Intent.ACCEPTS_SLOT)
    assert judge(taken, LEAD_WROTE).may_go is goes


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
    taken = replace(proposal("We're booking Tuesday 23 March at 14:00."), slot=slot, intent=intent)
    assert [breach.rule for breach in judge(taken, FACTS).breaches] == ["slot"]
    assert judge(replace(taken, slot="s1"), FACTS).may_go
