"""Steps of whoever teaches, makes prompts live and looks what followed."""

from typing import Any
from uuid import UUID

from application.coaching.lesson_forms import NewLesson
from application.coaching.lessons import Lessons
from application.coaching.measuring import Measuring
from application.coaching.prompt_forms import CanaryView, DraftPrompt, MakeLive, PromptView
from application.coaching.prompts import Prompts
from domain.coaching.lesson import LessonType
from domain.coaching.prompt import PromptType
from tests.answered import answered
from tests.application.messaging.replying import Thread

SAY = "There are ways to bring it down; shall we go through them together on a quick call?"
ANSWER = "A colleague will go through it with you."


async def draft(thread: Thread, text: str, kind: PromptType = PromptType.REPLY) -> None:
    """Edit the draft."""
    async with thread.tenant.use(Prompts) as prompts:
        await prompts.draft(kind, DraftPrompt(system_prompt=text), None)


async def publish(thread: Thread, text: str, kind: PromptType = PromptType.REPLY, **command: Any) -> int:
    """Edit the draft and make it live; gives its version."""
    await draft(thread, text, kind)
    async with thread.tenant.use(Prompts) as prompts:
        return (await prompts.make_live(kind, MakeLive(**command))).version


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


async def measure(thread: Thread) -> None:
    """Look what followed."""
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


async def by_conversation(thread: Thread) -> tuple[int, ...]:
    """Give how often a lesson was applied, in how many conversations, and in how many of them it succeeded."""
    async with thread.tenant.sql() as connection:
        row = await connection.fetchrow(
            "SELECT applied, conversations, succeeded FROM lesson_figures WHERE organization_id = $1",
            thread.tenant.organization_id,
        )
    return tuple(row.values())


async def age(thread: Thread, days: int) -> None:
    """Let all that was answered so far be some days older."""
    await thread.tenant.execute(
        "UPDATE replies SET created_at = created_at - make_interval(days => $2) WHERE organization_id = $1", days
    )


async def show(thread: Thread, kind: PromptType = PromptType.REPLY) -> PromptView:
    """Show a prompt."""
    async with thread.tenant.use(Prompts) as prompts:
        return await prompts.show(kind)


async def canary(thread: Thread, kind: PromptType = PromptType.REPLY) -> CanaryView:
    """Show the latest trial."""
    shown = (await show(thread, kind)).canary
    assert shown is not None
    return shown


async def write_again(thread: Thread, ids: list[UUID], version: str) -> None:
    """Answer conversations once more, with a version."""
    await thread.tenant.execute(
        "INSERT INTO replies (organization_id, id, conversation_id, status, lessons, breaches, prompt_version,"
        " model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at, settled)"
        " SELECT $1, uuidv7(), t, 'sent', '{}', '{}', $2, 'm', 0, 0, 0, 0, 0, business_now(), true"
        " FROM unnest($3::uuid[]) t",
        version,
        ids,
    )


async def conversations(thread: Thread, version: str, count: int, booked: int) -> list[UUID]:
    """Write conversations that were answered with a version, of which some came to a call."""
    statement, *parameters = answered(version, count, booked=booked)
    async with thread.tenant.sql() as connection:
        rows = await connection.fetch(statement, thread.tenant.organization_id, *parameters)
    return [row["conversation_id"] for row in rows]
