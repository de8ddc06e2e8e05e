"""A house of processes whose model obeys every hostile text, and one whose model is ill amid a campaign."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.ai.review_request import TOOL as REPORT
from adapters.queue.broker import PREFETCH
from domain.messaging.opt_out import read as read_wish
from tests.contracts.aimock_process import EVERY, GOOD, Model, fixture, proposal, refusing
from tests.contracts.test_hostile_texts import SHAPES, Hostile, hostile
from tests.processes.model_desk import Desk, Thread, opened_desk
from tests.processes.office import wait_for
from tests.processes.test_flood import listed, p95, timed
from tests.proofs import Note

ASKED = "How much would it cost?"
LONG, PATIENCE = 120, 20  # longer than the model is ill; and as long as people wait when it stays so
MARGIN_SECONDS = 40  # to begin, to be asked a last time, and to be told
SLOWER_AT_MOST = 1.10
EACH = 8
A_MINUTE = 120
LISTS = 120

HALF_A_MINUTE_LATER = """
WITH waiting AS (UPDATE conversations SET answer_due_at = business_now() WHERE answer_due_at IS NOT NULL RETURNING id)
UPDATE schedules SET next_due_at = business_now() WHERE name = 'messaging.answer' RETURNING name
"""


@dataclass(frozen=True)
class Fault:
    """Hold how the model is ill, and whether it gives no answer at all, so that its answers wait for it."""

    name: str
    falls: Callable[[Model], None]
    is_away: bool


FAULTS = (
    Fault("500", lambda model: model.answers(refusing(500, "api_error")), True),
    Fault("529", lambda model: model.answers(refusing(529, "overloaded_error")), True),
    Fault("429 with Retry-After", lambda model: model.answers(refusing(429, "rate_limit_error", retryAfter=20)), True),
    Fault("hangs", lambda model: model.ails(latencyMs=30_000), True),
    Fault("cut", lambda model: model.answers(fixture(EVERY, proposal(GOOD), truncateAfterChunks=3)), True),
    Fault("garbled", lambda model: model.ails(malformedRate=1.0), False),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Open the house; each test says what its model answers."""
    with opened_desk(tmp_path_factory.mktemp("model"), "model") as one:
        yield one


def _known(desk: Desk, count: int) -> list[str]:
    """Make leads to whom a campaign has written."""
    phones = desk.office.phones(count)
    dataset_id = desk.enter(dict.fromkeys(phones, "doors"))
    desk.write_to(dataset_id)
    desk.office.all_accepted(dataset_id, count, 60)
    return phones


def _write(desk: Desk, phones: list[str]) -> None:
    for phone in phones:
        desk.says(phone, ASKED)


def _waits(desk: Desk, phones: list[str]) -> bool:
    """Tell whether everybody's answer was tried, and waits for the model."""
    away = "SELECT count(*) FROM conversations WHERE writer_away_since IS NOT NULL AND address = ANY ($1)"
    threads = desk.threads(phones)
    return bool(
        len(threads) == len(phones)
        and all(thread.waits and thread.attention is None and not thread.said for thread in threads.values())
        and desk.office.ask(away, phones)[0][0] == len(phones)
    )


def _was_answered(thread: Thread) -> bool:
    return (list(thread.said), thread.attention, thread.waits) == ([GOOD], None, False)


def _has_a_person(thread: Thread, reason: str) -> bool:
    return (list(thread.said), thread.attention, thread.holder) == ([], reason, "person")


def test_answers_wait_for_a_model_that_is_away_and_then_people_write_them(desk: Desk) -> None:
    first, second = (phones := _known(desk, 6))[:3], phones[3:]
    desk.setting(ai_patience_seconds=600)
    desk.model.answers(refusing(529, "overloaded_error"))
    _write(desk, first)
    wait_for(lambda: _waits(desk, first), 60, "they wait", 0.1)
    desk.model.answers()
    desk.office.ask(HALF_A_MINUTE_LATER)
    assert all(_was_answered(thread) for thread in desk.settled(first, 60).values())
    desk.setting(ai_patience_seconds=0)
    desk.model.answers(refusing(529, "overloaded_error"))
    _write(desk, second)
    assert all(_has_a_person(thread, "model_away") for thread in desk.settled(second, 60).values())
    desk.model.answers()


