"""The faults that rules find: each in a thread that has it, and none in threads that have none."""

import pytest

from domain.coaching.faults import RULES, faults
from domain.coaching.finding import Severity, Thread
from tests.unit.coaching.threads import OPENING, Said, quoted, thread


def rules(made: Thread) -> list[str]:
    """Name the rules that a thread breaks."""
    return [finding.rule for finding in faults(made)]


GOOD: dict[str, tuple[Said, ...]] = {
    "an opening": (("campaign", OPENING),),
    "a question of price is answered without one": (
        ("campaign", OPENING),
        ("lead", "How much would it cost?"),
        ("ai", "That depends on the details. A colleague can go through it with you on the phone."),
    ),
    "somebody asks who it is": (
        ("campaign", OPENING),
        ("lead", "Who is this?"),
        ("ai", "It's Bright Windows: you once asked us about bay windows."),
    ),
    "a no is thanked for once": (
        ("campaign", OPENING),
        ("lead", "Not interested, thanks"),
        ("ai", "Thank you for letting us know. If things change, just reply here."),
    ),
    "a stop is obeyed": (("campaign", OPENING), ("lead", "STOP")),
    "a name, our own, and capitals that are words": (
        ("campaign", OPENING),
        ("lead", "Yes please"),
        ("person", "Hi Ada, Bright Windows will be glad to. The UPVC frame needs a look; OK on Tuesday?"),
    ),
    "a thank-you with a capital after it": (
        ("campaign", OPENING),
        ("lead", "Great"),
        ("ai", "Thanks for that. Thank you. We will call. Good morning to you."),
    ),
    "Spanish": (
        ("campaign", "Hola Ada, somos Bright Windows. ¿Le interesa todavía? Responda STOP para darse de baja."),
        ("lead", "¿Cuánto cuesta?"),
        ("ai", "Depende de los detalles, Ada. Un compañero puede verlo con usted por teléfono."),
    ),
    "a lead may shout, link and promise": (
        ("campaign", OPENING),
        ("lead", "CALL ME NOW!!! see https://example.com I PAY £900"),
        ("ai", "A colleague will ring you."),
    ),
}


@pytest.mark.parametrize("said", GOOD.values(), ids=GOOD)
def test_a_good_thread_has_no_fault(said: tuple[Said, ...]) -> None:
    assert rules(thread(*said)) == []


def test_a_question_that_nobody_answers_is_found_with_both_texts() -> None:
    made = thread(
        ("campaign", OPENING), ("lead", "How much is it?"), ("ai", "Lovely weather for new windows this spring!")
    )
    [found] = faults(made)
    assert found.rule == "unanswered"
    assert quoted(found, made) == [(1, "How much is it?"), (2, "Lovely weather for new windows this spring!")]


