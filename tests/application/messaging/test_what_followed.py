"""What followed the AI's messages: for lessons, and for both sides of a trial."""

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from application.coaching.measuring import Measuring
from application.coaching.prompt_forms import MakeLive, RollBack
from application.coaching.prompt_ports import CanaryStore
from application.coaching.prompts import Prompts
from application.messaging.reply_drafts import ReplyDrafts, SendReply
from domain.coaching.canary import Canary, Phase, Side
from domain.coaching.prompt import PromptType
from domain.messaging.reply import Sentiment
from tests.application.messaging.prompting import (
    ANSWER,
    age,
    by_conversation,
    canary,
    conversations,
    draft,
    figures,
    measure,
    publish,
    show,
    teach,
    write_again,
)
from tests.application.messaging.replying import Thread, said

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


async def test_what_follows_is_counted_once_and_as_it_comes(thread: Thread) -> None:
    await teach(thread)
    await publish(thread, "Be brief.")
    await thread.arrive("That's far too expensive")
    await thread.answer()
    await thread.hand_over()
    for _ in range(2):
        await measure(thread)
        assert await figures(thread) == (1, 0, 0, 0, 0, 0)
    await thread.arrive("Yes please")
    await thread.answer()
    for _ in range(2):
        await measure(thread)
        assert await figures(thread) == (1, 1, 1, 1, 0, 0)
    await thread.arrive("STOP")
    await measure(thread)
    assert await figures(thread) == (1, 1, 1, 1, 0, 1)
    due = await thread.tenant.value(
        "SELECT next_due_at > business_now() FROM schedules WHERE organization_id = $1 AND name = 'coaching.measure'"
    )
    assert due, "it is looked at again"


async def test_a_thread_that_comes_to_a_call_is_one_success_however_often_the_lesson_was_applied(
    thread: Thread,
) -> None:
    lesson = await teach(thread)
    await publish(thread, "Be brief.")
    for number in range(5):
        thread.writer.ready = [said(ANSWER, lessons=(lesson,))]
        await thread.arrive(f"How much is it, {number}?")
        await thread.answer()
        await thread.hand_over()
        if number == 2:
            await measure(thread)
            assert await by_conversation(thread) == (3, 1, 0)
    thread.writer.ready = [said(ANSWER, sentiment=Sentiment.POSITIVE, lessons=(lesson,))]
    await thread.arrive("Yes, why not")
    await thread.answer()
    await thread.hand_over()
    for _ in range(2):
        await measure(thread)
        assert await by_conversation(thread) == (6, 1, 1)
        assert await figures(thread) == (6, 1, 1, 1, 0, 0), "what followed six messages of one thread followed once"
    await thread.arrive("STOP")
    await measure(thread)
    assert await figures(thread) == (6, 1, 1, 1, 0, 1)


async def test_an_opt_out_is_no_answer_and_a_draft_that_nobody_sent_no_good_one(thread: Thread) -> None:
    await teach(thread)
    await publish(thread, "Be brief.")
    await thread.arrive("That's far too expensive")
    await thread.answer()
    await thread.hand_over()
    await thread.tenant.execute(
        "INSERT INTO replies (organization_id, id, conversation_id, answers_id, status, sentiment, lessons,"
        " breaches, prompt_version, model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms,"
        " created_at) SELECT organization_id, uuidv7(), conversation_id, answers_id, 'draft', 'HOT', '{}', '{}',"
        " prompt_version, 'm', 0, 0, 0, 0, 0, business_now() FROM replies WHERE organization_id = $1"
    )
    await measure(thread)
    assert await figures(thread) == (1, 0, 0, 0, 0, 0)
    await thread.arrive("STOP")
    await measure(thread)
    assert await figures(thread) == (1, 0, 0, 0, 0, 1)
    stood = await thread.tenant.value("SELECT xmin::text FROM replies WHERE organization_id = $1 AND status = 'sent'")
    await measure(thread)
    still = await thread.tenant.value("SELECT xmin::text FROM replies WHERE organization_id = $1 AND status = 'sent'")
    assert still == stood, "what is as it was is not written again"


async def test_a_message_counts_from_when_it_left_and_one_that_never_did_not_at_all(thread: Thread) -> None:
    await teach(thread)
    await publish(thread, "Be brief.")
    await thread.arrive("That's far too expensive")
    await thread.answer()
    await measure(thread)
    assert await figures(thread) is None, "it is still to leave"
    await thread.tenant.execute(
        "UPDATE messages SET status = 'cancelled' WHERE organization_id = $1 AND direction = 'outbound'"
    )
    await measure(thread)
    assert await figures(thread) == (0, 0, 0, 0, 0, 0)
    settled = "SELECT settled FROM replies WHERE organization_id = $1 AND status = 'sent'"
    assert await thread.tenant.value(settled), "it is looked at no more"


async def test_a_trial_that_harms_is_rolled_back_and_one_that_helps_is_promoted(thread: Thread) -> None:
    await publish(thread, "Old.")
    for share, booked_new, booked_old, status in ((50, 0, 30, "rolled_back"), (50, 60, 10, "promoted")):
        number = await publish(thread, f"New {booked_new}.", share=share)
        old = await thread.tenant.value("SELECT live FROM prompts WHERE organization_id = $1")
        for version, booked in ((number, booked_new), (old, booked_old)):
            await conversations(thread, f"master-0/reply-{version}", 120, booked)
        await measure(thread)
        shown = await show(thread)
        assert shown.canary is not None
        assert (shown.canary.status, shown.live.version) == (status, number if status == "promoted" else old)
        assert (shown.canary.new.conversations, shown.canary.new.booked) == (120, booked_new)
    assert await thread.events("prompt.canary_decided") == 2
    at_once = await thread.tenant.value(
        "SELECT c.ended_at = p.made_live_at FROM canaries c JOIN prompts p ON p.organization_id = $1"
        " AND p.id = c.prompt_id WHERE c.organization_id = $1 AND c.status = 'promoted'"
    )
    assert at_once, "by this a promotion is known: it is no choice of people's"