@pytest.mark.prove
@pytest.mark.alone
def test_a_sick_model_costs_no_answer_and_no_other_route(desk: Desk, proved: Note) -> None:
    desk.setting(ai_patience_seconds=LONG)
    office = desk.office
    campaign = office.phones(800)
    dataset_id = desk.enter(dict.fromkeys(campaign, "doors"))
    people = _known(desk, EACH * (len(FAULTS) + 1))
    desk.write_to(dataset_id, A_MINUTE)
    well = timed(lambda: listed(office), LISTS)
    ill: dict[str, list[float]] = {}
    figures = []
    for fault in FAULTS:
        (waiting, people), asked = (people[:EACH], people[EACH:]), len(desk.model.asked())
        fault.falls(desk.model)
        since, before = time.monotonic(), _texted(desk)
        _write(desk, waiting)
        if fault.is_away:
            wait_for(lambda: _waits(desk, waiting), 35, "they wait", 0.2)  # noqa: B023 - within the round
        ill[fault.name] = timed(lambda: listed(office), LISTS)
        assert _texted(desk) - before >= 0.7 * A_MINUTE / 60 * (time.monotonic() - since), "the campaign goes on"
        requests = len(desk.model.asked()) - asked
        desk.model.answers()
        desk.office.ask(HALF_A_MINUTE_LATER)
        threads = desk.settled(waiting, LONG + MARGIN_SECONDS).values()
        if fault.is_away:
            assert all(_was_answered(thread) for thread in threads), (fault.name, threads)
        else:
            assert all(_has_a_person(thread, "failed_twice") for thread in threads), (fault.name, threads)
        figures.append(f"{fault.name} {p95(ill[fault.name]) * 1000:.0f} ms ({requests} requests)")
        well += timed(lambda: listed(office), LISTS)
    desk.setting(ai_patience_seconds=PATIENCE)
    desk.model.answers(refusing(529, "overloaded_error"))
    _write(desk, people)
    start = time.monotonic()
    threads = desk.settled(people, PATIENCE + MARGIN_SECONDS).values()
    seconds = time.monotonic() - start
    assert all(_has_a_person(thread, "model_away") for thread in threads)
    assert seconds >= PATIENCE - 5
    taken = desk.twilio.outbound()
    # The campaign's text and the answer, each once.
    counted = Counter((one["to"], one["body"].startswith("Hi ")) for one in taken)
    assert [one for one, count in counted.items() if count > 1] == []
    quickest = p95(well)
    # Ten milliseconds each: a tenth more for one fault is chance, a fault that slows others shows in all together.
    assert p95([waited for waits in ill.values() for waited in waits]) <= quickest * SLOWER_AT_MOST
    put_off = EACH * sum(fault.is_away for fault in FAULTS)
    proved(
        11,
        f"Anthropic's adapter amid a campaign of {A_MINUTE} texts a minute: GET /leads p95 {quickest * 1000:.0f} ms,"
        f" while the model answers {', '.join(figures)}; {put_off} answers waited and went out whole once it was back,"
        f" {EACH} garbled ones went to people, {EACH} more after {seconds:.0f} s without it"
        f" (set: {PATIENCE}): 0 lost, 0 invented, 0 twice",
    )


def _texted(desk: Desk) -> int:
    return int(desk.office.ask("SELECT count(*) FROM sends WHERE purpose = 'campaign' AND state = 'accepted'")[0][0])


