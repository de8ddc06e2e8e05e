"""What answers are written with: what is live, never a draft."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from application.coaching.prompt_forms import RollBack
from application.coaching.prompts import Prompts
from domain.coaching.canary import part_of
from domain.coaching.prompt import PromptType
from tests.application.messaging.prompting import (
    ANSWER,
    SAY,
    draft,
    publish,
    teach,
)
from tests.application.messaging.replying import Thread, said
from tests.proofs import Note

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("waking_hours")]


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


async def test_a_trial_decides_by_the_lead(thread: Thread) -> None:
    await publish(thread, "Old.")
    number = await publish(thread, "New.", share=50)
    canary = await thread.tenant.value("SELECT id FROM canaries WHERE organization_id = $1")
    await thread.arrive("How much is it?")
    await thread.answer()
    expected = number if part_of(thread.lead_id, canary) >= 5000 else 1
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
