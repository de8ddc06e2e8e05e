"""What answers are written with: what is live, never a draft; and what followed them."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

import pytest

from application.coaching.lesson_forms import NewLesson
from application.coaching.lessons import Lessons
from application.coaching.measuring import Measuring
from application.coaching.prompt_forms import CanaryView, DraftPrompt, MakeLive, RollBack
from application.coaching.prompt_ports import CanaryStore
from application.coaching.prompts import Prompts
from application.messaging.reply_drafts import ReplyDrafts, SendReply
from domain.coaching.canary import Canary, Phase, Side, part_of
from domain.coaching.lesson import LessonType
from domain.coaching.prompt import PromptType
from tests.application.messaging.replying import Thread, said
from tests.proofs import Note

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]
SAY = "There are ways to bring it down; shall we go through them together on a quick call?"
ANSWER = "A colleague will go through it with you."


async def draft(thread: Thread, text: str) -> None:
    """Edit the draft."""
    async with thread.tenant.use(Prompts) as prompts:
        await prompts.draft(PromptType.REPLY, DraftPrompt(system_prompt=text), None)


async def publish(thread: Thread, text: str, share: int = 100) -> int:
    """Edit the draft and make it live."""
    await draft(thread, text)
    async with thread.tenant.use(Prompts) as prompts:
        return (await prompts.make_live(PromptType.REPLY, MakeLive(share=share))).version


async def teach(thread: Thread) -> UUID:
    """Write a lesson on what to say to whom it is too expensive."""
    async with thread.tenant.use(Lessons) as lessons:
        await lessons.create(
            NewLesson(
                lesson_type=LessonType.OBJECTION_HANDLING,
                title="Money",
                description="Offer options.",
                trigger="They say that it is too expensive",
                correct_response=SAY,
            )
        )
    found: UUID = await thread.tenant.value("SELECT id FROM lessons WHERE organization_id = $1")
    return found


async def test_an_answer_is_written_with_what_is_live_and_remembers_it(thread: Thread) -> None:
    lesson = await teach(thread)
    await publish(thread, "Be brief.")
    await draft(thread, "Be long.")
    await thread.arrive("That's far too expensive")
    await thread.answer()
    assert await thread.hand_over() == [SAY], "an approved wording is no leak of the prompt"
    [task] = thread.writer.tasks
    assert task.prompt.text.endswith("Be brief.")
    assert "Be long." not in task.prompt.text
    [kept] = await thread.written()
    assert (kept["prompt_version"], kept["lessons"], kept["status"]) == ("master-0/reply-1", [lesson], "sent")


async def test_the_writer_by_rules_follows_its_prompt(thread: Thread) -> None:
    await publish(thread, 'End every answer with "Talk soon."')
    await thread.arrive("How much is it?")
    await thread.answer()
    [text] = await thread.hand_over()
    assert text.endswith("Talk soon.")


async def test_a_trial_decides_by_the_conversation(thread: Thread) -> None:
    await publish(thread, "Old.")
    number = await publish(thread, "New.", share=50)
    canary = await thread.tenant.value("SELECT id FROM canaries WHERE organization_id = $1")
    await thread.arrive("How much is it?")
    await thread.answer()
    conversation = await thread.id()
    expected = number if part_of(conversation, canary) >= 5000 else 1
    assert [row["prompt_version"] for row in await thread.written()] == [f"master-0/reply-{expected}"]


async def race(thread: Thread, rounds: int) -> set[str]:
    """Let drafts be edited, made live and rolled back while answers are written; gives the versions that were used."""
    texts: dict[str, str] = {}
    editor = asyncio.Lock()  # one person edits: whatever lies in the draft when it is published is what goes live

    async def meddle() -> None:
        async with editor:
            await edit()

    async def edit() -> None:
        number = random.randrange(1_000_000)
        await draft(thread, f"DRAFT {number}")
        if random.random() < 0.6:
            made = await publish(thread, f"LIVE {number}")
            texts[f"master-0/reply-{made}"] = f"LIVE {number}"
            await draft(thread, f"DRAFT {number} again")
        elif len(texts) > 1:
            async with thread.tenant.use(Prompts) as prompts:
                shown = await prompts.show(PromptType.REPLY)
                back = random.choice([n for n in range(1, len(texts) + 1) if n != shown.live.version])
                await prompts.roll_back(PromptType.REPLY, RollBack(version=back))

    first = await publish(thread, "LIVE 0")
    texts[f"master-0/reply-{first}"] = "LIVE 0"
    for _ in range(rounds):
        thread.writer.ready = [said(ANSWER)]
        await thread.arrive(f"How much is it, {random.randrange(10**6)}?")
        waiting: list[Callable[[], Awaitable[None]]] = [thread.answer, meddle]
        random.shuffle(waiting)
        if random.random() < 0.5:
            thread.writer.meanwhile = meddle
        await asyncio.gather(*(one() for one in waiting))
        await thread.hand_over()
    written = [row for row in await thread.written() if row["status"] == "sent"]
    assert len(written) == rounds
    assert len(thread.writer.tasks) == rounds
    for row, task in zip(written, thread.writer.tasks, strict=True):
        assert "DRAFT" not in task.prompt.text, "nothing is written with a draft"
        assert task.prompt.version == row["prompt_version"]
        assert task.prompt.text.endswith(texts[row["prompt_version"]]), "a version is what it says"
    return {row["prompt_version"] for row in written}


async def test_no_answer_is_written_with_a_draft_however_it_races(thread: Thread) -> None:
    assert len(await race(thread, 12)) > 1


@pytest.mark.prove
async def test_no_answer_is_written_with_a_draft_in_200_races(thread: Thread, proved: Note) -> None:
    used = await race(thread, 200)
    proved(10, f"200 answers while prompts were drafted, published, rolled back: 0 with a draft, {len(used)} versions")


async def measure(thread: Thread, days: int = 0) -> None:
    """Look what followed, some days from now."""
    async with thread.tenant.sql() as connection:
        await connection.execute(
            "UPDATE replies SET created_at = created_at - make_interval(days => $2), measured_at = NULL"
            " WHERE organization_id = $1 AND $2 > 0",
            thread.tenant.organization_id,
            days,
        )
    async with thread.tenant.use(Measuring, thread.tenant.system()) as measuring:
        await measuring.run()


async def figures(thread: Thread) -> tuple[int, ...] | None:
    """Give a lesson's figures: applied, succeeded, replied, positive, booked, opted out."""
    async with thread.tenant.sql() as connection:
        row = await connection.fetchrow(
            "SELECT applied, succeeded, replied, positive, booked, opted_out FROM lesson_figures"
            " WHERE organization_id = $1",
            thread.tenant.organization_id,
        )
    return None if row is None else tuple(row.values())


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