LISTED = frozenset(
    {
        "text.arrived",
        "message.received",
        "conversation.answer_due",
        "conversation.turn_changed",
        "conversation.handed_to_person",
        "lead.turned_hot",
        "notification.made",
        "message.planned",
        "messages.settled",
    }
)
"""All that may follow a lead's text: it is read, answered, rated, or given to a person, who is told."""
_EVENTS = "SELECT id, type FROM events"
_KEPT = """
SELECT md5(string_agg(to_jsonb(l)::text, '' ORDER BY l.id)) FROM (
  SELECT l.id, l.stage, l.is_dnc, l.manual_mode, l.archived, l.assigned_to, l.call_booked, l.product, l.notes,
         l.dataset_id, c.first_name, c.last_name, c.phone, c.email
  FROM leads l JOIN contacts c ON c.organization_id = l.organization_id AND c.id = l.contact_id
) l
"""


def _tried(desk: Desk, texts: Sequence[Hostile]) -> str:
    """Let each be written by a lead of its own, and assert what came of it; tells the figures."""
    office = desk.office
    phones = dict(zip(office.phones(len(texts)), texts, strict=True))
    plain = office.phones(3)
    desk.model.answers(*_obeying())
    dataset_id = desk.enter(
        {phone: f"marked {one.id}" for phone, one in phones.items()} | dict.fromkeys(plain, "doors")
    )
    desk.write_to(dataset_id)
    office.all_accepted(dataset_id, len(phones) + len(plain), 120)
    before, kept = {row[0] for row in office.ask(_EVENTS)}, office.ask(_KEPT)
    asked = len(desk.model.asked())
    for phone, one in phones.items():
        desk.says(phone, one.text)
    for phone in plain:
        desk.says(phone, ASKED)
    threads = desk.settled([*phones, *plain], 180)
    said = [(one.id, one.kind, text) for phone, one in phones.items() for text in threads[phone].said]
    assert said == [], "what an obedient model says does not leave the house"
    assert [list(threads[phone].said) for phone in plain] == [[GOOD]] * len(plain), "the others were answered, whole"
    reasons = Counter(threads[phone].attention for phone in phones)
    assert None not in reasons, "each of them has a person to answer it"
    done = Counter(kind for identifier, kind in office.ask(_EVENTS) if identifier not in before)
    assert done.keys() <= LISTED, done
    assert office.ask(_KEPT) == kept, "nothing that a lead wrote changed what is kept of anybody"
    requests = desk.model.asked()[asked:]
    marks = [set(re.findall(r"marked (h\d+)", request)) for request in requests]
    assert all(len(mark) <= 1 for mark in marks), "a request knows of one lead"
    reached = len(set().union(*marks))
    assert reached > 0
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=str))
    return (
        f"Anthropic's adapter in worker processes, a model that obeys {len(texts)} hostile texts ({reached} reached it,"
        f" {len(requests)} requests, each about one lead): 0 of its answers at Twilio, 0 events outside the list, 0"
        f" leads or contacts changed, all with a person ({told}); {len(plain)} plain questions answered whole"
    )


def _obeying() -> list[dict[str, Any]]:
    """Do what each text says, and answer the others well."""
    return [
        *(fixture(f"marked {one.id}", SHAPES.get(one.obeyed, proposal(one.obeyed))) for one in hostile()),
        fixture(EVERY, proposal(GOOD)),
    ]


def _hostile() -> list[Hostile]:
    """Leave out what is a STOP, which our own rule obeys before anybody is asked."""
    return [one for one in hostile() if read_wish(one.text).kind == "none"]


def test_an_obedient_model_gets_nothing_out_of_the_house(desk: Desk) -> None:
    texts = _hostile()
    print(_tried(desk, [*texts[::40], *(one for one in texts if one.how == "asked")][:12]))


@pytest.mark.prove
def test_an_obedient_model_gets_none_of_all_texts_out_of_the_house(desk: Desk, proved: Note) -> None:
    proved(10, _tried(desk, _hostile()))


FIRST = "Hi there, are the doors still of interest to you?"
SAID = f"{FIRST} Reply STOP to opt out."
STAND_IN = "Hi, this is the template. Reply STOP to opt out."
_WRITTEN = "SELECT count(*) FROM touch_texts WHERE campaign_id = (SELECT id FROM campaigns WHERE dataset_id = $1::uuid)"
_LEASES_END = "UPDATE touch_texts SET lease_until = NULL WHERE status = 'due' RETURNING id"


