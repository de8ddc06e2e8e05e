"""Counting by hand and counting by the tally come to the same, whatever happens in whatever order."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.tally import Fact, Kind, Progress, Tally, What, quarter_of
from domain.kernel import new_id

DATASETS = (UUID(int=1), UUID(int=2), None)
LEADS = [UUID(int=100 + n) for n in range(5)]
OF = {lead: DATASETS[n % 3] for n, lead in enumerate(LEADS)}
CAMPAIGN = UUID(int=9)
START = datetime(2026, 3, 2, 9, 7, tzinfo=UTC)
STRANGER = UUID(int=999)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    what = draw(st.sampled_from(What))
    at = START + timedelta(minutes=draw(st.integers(0, 60 * 24 * 20)))
    lead = draw(st.sampled_from([*LEADS, None, STRANGER]))
    if what is not What.TEXT:
        return Fact(what=what, at=at, lead_id=lead)
    touch = draw(st.sampled_from(["M1", "M2", None]))
    if touch is None:
        return Fact(what=what, at=at, lead_id=lead, purpose=draw(st.sampled_from(["reply", "manual", "help"])))
    variant = draw(st.sampled_from(["A", "B"]))
    return Fact(what=what, at=at, lead_id=lead, purpose="campaign", campaign_id=CAMPAIGN, touch=touch, variant=variant)


def fresh() -> dict[UUID, Progress]:
    return {lead: Progress(lead_id=lead, dataset_id=OF[lead]) for lead in LEADS}


def by_hand(history: Sequence[Fact]) -> Counter[tuple[UUID | None, datetime, str]]:
    """Count lead by lead, looking at the whole of each one's history."""
    counts: Counter[tuple[UUID | None, datetime, str]] = Counter()
    names = {"M1": "m1", "M2": "m2", "reply": "ai_replies", "manual": "manual", "help": "other"}
    for fact in history:
        if fact.lead_id == STRANGER:
            continue
        dataset, at = OF.get(fact.lead_id) if fact.lead_id else None, quarter_of(fact.at)
        if fact.what is What.TEXT:
            counts[dataset, at, names[fact.touch or fact.purpose or ""]] += 1
        elif fact.what in (What.REPLY, What.BOOKING, What.CANCELLATION):
            name = {What.REPLY: "replies", What.BOOKING: "bookings", What.CANCELLATION: "cancellations"}[fact.what]
            counts[dataset, at, name] += 1
    once = {What.REPLY: "first_replies", What.HOT: "hot", What.OPT_OUT: "opt_outs", What.CONVERSION: "conversions"}
    shares = {
        What.REPLY: "contacted_replied",
        What.HOT: "contacted_hot",
        What.BOOKING: "contacted_booked",
        What.OPT_OUT: "contacted_opted_out",
        What.CONVERSION: "contacted_converted",
    }
    for lead in LEADS:
        own = [fact for fact in history if fact.lead_id == lead]
        for what, name in once.items():
            first = next((fact for fact in own if fact.what is what), None)
            if first is not None:
                counts[OF[lead], quarter_of(first.at), name] += 1
        texted = next((n for n, fact in enumerate(own) if fact.touch is not None), None)
        if texted is None:
            continue
        since = own[texted].at
        counts[OF[lead], quarter_of(since), "contacted"] += 1
        for what, name in shares.items():
            later = counted_at(own, texted, what)
            if later is None:
                continue
            counts[OF[lead], quarter_of(since), name] += 1
            if what is What.BOOKING:
                texts = sum(fact.what is What.TEXT for fact in own[: later + 1])
                counts[OF[lead], quarter_of(since), "texts_until_booked"] += texts
    return counts


def counted_at(own: Sequence[Fact], texted: int, what: What) -> int | None:
    """Find where something counts of those contacted: as it is told, or with a text told of later that left before."""
    for n, fact in enumerate(own[texted:], texted):
        if fact.what is what:
            return n
        last = max((one.at for one in own[:n] if one.what is what), default=None)
        if fact.touch is not None and last is not None and last >= fact.at:
            return n
    return None