async def test_what_a_version_leaves_to_people_counts_for_it_with_what_followed(thread: Thread) -> None:
    lesson = await teach(thread)
    await publish(thread, "Old.")
    await publish(thread, "New.", share=50)
    thread.writer.ready = [said(ANSWER, confidence=0.1, lessons=(lesson,))]
    await thread.arrive("That's far too expensive")
    await thread.answer()
    assert (await thread.row())["attention"] == "low_confidence"
    await measure(thread)
    [written] = await thread.written()
    is_new = written["prompt_version"] == "master-0/reply-2"

    async def side() -> tuple[int, int, int]:
        shown = await canary(thread)
        counted = shown.new if is_new else shown.old
        return counted.conversations, counted.handed_over, counted.replied

    assert await side() == (1, 1, 0)
    assert not any(await figures(thread) or ()), "a lesson is not applied by what was not sent"
    async with thread.tenant.use(ReplyDrafts) as drafts:
        await drafts.send(SendReply(lead_id=thread.lead_id, message_id=written["id"]))
    await thread.hand_over()
    await thread.arrive("Yes please")
    await measure(thread)
    assert await side() == (1, 1, 1)
    assert await figures(thread) == (1, 0, 1, 0, 0, 0), "and once it is, it counts whole"


async def test_trial_and_hold_out_are_two_sums_and_each_conversation_stands_once_in_each(thread: Thread) -> None:
    await publish(thread, "Old.")
    await publish(thread, "New.", share=50, hold_out=10)
    old = await conversations(thread, "master-0/reply-1", 100, 0)
    await conversations(thread, "master-0/reply-2", 100, 60)
    await measure(thread)
    shown = await canary(thread)
    assert (shown.status, shown.held_out is not None) == ("promoted", True)
    await write_again(thread, old[:90], "master-0/reply-2")  # they are answered anew from now on
    await write_again(thread, old[90:], "master-0/reply-1")
    for text in ("Newer.", "Newest."):
        shown = await canary(thread)
        assert (shown.new.conversations, shown.old.conversations) == (100, 100), "the trial's sum moves no more"
        assert shown.held_out is not None
        assert (shown.held_out.new.conversations, shown.held_out.old.conversations) == (90, 10)
        await publish(thread, text)
        await conversations(thread, "master-0/reply-2", 5, 0)


async def test_whoever_makes_a_text_live_again_hears_which_trial_rolled_it_back(thread: Thread) -> None:
    await publish(thread, "Old.")
    await publish(thread, "Pushy.", share=50)
    await conversations(thread, "master-0/reply-1", 120, 60)
    await conversations(thread, "master-0/reply-2", 120, 0)
    await measure(thread)
    assert (await canary(thread)).status == "rolled_back"
    for text, failed in (("Other.", None), ("Pushy.", 2)):
        await draft(thread, text)
        async with thread.tenant.use(Prompts) as prompts:
            made = await prompts.make_live(PromptType.REPLY, MakeLive())
        before = made.rolled_back_before
        assert (None if before is None else before.version) == failed
    assert before is not None
    assert (before.reason or "").startswith("Fewer leads booked: 0 of 120")


async def test_what_is_long_past_is_counted_no_more(thread: Thread) -> None:
    await publish(thread, "Old.")
    await publish(thread, "New.", hold_out=10)
    for version, old, new in (("master-0/reply-1", 3, 2), ("master-0/reply-2", 30, 20)):
        await conversations(thread, version, old, old)
        await age(thread, days=91)
        await conversations(thread, version, new, new)
    async with thread.tenant.sql() as connection:
        for statement in (
            "UPDATE prompts SET made_live_at = made_live_at - interval '1 year' WHERE organization_id = $1",
            "UPDATE canaries SET started_at = started_at - interval '1 year', ended_at = ended_at - interval '1 year'"
            " WHERE organization_id = $1",
        ):
            await connection.execute(statement, thread.tenant.organization_id)
    shown = await show(thread)
    assert shown.performance.conversations_using == 20
    assert shown.canary is not None
    assert shown.canary.held_out is not None
    assert (shown.canary.held_out.new.conversations, shown.canary.held_out.old.conversations) == (20, 0)


async def test_nobody_waits_for_the_counting_who_ends_a_trial_by_hand(thread: Thread) -> None:
    await publish(thread, "Old.")
    await publish(thread, "New.", share=50)
    await conversations(thread, "master-0/reply-1", 120, 10)
    await conversations(thread, "master-0/reply-2", 120, 60)

    @dataclass(frozen=True)
    class Counting:
        canaries: CanaryStore

        def __getattr__(self, name: str) -> Any:
            return getattr(self.canaries, name)

        async def sides(self, canary: Canary, phase: Phase) -> tuple[Side, Side]:
            async with thread.tenant.use(Prompts) as prompts:
                await prompts.roll_back(PromptType.REPLY, RollBack(version=1))
            return await self.canaries.sides(canary, phase)

    async with thread.tenant.use(Measuring, thread.tenant.system()) as measuring:
        await replace(measuring, canaries=cast("CanaryStore", Counting(measuring.canaries))).run()
    shown = await canary(thread)
    assert (shown.status, shown.new.booked) == ("stopped", 60)
    assert await thread.events("prompt.canary_decided") == 0
