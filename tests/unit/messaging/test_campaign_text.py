"""How a text that begins a conversation ends, and which of a campaign's it is."""

import pytest

from domain.messaging.campaign_text import Opening, with_way_out
from domain.messaging.reply import Intent, Proposal, Sentiment
from domain.messaging.reply_facts import ReplyFacts
from domain.messaging.reply_rules import judge

ASKED = {
    "en": "Hi Ada, is the bay window still of interest to you?",
    "es": "Hola Ada, ¿todavía le interesa la ventana que nos pidió?",
    "pl": "Dzień dobry, czy to okno jest jeszcze dla pani ważne?",
}


@pytest.mark.parametrize(
    ("language", "ending"),
    [
        ("en", " Reply STOP to opt out."),
        ("es", " Responda STOP para darse de baja."),
        ("pl", " Odpisz STOP, aby zrezygnować."),
        ("de", " Reply STOP to opt out."),
    ],
)
def test_a_text_says_in_its_language_how_to_hear_no_more(language: str, ending: str) -> None:
    assert with_way_out("Hello there?", language) == f"Hello there?{ending}"
    assert with_way_out("  Hello there ", language) == f"Hello there.{ending}"


@pytest.mark.parametrize(
    "text", ["Hi. Reply STOP to opt out.", "Hi. Text stop to opt out.", "Hola. Responda ALTO.", "Hola. Envíe BAJA.", ""]
)
def test_what_says_so_already_stays_as_it_is(text: str) -> None:
    assert with_way_out(text, "en") == text


@pytest.mark.parametrize("text", ["We could stop by.", "Shall we stop asking?"])
def test_the_word_alone_is_no_way_out(text: str) -> None:
    assert with_way_out(text, "en").endswith("Reply STOP to opt out.")


@pytest.mark.parametrize("language", ["en", "es", "pl"])
def test_the_way_out_itself_breaks_no_rule(language: str) -> None:
    facts = ReplyFacts(ours=["Bright Windows"], theirs=(), prompt="", recorded=["Ada"], language=language)
    text = with_way_out(ASKED[language], language)
    proposal = Proposal(text=text, confidence=0.9, reasoning="", sentiment=Sentiment.UNCLEAR, intent=Intent.OTHER)
    assert judge(proposal, facts).may_go, judge(proposal, facts)


def test_the_last_is_the_campaigns_last() -> None:
    assert [Opening(number, 2).is_last for number in (1, 2)] == [False, True]
    assert Opening(1, 1).is_last