OFF_THE_POINT = ("Lovely weather this spring!", "You once asked us about a bay window. What has changed for you?")
QUESTIONS = {
    "What does it cost?": ("It depends on the size.", "From £40.", "A colleague can ring you about that."),
    "what do you charge": ("The survey is free; a quote follows.", "That depends."),
    "Price?": ("Prices start at £40.", "Let's go through it on the phone."),
    "And when?": ("On Tuesday.", "In two weeks."),
    "When?": ("Tomorrow at ten.", "Shall a colleague call you?"),
    "Do you cover Leeds?": ("We do!", "Leeds is no problem.", "We work all over Yorkshire.", "That area is ours, yes."),
    "Hi, are you insured?": ("Of course.", "Every job comes with a warranty.", "Our policy is with Aviva."),
    "Can you send details?": ("I'll email them over.", "Here is our brochure.", "A colleague can go through them."),
    "Is it guaranteed?": ("For ten years.", "It has a warranty.", "Sorry, that I don't know."),
    "Ok. Can I pay monthly?": ("You can spread it.", "By card or in instalments.", "Finance is offered."),
    "Will you fit a bay window?": ("Bay windows are what we fit most.", "Shall we come to measure?"),
    "could you check my order?": ("One moment, I am checking.", "A colleague will find out."),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_that_wants_an_answer_is_found_where_nothing_speaks_of_it(question: str) -> None:
    for beside in [one for one in OFF_THE_POINT if "window" not in question or "window" not in one]:
        assert rules(thread(("campaign", OPENING), ("lead", question), ("ai", beside))) == ["unanswered"], beside
    for answer in QUESTIONS[question]:
        made = thread(("campaign", OPENING), ("lead", question), ("person", answer), facts=["From £40, free survey."])
        assert rules(made) == [], answer


@pytest.mark.parametrize(
    "text",
    ["Are you real?", "Is this a scam?", "Would you stop texting me?", "Are you there?", "I will have a think.",
     "No thanks, are you kidding?", "Is that ok?", "You can call me", "Do you remember me?"],
)  # fmt: skip
def test_what_asks_for_nothing_needs_no_answer(text: str) -> None:
    assert "unanswered" not in rules(thread(("campaign", OPENING), ("lead", text), ("ai", OFF_THE_POINT[0])))


def test_two_questions_are_not_one_that_was_asked_twice() -> None:
    made = thread(
        ("campaign", OPENING), ("lead", "Do you cover Leeds?", 10), ("lead", "Are you insured?", 90),
        ("ai", "Yes to both.", 91),
    )  # fmt: skip
    assert rules(made) == []


def test_a_question_is_not_lost_behind_what_the_lead_says_next() -> None:
    made = thread(
        ("campaign", OPENING), ("lead", "Who is this?"), ("lead", "I have a dog"), ("ai", "Dogs are wonderful!")
    )
    assert rules(made) == ["unanswered"]


def test_asking_twice_counts_after_an_hour_only() -> None:
    asked: tuple[Said, ...] = (("campaign", OPENING), ("lead", "When can you come?", 10))
    impatient = (*asked, ("lead", "When can you come?", 20), ("ai", "On Tuesday.", 21))
    assert rules(thread(*impatient)) == []
    patient = (*asked, ("lead", "hello? when can you come", 75), ("ai", "On Tuesday.", 80))
    [found] = faults(thread(*patient))
    assert (found.rule, found.title) == ("unanswered", "A question was asked twice before anybody answered")


@pytest.mark.parametrize("no", ["No thanks", "not interested", "I already bought from someone", "No, gracias"])
def test_a_second_message_after_a_no_is_found(no: str) -> None:
    made = thread(
        ("campaign", OPENING), ("lead", no), ("ai", "Thank you for telling us."), ("campaign", "Still here for you!")
    )
    [found] = faults(made)
    assert (found.rule, found.severity) == ("after_a_no", Severity.URGENT)
    assert quoted(found, made) == [(1, no), (3, "Still here for you!")]


def test_whoever_says_more_after_a_no_is_answered_again() -> None:
    made = thread(
        ("campaign", OPENING), ("lead", "Not interested"), ("ai", "Thank you."), ("lead", "Actually, maybe"),
        ("ai", "Of course, no rush."),
    )  # fmt: skip
    assert rules(made) == []


def test_anything_after_a_stop_is_critical() -> None:
    made = thread(("campaign", OPENING), ("lead", "Please stop texting me"), ("person", "Are you sure?"))
    [found] = faults(made)
    assert (found.rule, found.severity) == ("after_opt_out", Severity.CRITICAL)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("We can do it for £500.", "£500"),
        ("There is a discount this week.", "discount"),
        ("It is guaranteed for ever.", "guaranteed"),
    ],
)
def test_a_price_of_the_ais_own_is_critical(text: str, words: str) -> None:
    made = thread(("campaign", OPENING), ("lead", "Tell me more"), ("ai", text))
    [found] = faults(made)
    assert (found.rule, found.severity) == ("price_promise", Severity.CRITICAL)
    assert quoted(found, made) == [(2, words)]


def test_prices_that_stand_in_facts_or_in_what_people_wrote_are_ours() -> None:
    said: tuple[Said, ...] = (("campaign", OPENING), ("lead", "How much?"), ("ai", "A survey costs £50."))
    assert rules(thread(*said)) == ["price_promise"]
    assert rules(thread(*said, facts=["A survey costs £50."])) == []
    offered: tuple[Said, ...] = (("campaign", "Surveys for £50 this week. STOP to opt out."), *said[1:])
    assert rules(thread(*offered)) == []


