"""A campaign whose touches the AI writes: started, and worked step by step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.messaging.sending import Sending
from application.messaging.touch_writing import TouchWriting
from application.outreach.campaign_forms import ScheduleIn, SettingsIn, StartCampaign, TouchIn, VariantIn
from application.outreach.campaign_views import AiTextCounts
from application.outreach.campaigns import Campaigns
from application.outreach.planning import Planning
from domain.outreach.campaign import TextFrom
from tests.application.messaging.replying import Thread
from tests.application.outreach.test_planning import phones, rows

TEMPLATE = "Hello from the template. Reply STOP to opt out."
WAY_OUT = " Reply STOP to opt out."
WORDS = "Hi Ada, it's Bright Windows. Is that still of interest?"


@dataclass
class Campaign:
    """Be a campaign whose touches the AI writes, and its leads."""

    thread: Thread
    dataset: UUID
    leads: Sequence[UUID]

    async def plan(self) -> None:
        """Plan what is due."""
        async with self.thread.tenant.use(Planning, self.thread.tenant.system()) as planning:
            await planning.plan()

    async def write(self) -> None:
        """Write what is due, as the scheduler would have it."""
        await self.rows("UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1")
        async with self.thread.tenant.use(TouchWriting, self.thread.tenant.system()) as writing:
            await writing.write_due()

    async def send(self) -> list[str]:
        """Hand over what is planned; gives all that was sent so far."""
        await self.rows("UPDATE sends SET due_at = business_now() WHERE organization_id = $1 AND state = 'planned'")
        async with self.thread.tenant.use(Sending, self.thread.tenant.system()) as sending:
            await sending.send_due()
        organization = self.thread.tenant.organization_id
        return [text.body for text in self.thread.tenant.texting.taken if text.organization_id == organization]

    async def work(self) -> list[str]:
        """Plan, write, plan and send."""
        await self.plan()
        await self.write()
        await self.plan()
        return await self.send()

    async def counts(self) -> list[tuple[str, str | None, int]]:
        """Tell what became of the texts that the AI was to write."""
        async with self.thread.tenant.use(Campaigns) as campaigns:
            found: list[AiTextCounts] = (await campaigns.show(self.dataset)).ai_texts
        return [(one.status, one.reason, one.count) for one in found]

    async def rows(self, statement: str, *parameters: Any) -> Sequence[Any]:
        """Ask the organisation's rows."""
        return await rows(self.thread.tenant, statement, *parameters)

    async def bodies(self) -> list[str]:
        """List what is planned or was sent."""
        found = await self.rows("SELECT body FROM messages WHERE organization_id = $1 AND category = 'm1'")
        return [row["body"] for row in found]


def by_prompt(*shares: tuple[str, int, TextFrom]) -> SettingsIn:
    """Let each touch be written by the prompt, or by these shares."""
    given = shares or (("A", 100, TextFrom.PROMPT),)
    variants = [VariantIn(template=TEMPLATE, name=name, weight=weight, text_from=kind) for name, weight, kind in given]
    return SettingsIn(
        schedule=ScheduleIn(start="00:00", end="24:00"),
        rate_limit_messages_per_minute=6000,
        touches=[TouchIn(touch="M1", variants=variants), TouchIn(touch="M2", variants=variants)],
    )


async def started(thread: Thread, count: int = 1, settings: SettingsIn | None = None) -> Campaign:
    """Start a campaign of so many leads."""
    dataset = await thread.tenant.dataset()
    leads = [await thread.tenant.lead(phone, dataset) for phone in phones(count)]
    await thread.live_at(13)
    async with thread.tenant.use(Campaigns) as campaigns:
        await campaigns.start(StartCampaign(dataset_id=dataset, settings=settings or by_prompt()))
    return Campaign(thread, dataset, leads)
