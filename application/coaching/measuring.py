"""What followed the AI's messages, and what that means for trials: looked at every hour, with nobody asked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.agenda import Agenda
from application.coaching.prompt_ports import CanaryStore, Looked, Outcomes, PromptStore
from application.ports import Clock, UnitOfWork, effect
from domain.coaching.canary import Canary, CanaryStatus, Phase, decide

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
        async with self.uow.reading():
            tried = await self.canaries.tried()
        for canary in tried:
            await self._decide(canary)

    async def _decide(self, tried: Canary) -> None:
        """Count while nothing is held, and end the trial where it still runs: a roll-back waits for no counting."""
        async with self.uow.reading():
            sides = await self.canaries.sides(tried, Phase(tried.started_at, None))
        async with self.uow:
            now = self.clock.now()
            prompt = await self.prompts.locked(tried.prompt_type)
            canary = None if prompt is None else await self.canaries.open_of(prompt.id)
            if prompt is None or canary is None or canary.id != tried.id or canary.status is not CanaryStatus.RUNNING:
                return
            decision = decide(*sides, now - canary.started_at)
            if decision is None:
                return
            self.uow.publish(canary.end(decision, now))
            await self.canaries.save(canary)
            if decision.status is CanaryStatus.PROMOTED:
                self.uow.publish(prompt.make_live(canary.number, now))
                await self.prompts.save(prompt)