def test_a_persons_price_is_but_a_hint() -> None:
    made = thread(("campaign", OPENING), ("lead", "How much?"), ("person", "That would be £740."))
    [found] = faults(made)
    assert (found.rule, found.severity) == ("price_promise", Severity.SUGGESTION)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("Hi Tom, a colleague will ring you.", True),
        ("Thanks Tom! A colleague will ring you.", True),
        ("Hola Pedro, le llamamos.", True),
        ("Hi there, a colleague will ring you.", False),
        ("Hi ADA, a colleague will ring you.", False),
        ("Hello Mrs Nowak, a colleague will ring you.", False),
    ],
)
def test_another_name_is_found(text: str, is_found: bool) -> None:
    made = thread(("campaign", OPENING), ("lead", "ok"), ("ai", text))
    assert ("wrong_name" in rules(made)) is is_found


def test_nobodys_name_is_wrong_where_we_know_none() -> None:
    assert rules(thread(("campaign", OPENING), ("lead", "ok"), ("ai", "Hi Tom."), names=())) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("This is the BEST OFFER EVER made", "BEST OFFER EVER"),
        ("Answer now!!!", "Answer now!!!"),
    ],
)
def test_shouting_is_found(text: str, words: str) -> None:
    made = thread(("campaign", OPENING), ("lead", "ok"), ("person", text))
    [found] = faults(made)
    assert found.rule == "shouting"
    assert quoted(found, made) == [(2, words)]
    assert found.suggested_text is not None
    assert rules(thread(("campaign", OPENING), ("lead", "ok"), ("person", found.suggested_text))) == []


def test_a_link_is_a_fault_in_the_first_message_only() -> None:
    link = "Hi Ada, see bright.example.com for windows. STOP to opt out."
    assert rules(thread(("campaign", link))) == ["link_first"]
    assert rules(thread(("campaign", OPENING), ("lead", "Where?"), ("ai", "At bright.example.com"))) == []
    assert rules(thread(("campaign", link), begins=False)) == []


def test_the_first_campaign_text_says_how_to_opt_out() -> None:
    made = thread(("campaign", "Hi Ada, is the bay window still of interest?"))
    [found] = faults(made)
    assert (found.rule, found.severity) == ("no_opt_out", Severity.CRITICAL)
    assert found.suggested_text is not None
    assert rules(thread(("campaign", found.suggested_text))) == []
    assert rules(thread(("campaign", OPENING), ("campaign", "Still of interest?"))) == []
    assert rules(thread(("ai", OPENING), ("campaign", "Still of interest?"))) == [], "the AI wrote the first"
    assert rules(thread(("ai", "Hi Ada, hello."), ("campaign", "Still of interest?"))) == ["no_opt_out"]


def test_more_than_two_segments_are_found() -> None:
    assert rules(thread(("campaign", OPENING), ("lead", "ok"), ("ai", "word " * 61))) == []
    made = thread(("campaign", OPENING), ("lead", "ok"), ("ai", "word " * 62))
    assert rules(made) == ["too_long"]
    [found] = faults(thread(("campaign", OPENING), ("lead", "ok"), ("ai", "wört “so” " * 15)))
    assert "“" in found.description


def test_two_times_of_which_one_is_taken_are_found_as_good() -> None:
    made = thread(
        ("campaign", OPENING),
        ("lead", "Call me"),
        ("ai", "Would Tuesday 23 March at 14:00 or Wednesday 24 March at 10:00 suit you?"),
        ("lead", "the first one please"),
        ("ai", "Perfect, we're booking your call for Tuesday 23 March at 14:00. A confirmation will follow."),
    )
    [found] = faults(made)
    assert (found.rule, found.severity) == ("offered_times", Severity.INFO)


def test_every_check_names_its_rules() -> None:
    every = thread(
        ("campaign", "Hi Tom, see bright.example.com for the BEST OFFER EVER"),
        ("lead", "Who is this?"),
        ("ai", "Lovely weather!"),
        ("lead", "no thanks, how much?"),
        ("ai", "Lovely! It is £5. " + "word " * 70),
        ("ai", "Hello?"),
        ("lead", "stop"),
        ("person", "Sure?"),
    )
    assert set(rules(every)) == RULES - {"offered_times"}
