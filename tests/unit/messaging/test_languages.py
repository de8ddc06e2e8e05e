"""Which language a lead is answered in, and which answers are in another one than theirs."""

from datetime import UTC, datetime

import pytest

from adapters.sms.sandbox_people import People
from domain.messaging.languages import answered_in
from domain.messaging.reply import Intent, Proposal, Sentiment
from domain.messaging.reply_facts import ReplyFacts
from domain.messaging.reply_rules import breaches

_AT = datetime(2027, 3, 22, 10, tzinfo=UTC)
ASKED = {
    "en": "Yes please, what would it cost?",
    "es": "Sí, me interesa. ¿Cuánto cuesta?",
    "pl": "Tak, jestem zainteresowany. Ile to kosztuje?",
    "de": "Ja, ich habe noch Interesse. Was kostet das ungefähr?",
    "fr": "Oui, je suis toujours intéressé. Combien ça coûte ?",
    "it": "Sì, mi interessa ancora. Quanto costa?",
    "pt": "Sim, ainda tenho interesse. Quanto custa?",
    "nl": "Ja, ik heb nog interesse. Wat kost het ongeveer?",
    "uk": "Так, мені ще цікаво. Скільки це коштує?",
}
ANSWERS = {
    "en": "That depends on the details, and I would rather not guess. Shall a colleague ring you?",
    "es": "Depende de los detalles, y no quiero adivinar. ¿Le llama un compañero?",
    "pl": "To zależy od szczegółów. Czy ktoś z nas może do pana zadzwonić?",
    "de": "Das hängt von den Einzelheiten ab. Darf eine Kollegin Sie anrufen und alles mit Ihnen besprechen?",
    "fr": "Cela dépend des détails. Un collègue peut vous appeler pour en parler avec vous ?",
    "it": "Dipende dai dettagli. Un collega la può chiamare per parlarne con calma?",
    "pt": "Depende dos detalhes. Um colega pode ligar para falar consigo?",
    "nl": "Dat hangt van de details af. Mag een collega u bellen om het te bespreken?",
    "uk": "Це залежить від деталей. Чи може наш колега зателефонувати вам?",
}
ELSEWHERE = {
    "ru": "Да, мне ещё интересно. Сколько это стоит?",
    "tr": "Merhaba, hala ilgileniyorum ama fiyat ne kadar?",
    "ro": "Da, sunt încă interesat. Cât costă aproximativ?",
    "ja": "はい、まだ興味があります。いくらですか？",
    "ar": "نعم ما زلت مهتما كم السعر",
}


def rules_broken(answer: str, asked: str, language: str | None) -> set[str]:
    facts = ReplyFacts(ours=["Bright Windows"], theirs=[asked], prompt="", language=language, most_segments=4)
    proposal = Proposal(text=answer, confidence=0.9, reasoning="", sentiment=Sentiment.POSITIVE, intent=Intent.PRICE)
    return {breach.rule for breach in breaches(proposal, facts)}


@pytest.mark.parametrize("language", ASKED)
def test_a_lead_is_answered_in_their_own_language_whatever_the_organisations_is(language: str) -> None:
    assert answered_in([ASKED[language]], "xx") == language
    assert rules_broken(ANSWERS[language], ASKED[language], language) == set()


@pytest.mark.parametrize("language", ASKED)
def test_an_answer_in_another_known_language_breaks_the_rule(language: str) -> None:
    others = {other for other in ANSWERS if other != language}
    assert {
        other for other in others if "language" in rules_broken(ANSWERS[other], ASKED[language], language)
    } == others


@pytest.mark.parametrize("language", ELSEWHERE)
def test_a_language_that_nobody_knows_is_not_taken_for_the_organisations(language: str) -> None:
    assert answered_in([ELSEWHERE[language]], "en") is None


@pytest.mark.parametrize("text", ["Ok", "👍", "2", "", "Sounds good", "Tomorrow afternoon works", "Perfecto, mañana"])
def test_too_few_words_tell_nothing(text: str) -> None:
    assert answered_in([text], "es") == "es"


def test_the_parts_of_an_address_are_no_words() -> None:
    assert answered_in(["See a.com and com.pt/para or ask@das.der"], "xx") == "en"


def test_the_latest_texts_tell() -> None:
    assert answered_in([ASKED["en"], *[ASKED["de"]] * 3], "en") == "de"


def test_an_answer_in_an_unknown_language_is_not_checked_for_it() -> None:
    assert rules_broken("Bu ayrıntılara bağlı. Bir arkadaşımız sizi arayabilir mi?", ELSEWHERE["tr"], None) == set()
    assert rules_broken("Это зависит от деталей. Можно вам позвонить?", ELSEWHERE["ru"], None) == set()


def test_an_answer_in_a_known_language_and_in_letters_that_the_lead_does_not_use_breaks_the_rule() -> None:
    assert "language" in rules_broken(ANSWERS["en"], ELSEWHERE["ru"], None)


def test_a_word_of_two_alphabets_is_no_answer_in_either() -> None:
    assert "characters" in rules_broken("Це залежить вiд деталей, чи не так?", ASKED["uk"], "uk")
    assert "characters" in rules_broken("Це залежить від деталей, чи не так?", ASKED["en"], "en")


@pytest.mark.parametrize(
    "answer",
    [
        "Das ist für Sie kostenlos.",
        "Das macht fünfzig Prozent Rabatt für Sie.",
        "C'est cinquante euros pour vous.",
        "Per lei lo facciamo con lo sconto.",
        "Het is kosteloos voor u.",
        "Для вас це безкоштовно.",
    ],
)
def test_money_is_read_in_these_languages(answer: str) -> None:
    language = answered_in([answer], "en")
    assert language in {"de", "fr", "it", "nl", "uk"}
    assert "price" in rules_broken(answer, ASKED[language], language)


def test_names_in_german_are_found_where_they_are_shouted_alone() -> None:
    assert rules_broken("Das sagt Ihnen gern Herr Schmidt am Telefon.", ASKED["de"], "de") == set()
    assert rules_broken("Das sagt Ihnen gern Herr SCHMIDT am Telefon.", ASKED["de"], "de") == {"name"}


def test_the_sandboxs_people_write_what_is_known_or_too_short() -> None:
    people = People("7")
    said = {
        reply.body
        for number in range(400)
        for nth in range(1, 6)
        for reply in people.replies(f"+447700900{number:03d}", nth, _AT)
    }
    assert len(said) > 20
    assert {text for text in said if answered_in([text], "en") not in {"en", "es", "pl"}} == set()
