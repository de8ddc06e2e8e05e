"""Lessons that say the same, or the contrary."""

import pytest

from domain.coaching.clashes import SURE, ClashKind, Teaching, clashes
from domain.kernel import new_id


def lesson(title: str, description: str, trigger: str = "", say: str = "", never: str = "") -> Teaching:
    """Make a lesson's teaching."""
    return Teaching(new_id(), title, description, trigger or None, say or None, never or None)


OLD = lesson(
    "Offer a call for prices",
    "Answer a question about prices by offering a call with a colleague.",
    "They ask what it costs",
    "A colleague can go through prices with you on the phone.",
    "It costs around five hundred pounds.",
)


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        (lesson("Offering calls for a price", "Answer questions about prices by offering a call."), "duplicate"),
        (
            lesson("Prices: offer the call", "A question about price is answered by a call with a colleague."),
            "duplicate",
        ),
        (
            lesson("No calls for prices", "Do not answer a question about prices by offering a call with a colleague."),
            "contradiction",
        ),
        (
            lesson("Say a figure", "Be open about money.", "They ask the cost", "It costs around five hundred pounds!"),
            "contradiction",
        ),
        (
            lesson("Phones", "Stay in text.", never="A colleague can go through the prices with you on the phone"),
            "contradiction",
        ),
    ],
)
def test_what_says_the_same_or_the_contrary_is_found(new: Teaching, kind: str) -> None:
    [clash] = clashes(new, [OLD])
    assert (clash.kind, clash.lesson_id) == (ClashKind(kind), OLD.id)
    assert OLD.title == clash.title


@pytest.mark.parametrize(
    "new",
    [
        lesson("Use first names", "Call them by their first name once."),
        lesson("Offer two times", "When they agree to a call, offer two times at most."),
        lesson("Ask one question", "Ask at most one question in a message."),
        lesson("Never shout", "Write no word in capitals."),
        lesson("Offer a call for prices", "Use the figures of the brochure."),
    ],
)
def test_what_teaches_something_else_is_let_be(new: Teaching) -> None:
    assert clashes(new, [OLD]) == []


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        (
            lesson("Opt-outs", "Confirm opt-outs: when someone replies STOP, confirm once."),
            lesson("Opt-outs", "Confirm opt-outs with one short text."),
            ["duplicate"],
        ),
        (
            lesson("Survey is free", "Say the survey is free with no obligation."),
            lesson("Survey is free", "Say the survey is free."),
            ["duplicate"],
        ),
        (
            lesson("Hesitation", "When they are not sure, offer a call with a colleague."),
            lesson("Hesitation", "When they hesitate, offer a call with a colleague."),
            ["duplicate"],
        ),
        (
            lesson("Discounts", "Offer ten percent discount to whoever hesitates."),
            lesson("Discounts", "Refuse every discount; hold the price firm."),
            [],
        ),
        (
            lesson("Ask for the postcode", "Ask for the postcode in the first answer."),
            lesson("Postcode", "Leave it for the call.", never="Ask for the postcode in the first answer"),
            ["contradiction"],
        ),
        (
            lesson("Too expensive", "Do not argue about money; offer to go through the options."),
            lesson("It is too expensive", "Offer the options; do not argue about the money."),
            ["duplicate"],
        ),
        (lesson("Emojis", "Use emojis."), lesson("Emojis", "Never use emojis."), ["contradiction"]),
    ],
)
def test_only_what_is_forbidden_at_the_head_of_a_rule_makes_a_contradiction(
    one: Teaching, other: Teaching, kinds: list[str]
) -> None:
    for new, known in ((one, other), (other, one)):
        assert [clash.kind.value for clash in clashes(new, [known])] == kinds


def test_where_a_model_has_compared_them_only_words_that_are_nearly_all_the_same_count() -> None:
    near = lesson("Offering calls for a price", "Answer questions about prices by offering a call.")
    assert clashes(near, [OLD])
    assert clashes(near, [OLD], SURE) == []
    assert clashes(lesson(OLD.title, OLD.description), [OLD], SURE)


def test_a_lesson_does_not_clash_with_itself_and_contradictions_come_first() -> None:
    same = lesson(OLD.title, OLD.description)
    against = lesson(f"Do not {OLD.title}", f"Never {OLD.description}")
    assert clashes(OLD, [OLD]) == []
    assert [clash.kind.value for clash in clashes(OLD, [same, against])] == ["contradiction", "duplicate"]
