"""When conversations are reviewed: once they are still, within the hour's room and the day's budget."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from application.coaching.analyses import Analyses
from application.coaching.analysis_forms import AnalyzeConversation, AnalyzeMessage
from application.coaching.reviewed import REVIEW, SWEEP
from application.coaching.reviews import Reviews
from application.model_calls import Fault, Unusable, Usage
from application.provider import Unavailable
from domain.coaching.review import SETTLES
from domain.kernel import Conflict, NotFound, new_id
from domain.messaging.message import MessageReceived, MessagesSettled, Settled
from tests.application.coaching.reviewing import OPENING, Office

pytestmark = pytest.mark.anyio
HALF_A_DOLLAR = 500_000
USAGE = Usage(model="test", input_tokens=100, output_tokens=20, cost_micros=1500, latency_ms=3)


async def heard(office: Office, conversation_id: UUID) -> None:
    """Let the house follow a text of the lead."""
    event = MessageReceived(
        subject=new_id(), conversation_id=conversation_id, contact_id=new_id(), lead_id=None, reading="none"
    )
    async with office.tenant.use(Reviews, office.tenant.system()) as reviews:
        await reviews.heard(event)


async def settled(office: Office, *message_ids: UUID, outcome: str = "accepted", campaign: UUID | None = None) -> None:
    """Let the house follow messages that went out."""
    at: datetime = await office.tenant.value("SELECT business_now() WHERE $1::uuid IS NOT NULL")
    told = tuple(Settled(send_id=m, outcome=outcome, at=at, lead_id=None, campaign_id=campaign, touch=None)
                 for m in message_ids)  # fmt: skip
    async with office.tenant.use(Reviews, office.tenant.system()) as reviews:
        await reviews.settled(MessagesSettled(subject=new_id(), settled=told))


async def due(office: Office) -> dict[UUID, timedelta | None]:
    """Tell in which time each conversation is due."""
    rows = await office.rows(
        "SELECT conversation_id, due_at - business_now() AS wait FROM reviewed_conversations WHERE organization_id = $1"
    )
    return {row["conversation_id"]: row["wait"] for row in rows}


async def scheduled(office: Office, name: str) -> timedelta | None:
    """Tell in which time a schedule is due."""
    async with office.tenant.sql() as connection:
        wait: timedelta | None = await connection.fetchval(
            "SELECT next_due_at - business_now() FROM schedules WHERE organization_id = $1 AND name = $2",
            office.tenant.organization_id,
            name,
        )
    return wait


async def let_time_pass(office: Office) -> None:
    """Let whatever is due at some time be due now."""
    await office.tenant.execute(
        "UPDATE reviewed_conversations SET due_at = business_now() - interval '1 s'"
        " WHERE organization_id = $1 AND due_at IS NOT NULL"
    )


async def begin(office: Office) -> list[UUID]:
    """Let what is due begin; gives the conversations that were let begin so far."""
    async with office.tenant.use(Reviews, office.tenant.system()) as reviews:
        await reviews.begin_due()
    return await office.events("conversation.review_due")


def near(found: timedelta | None, expected: timedelta) -> bool:
    """Tell whether two spans are within ten seconds of each other."""
    return found is not None and abs(found - expected) < timedelta(seconds=10)


async def test_a_text_of_either_side_lets_the_conversation_fall_due_once_it_is_still(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    await heard(office, conversation_id)
    assert near((await due(office))[conversation_id], timedelta(minutes=2))
    assert near(await scheduled(office, REVIEW), timedelta(minutes=2))
    assert near(await scheduled(office, SWEEP), timedelta(minutes=15))
    for waited, left in ((5, 2), (9, 1)):  # ten minutes at most
        await office.tenant.execute(
            "UPDATE reviewed_conversations SET due_at = business_now(),"
            " waiting_since = business_now() - $2::interval WHERE organization_id = $1",
            timedelta(minutes=waited),
        )
        await settled(office, await office.say(conversation_id, "ai", "Of course."))
        assert near((await due(office))[conversation_id], timedelta(minutes=left))


async def test_campaigns_and_what_did_not_leave_ask_for_nothing(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING))
    await settled(office, await office.say(conversation_id, "campaign", "Still?"), campaign=new_id())
    await settled(office, await office.say(conversation_id, "ai", "Sure."), outcome="rejected")
    assert await due(office) == {}


async def set_up(office: Office, **settings: Any) -> None:
    """Set what the organisation wants."""
    await office.tenant.execute(
        "UPDATE organizations SET settings = $2 WHERE organization_id = $1", msgspec.json.encode(settings).decode()
    )


async def test_whoever_wants_no_reviews_gets_none(office: Office) -> None:
    await set_up(office, coach_reviews=False)
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    await heard(office, conversation_id)
    assert await due(office) == {}


async def test_past_the_hours_room_reviews_wait_and_none_is_lost(office: Office) -> None:
    threads = [await office.thread(("campaign", OPENING), ("lead", "Hello")) for _ in range(5)]
    for conversation_id in threads:
        await heard(office, conversation_id)
    await let_time_pass(office)
    await clear(office, REVIEW)
    office.allowance.room = 3
    begun = await begin(office)
    assert len(begun) == 3
    assert near(await scheduled(office, REVIEW), timedelta(seconds=600)), "not before there is room"
    assert len([wait for wait in (await due(office)).values() if wait is not None]) == 2
    office.allowance.taken = 0
    assert sorted(await begin(office)) == sorted(threads)


async def clear(office: Office, name: str) -> None:
    """Claim a schedule, as the scheduler does before it calls."""
    await office.tenant.execute(
        "UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1 AND name = $2", name
    )


@pytest.mark.parametrize(
    ("settings", "purpose"),
    [
        ({"coach_daily_budget_usd": 0}, "preview"),
        ({"coach_daily_budget_usd": 5, "ai_daily_budget_usd": 0.5}, "preview"),
        ({"ai_daily_budget_usd": 1}, "patterns"),
    ],
)
async def test_a_spent_budget_waits_for_the_next_day(office: Office, settings: dict[str, Any], purpose: str) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    await set_up(office, **settings)
    await office.tenant.spend(purpose, HALF_A_DOLLAR)
    await heard(office, conversation_id)
    await let_time_pass(office)
    await clear(office, REVIEW)
    assert await begin(office) == []
    left = await office.tenant.value(
        "SELECT date_trunc('day', business_now(), time_zone) + interval '1 day' - business_now() FROM organizations"
        " WHERE organization_id = $1"
    )
    assert near(await scheduled(office, REVIEW), left)
    assert office.allowance.taken == 0, "nobody counts what may not begin"


async def test_reviews_leave_half_of_the_budget_to_answers_and_do_not_wait_for_what_others_spend_of_it(
    office: Office,
) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    await set_up(office, ai_daily_budget_usd=1)
    await office.tenant.spend("preview", HALF_A_DOLLAR)
    await heard(office, conversation_id)
    await let_time_pass(office)
    assert len(await begin(office)) == 1


async def test_a_review_is_kept_with_its_cost_and_scores(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "How much?"))
    answer = await office.say(conversation_id, "ai", "It is £5.")
    await office.review(conversation_id)
    [review] = await office.rows("SELECT * FROM reviews WHERE organization_id = $1")
    assert (review["status"], review["score"], review["findings"], review["model"]) == ("done", 50, 1, "sandbox")
    scores = await office.rows("SELECT message_id, score FROM message_scores WHERE organization_id = $1")
    assert scores == [{"message_id": answer, "score": 50}]
    [state] = await office.rows("SELECT * FROM reviewed_conversations WHERE organization_id = $1")
    assert (state["score"], state["due_at"], state["failures"]) == (50, None, 0)


async def test_while_the_model_is_away_reviews_wait_longer_each_time(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    await heard(office, conversation_id)
    await let_time_pass(office)
    await begin(office)
    for minutes in (2, 4, 8):
        office.reviewer.ready.append(Unavailable())
        await office.review(conversation_id)
        assert near((await due(office))[conversation_id], timedelta(minutes=minutes))
        await let_time_pass(office)
        await begin(office)
    await office.review(conversation_id)
    assert (await due(office))[conversation_id] is None
    assert await office.rows("SELECT status FROM reviews WHERE organization_id = $1") == [{"status": "done"}]


async def test_a_model_that_says_nothing_of_use_is_asked_twice_and_its_cost_is_kept(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    await heard(office, conversation_id)
    for left in (True, False):
        await let_time_pass(office)
        await begin(office)
        office.reviewer.ready.append(Unusable(Fault.GARBLED, "No.", USAGE))
        await office.review(conversation_id)
        assert ((await due(office))[conversation_id] is not None) is left
    rows = await office.rows("SELECT status, fault, cost_micros FROM reviews WHERE organization_id = $1")
    assert rows == [{"status": "failed", "fault": "garbled", "cost_micros": 1500}] * 2
    assert await sweep(office) == 0, "not until it moves again"


async def sweep(office: Office) -> int:
    """Sweep; tells how many conversations are due now."""
    async with office.tenant.use(Reviews, office.tenant.system()) as reviews:
        await reviews.sweep()
    return len([wait for wait in (await due(office)).values() if wait is not None and wait <= timedelta(0)])


async def test_the_sweep_finds_what_moved_and_was_missed(office: Office) -> None:
    missed = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    reviewed = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    await office.thread(("campaign", OPENING))
    await office.review(reviewed)
    assert await sweep(office) == 1
    assert (await due(office))[missed] is not None
    assert await scheduled(office, SWEEP) is None, "where nothing moves nobody looks"
    async with office.tenant.sql() as connection:
        await connection.execute(
            "UPDATE conversations SET last_message_at = business_now() - interval '25 hours'"
            " WHERE organization_id = $1",
            office.tenant.organization_id,
        )
        await connection.execute(
            "DELETE FROM reviewed_conversations WHERE organization_id = $1", office.tenant.organization_id
        )
    assert await sweep(office) == 0


async def test_what_arrives_during_a_review_is_reviewed_again(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))

    async def arrive() -> None:
        await office.say(conversation_id, "lead", "Anybody?")
        await heard(office, conversation_id)

    office.reviewer.meanwhile = arrive
    await office.review(conversation_id)
    assert near((await due(office))[conversation_id], SETTLES)


async def test_a_review_on_demand_shows_what_it_found(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "How much?"))
    answer = await office.say(conversation_id, "ai", "It is £5.")
    async with office.tenant.use(Analyses) as analyses:
        whole = await analyses.of_conversation(AnalyzeConversation(conversation_id=conversation_id))
        part = await analyses.of_message(AnalyzeMessage(message_id=answer))
    [insight] = await office.insights()
    assert (whole.status, whole.score, whole.message_scores) == ("done", 50, {answer: 50})
    assert [finding.rule for finding in part.findings] == ["price_promise"]
    assert whole.insight_ids == part.insight_ids == [insight["id"]]
    rows = await office.rows("SELECT asked_by FROM reviews WHERE organization_id = $1")
    assert None not in [row["asked_by"] for row in rows]


@pytest.mark.parametrize("trouble", ["room", "model"])
async def test_a_review_on_demand_queues_and_never_fails(office: Office, trouble: str) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    if trouble == "room":
        office.allowance.room = 0
    else:
        office.reviewer.ready.append(Unavailable())
    async with office.tenant.use(Analyses) as analyses:
        shown = await analyses.of_conversation(AnalyzeConversation(conversation_id=conversation_id))
    assert (shown.status, shown.score) == ("queued", None)
    office.allowance.room = 10
    assert await begin(office) == [conversation_id]


async def test_there_must_be_something_of_ours(office: Office) -> None:
    conversation_id = await office.thread(("lead", "Hello"))
    async with office.tenant.use(Analyses) as analyses:
        with pytest.raises(Conflict):
            await analyses.of_conversation(AnalyzeConversation(conversation_id=conversation_id))
        with pytest.raises(NotFound):
            await analyses.of_conversation(AnalyzeConversation(conversation_id=new_id()))
        with pytest.raises(NotFound):
            await analyses.of_message(AnalyzeMessage(message_id=new_id()))


async def test_what_the_reviewer_knows_of_a_message(office: Office) -> None:
    conversation_id = await office.thread(("campaign", OPENING), ("lead", "Hello"))
    lesson_id, reply_id, answers_id, answer = new_id(), new_id(), new_id(), new_id()
    answer = await office.say(conversation_id, "ai", "Hello Ada.")
    async with office.tenant.sql() as connection:
        await connection.execute(
            "UPDATE sends SET natural_key = 'reply:' || $3::text WHERE organization_id = $1 AND id = $2",
            office.tenant.organization_id, answer, str(answers_id),
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO replies (organization_id, id, conversation_id, answers_id, status, lessons, breaches,"
            " prompt_version, model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at)"
            " VALUES ($1, $2, $3, $4, 'sent', $5, '{}', 'v7', 'm', 1, 1, 0, 0, 1, now())",
            office.tenant.organization_id, reply_id, conversation_id, answers_id, [lesson_id],
        )  # fmt: skip
    await set_up(office, ai_facts="Surveys are done on weekdays.\n\n")
    await office.review(conversation_id)
    [task] = office.reviewer.tasks
    assert [message.by for message in task.messages] == ["campaign", "lead", "ai"]
    assert (task.messages[2].prompt_version, task.messages[2].lesson_ids) == ("v7", (lesson_id,))
    assert (task.organization, task.facts, task.names, task.begins) == (
        "Bright Windows", ["Surveys are done on weekdays."], ["Ada"], True,
    )  # fmt: skip
