"""What followed the AI's messages, and what that means for trials: looked at every hour, with nobody asked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.agenda import Agenda
from application.coaching.prompt_ports import CanaryStore, Looked, Outcomes, PromptStore
from application.ports import Clock, UnitOfWork, effect
from domain.coaching.canary import CanaryStatus, Phase, decide

MEASURE = "coaching.measure"
EVERY = timedelta(hours=1)
AT_ONCE = 500
_FIRST = Looked(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True)
class Measuring:
    """Follow what is live."""

    uow: UnitOfWork
    clock: Clock
    outcomes: Outcomes
    canaries: CanaryStore
    prompts: PromptStore
    agenda: Agenda

    @effect
    async def run(self) -> None:
        """Count what followed, end the trials of which enough is known, and come back in an hour."""
        async with self.uow:
            since = self.clock.now()
            await self.agenda.no_later_than(MEASURE, since + EVERY)
            looked = await self.outcomes.measure(since, _FIRST, AT_ONCE)
        while looked is not None:
            async with self.uow:
                looked = await self.outcomes.measure(since, looked, AT_ONCE)
        await self._decide()

    async def _decide(self) -> None:
        async with self.uow:
            now = self.clock.now()
            for prompt_type in await self.canaries.tried():
                prompt = await self.prompts.locked(prompt_type)
                canary = None if prompt is None else await self.canaries.open_of(prompt.id)
                if prompt is None or canary is None or canary.status is not CanaryStatus.RUNNING:
                    continue
                phase = Phase(canary.started_at, None)
                decision = decide(*await self.canaries.sides(canary, phase), now - canary.started_at)
                if decision is None:
                    continue
                self.uow.publish(canary.end(decision, now))
                await self.canaries.save(canary)
                if decision.status is CanaryStatus.PROMOTED:
                    self.uow.publish(prompt.make_live(canary.number, now))
                    await self.prompts.save(prompt)