async def test_an_opt_out_is_no_answer_and_a_draft_that_nobody_sent_no_good_one(thread: Thread) -> None:
    await teach(thread)
    await publish(thread, "Be brief.")
    await thread.arrive("That's far too expensive")
    await thread.answer()
    await thread.hand_over()
    async with thread.tenant.sql() as connection:
        await connection.execute(
            "INSERT INTO replies (organization_id, id, conversation_id, answers_id, status, sentiment, lessons,"
            " breaches, prompt_version, model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms,"
            " created_at) SELECT organization_id, uuidv7(), conversation_id, answers_id, 'draft', 'HOT', '{}', '{}',"
            " prompt_version, 'm', 0, 0, 0, 0, 0, business_now() FROM replies WHERE organization_id = $1",
            thread.tenant.organization_id,
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
    async with thread.tenant.sql() as connection:
        await connection.execute(
            "UPDATE messages SET status = 'cancelled' WHERE organization_id = $1 AND direction = 'outbound'",
            thread.tenant.organization_id,
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
        async with thread.tenant.use(Prompts) as prompts:
            shown = await prompts.show(PromptType.REPLY)
        assert shown.canary is not None
        assert (shown.canary.status, shown.live.version) == (status, number if status == "promoted" else old)
        assert (shown.canary.new.conversations, shown.canary.new.booked) == (120, booked_new)
    assert await thread.events("prompt.canary_decided") == 2


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
    async with thread.tenant.use(Prompts) as prompts:
        await prompts.draft(PromptType.REPLY, DraftPrompt(system_prompt="New."), None)
        await prompts.make_live(PromptType.REPLY, MakeLive(share=50, hold_out=10))
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


async def test_what_is_long_past_is_counted_no_more(thread: Thread) -> None:
    await publish(thread, "Old.")
    async with thread.tenant.use(Prompts) as prompts:
        await prompts.draft(PromptType.REPLY, DraftPrompt(system_prompt="New."), None)
        await prompts.make_live(PromptType.REPLY, MakeLive(hold_out=10))
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
    async with thread.tenant.use(Prompts) as prompts:
        shown = await prompts.show(PromptType.REPLY)
    assert shown.performance.conversations_using == 20
    assert shown.canary is not None
    assert shown.canary.held_out is not None
    assert (shown.canary.held_out.new.conversations, shown.canary.held_out.old.conversations) == (20, 0)


async def age(thread: Thread, days: int) -> None:
    """Let all that was answered so far be some days older."""
    async with thread.tenant.sql() as connection:
        await connection.execute(
            "UPDATE replies SET created_at = created_at - make_interval(days => $2) WHERE organization_id = $1",
            thread.tenant.organization_id,
            days,
        )


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


async def canary(thread: Thread) -> CanaryView:
    """Show the latest trial."""
    async with thread.tenant.use(Prompts) as prompts:
        shown = (await prompts.show(PromptType.REPLY)).canary
    assert shown is not None
    return shown


async def write_again(thread: Thread, ids: list[UUID], version: str) -> None:
    """Answer conversations once more, with a version."""
    async with thread.tenant.sql() as connection:
        await connection.execute(
            "INSERT INTO replies (organization_id, id, conversation_id, status, lessons, breaches, prompt_version,"
            " model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at, settled)"
            " SELECT $1, uuidv7(), t, 'sent', '{}', '{}', $2, 'm', 0, 0, 0, 0, 0, business_now(), true"
            " FROM unnest($3::uuid[]) t",
            thread.tenant.organization_id,
            version,
            ids,
        )


async def conversations(thread: Thread, version: str, count: int, booked: int) -> list[UUID]:
    """Write conversations that were answered with a version, of which some came to a call."""
    async with thread.tenant.sql() as connection:
        rows = await connection.fetch(
            "WITH c AS (INSERT INTO contacts (organization_id, id, first_name, created_at, updated_at)"
            " SELECT $1, uuidv7(), 'Ann', now(), now() FROM generate_series(1, $3::int) RETURNING id),"
            " t AS (INSERT INTO conversations (organization_id, id, contact_id, channel, address, started_at,"
            " last_message_at) SELECT $1, uuidv7(), id, 'sms', id::text, now(), now() FROM c RETURNING id)"
            " INSERT INTO replies (organization_id, id, conversation_id, status, lessons, breaches, prompt_version,"
            " model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at, booked, settled)"
            " SELECT $1, uuidv7(), id, 'sent', '{}', '{}', $2, 'm', 0, 0, 0, 0, 0, business_now(),"
            " row_number() OVER () <= $4, true FROM t RETURNING conversation_id",
            thread.tenant.organization_id,
            version,
            count,
            booked,
        )
    return [row["conversation_id"] for row in rows]