@given(st.lists(facts(), max_size=60), st.data())
def test_a_tally_counts_as_one_does_by_hand_however_it_is_broken_up(history: list[Fact], data: st.DataObject) -> None:
    whole, known = Tally(), fresh()
    rest = list(history)
    while rest:
        some = data.draw(st.integers(1, len(rest)))
        part = Tally()
        part.take(rest[:some], known)
        whole.counts.update(part.counts)
        rest = rest[some:]
    assert whole.counts == by_hand(history)


def text(lead: UUID, touch: str, variant: str, minutes: int) -> Fact:
    at = START + timedelta(minutes=minutes)
    return Fact(
        what=What.TEXT, at=at, lead_id=lead, purpose="campaign", campaign_id=CAMPAIGN, touch=touch, variant=variant
    )


def test_what_comes_of_a_text_counts_for_the_last_touch_and_once() -> None:
    lead = LEADS[0]
    said = Fact(what=What.REPLY, at=START + timedelta(hours=80), lead_id=lead)
    tally = Tally()
    tally.take([text(lead, "M1", "A", 0), text(lead, "M2", "B", 60), said, said], fresh())
    assert tally.results == {
        (CAMPAIGN, "M1", "A", "sent"): 1,
        (CAMPAIGN, "M2", "B", "sent"): 1,
        (CAMPAIGN, "M2", "B", "reply"): 1,
    }


def test_who_answers_before_the_batch_of_their_text_settles_has_answered_it() -> None:
    lead = LEADS[0]
    for what in (What.REPLY, What.BOOKING, What.OPT_OUT, What.HOT, What.CONVERSION):
        quick = Fact(what=what, at=START + timedelta(minutes=1), lead_id=lead)
        tally, known = Tally(), fresh()
        tally.take([quick, text(lead, "M1", "A", 0)], known)
        assert tally.results[CAMPAIGN, "M1", "A", str(what)] == 1
        tally.take([quick], known)
        assert tally.results == {(CAMPAIGN, "M1", "A", "sent"): 1, (CAMPAIGN, "M1", "A", str(what)): 1}
        shares = {kind: n for (_, _, kind), n in tally.counts.items() if kind.startswith("contacted")}
        assert set(shares.values()) == {1}
        assert len(shares) == 2


def test_who_answered_before_the_text_left_has_not_answered_it() -> None:
    lead = LEADS[0]
    early = Fact(what=What.REPLY, at=START - timedelta(minutes=1), lead_id=lead)
    tally = Tally()
    tally.take([early, text(lead, "M1", "A", 0)], fresh())
    assert tally.results == {(CAMPAIGN, "M1", "A", "sent"): 1}


def test_a_share_never_passes_the_leads_that_were_texted() -> None:
    lead = LEADS[0]
    before = Fact(what=What.REPLY, at=START, lead_id=lead)
    tally = Tally()
    tally.take([before, text(lead, "M1", "A", 5), before, before], fresh())
    assert tally.counts.total() == 3 + 1 + 1 + 1 + 1
    assert sum(n for (_, _, kind), n in tally.counts.items() if kind == Kind.CONTACTED_REPLIED) == 1


def test_a_booking_counts_however_late() -> None:
    lead = LEADS[0]
    late = Fact(what=What.BOOKING, at=START + timedelta(days=400), lead_id=lead)
    tally = Tally()
    tally.take([text(lead, "M1", "A", 0), late], fresh())
    assert tally.counts[OF[lead], quarter_of(START), Kind.CONTACTED_BOOKED] == 1


def test_a_lead_that_nobody_knows_counts_nowhere_and_a_text_without_one_in_no_dataset() -> None:
    tally = Tally()
    to_nobody = Fact(what=What.TEXT, at=START, lead_id=None, purpose="manual")
    tally.take([Fact(what=What.REPLY, at=START, lead_id=new_id()), to_nobody], fresh())
    assert tally.counts == {(None, quarter_of(START), "manual"): 1}