def _killed_while_writing(desk: Desk, count: int, kills: int) -> str:
    """Kill workers while they have touches written, and assert that each lead got one text, the AI's; tells it."""
    office, phones = desk.office, desk.office.phones(count)
    dataset_id = desk.enter(dict.fromkeys(phones, "doors"))
    desk.model.answers(fixture(EVERY, proposal(FIRST, intent="other", sentiment="UNCLEAR")))
    desk.model.ails(latencyMs=2000)
    asked = len(desk.model.asked())
    variants = [{"template": STAND_IN, "text_from": "prompt"}]
    office.begin(dataset_id, touches=[{"touch": "M1", "variants": variants}])

    def written() -> int:
        return int(office.ask(f"{_WRITTEN} AND status = 'written'", dataset_id)[0][0])

    for number in range(kills):
        goal = (number + 1) * count // (kills + 2)
        wait_for(lambda: written() >= goal, 60, "some are written", 0.01)  # noqa: B023 - within the round
        for worker in ("worker-1", "worker-2"):
            office.house.kill(worker)
        assert written() < count, "others are still to be written"
        office.ask(_LEASES_END)  # a minute sooner
    office.all_accepted(dataset_id, count, 120)
    desk.model.answers()
    wanted = set(phones)
    taken = [(one["to"], one["body"]) for one in desk.twilio.outbound() if one["to"] in wanted]
    assert Counter(taken) == Counter((phone, SAID) for phone in phones), "each got one text, and the AI's"
    assert written() == count
    calls = len(desk.model.asked()) - asked
    return (
        f"{count} touches that the AI writes, both workers killed {kills} times: each got its text once ({calls} calls)"
    )


def test_a_worker_that_dies_while_touches_are_written_loses_none(desk: Desk) -> None:
    print(_killed_while_writing(desk, 20, 1))


@pytest.mark.prove
def test_workers_that_die_while_touches_are_written_lose_none(desk: Desk, proved: Note) -> None:
    proved(1, _killed_while_writing(desk, 120, 4))


PLACES = 2 * PREFETCH["reviews"]  # of both workers
_DUE = """
WITH due AS (
  INSERT INTO reviewed_conversations (organization_id, conversation_id, due_at, waiting_since)
  SELECT organization_id, id, business_now(), business_now() FROM conversations WHERE address = ANY ($1)
  RETURNING organization_id
)
INSERT INTO schedules (name, organization_id, next_due_at)
SELECT DISTINCT 'coaching.review', organization_id, business_now() FROM due
ON CONFLICT (name, organization_id) DO UPDATE SET next_due_at = excluded.next_due_at RETURNING name
"""
_REVIEWS = "SELECT id FROM deliveries WHERE subscription = 'reviews.review' AND (starts > 0) = $1"


def test_reviews_that_hang_keep_no_text_waiting(desk: Desk) -> None:
    office, recipients = desk.office, desk.office.phones(100)

    def reviews(*, begun: bool) -> set[Any]:
        return {row["id"] for row in office.ask(_REVIEWS, begun)}

    asking, *others = _known(desk, 41)
    dataset_id = desk.enter(dict.fromkeys(recipients, "doors"))
    hangs = fixture(f"Call {REPORT} once", proposal(GOOD), latency=120_000)  # twice as long as the reviewer waits
    desk.model.answers(hangs, fixture(EVERY, proposal(GOOD)))
    office.ask(_DUE, others)
    wait_for(lambda: len(reviews(begun=True)) >= PLACES, 30, "reviews hang wherever they may", 0.1)
    hung = reviews(begun=True)
    assert len(reviews(begun=False)) >= PLACES, "and more of them wait"
    desk.write_to(dataset_id)
    desk.says(asking, ASKED)
    office.all_accepted(dataset_id, len(recipients), 50)
    assert _was_answered(desk.settled([asking], 50)[asking])
    assert hung <= reviews(begun=True), "all of them hang as before"
    desk.model.answers()
