"""What our messages have in common where they succeed: counted by rules, told in words, raised unless it is chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.agenda import Agenda
from application.coaching.model_access import ModelAccess
from application.coaching.pattern_finding import PatternFinder, PatternTask, Wording, worded
from application.coaching.pattern_forms import DetectPatterns, PatternFilter, PatternsView, PatternView
from application.coaching.raising import Raising
from application.coaching.reviewed import DAILY, AnalysisAllowance, ReviewStore
from application.model_calls import Access, Unusable
from application.model_spending import Spending
from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork, effect
from application.provider import Capabilities, NotConfigured, ProviderError
from domain.coaching.finding import LONGEST_QUOTE, Category, Finding, Quote, Severity
from domain.coaching.pattern import Action, Pattern, Sample, patterns
from domain.coaching.pattern_wording import description_of, title_of
from domain.identity.role import Permission

LOOKED_BACK = timedelta(days=7)
LEAST_DAILY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Hold what was read for a search: one sample a message, and how many conversations they come from."""

    conversations: int
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class WordedPattern:
    """Hold what was found, in words, and the insight that it was raised as."""

    pattern: Pattern
    wording: Wording
    insight_id: UUID | None

    @property
    def lesson(self) -> str | None:
        """Give what could be taught; what may be chance teaches nothing."""
        return None if self.pattern.action is Action.TEST_MORE else self.wording.lesson


class PatternStore(Protocol):
    """Know what is counted, and keep what was found."""

    async def require_dataset(self, dataset_id: UUID) -> None:
        """Refuse with `NotFound` a dataset that is not there for the actor."""
        ...

    async def look(self, dataset_id: UUID | None, since: datetime | None) -> Looked:
        """Read first texts and first answers to leads that the actor may see."""
        ...

    async def sees_all(self) -> bool:
        """Tell whether nothing narrows what the actor sees."""
        ...

    async def keep(self, dataset_id: UUID | None, found: Sequence[WordedPattern], at: datetime) -> None:
        """Write down what was found."""
        ...

    async def find(self, narrowed: PatternFilter, page: PageRequest) -> Found:
        """List what was found in all leads of what the actor may see (`PatternListed`), the latest first."""
        ...


@dataclass(frozen=True)
class Patterns:
    """Search for patterns, on demand and every night."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    store: PatternStore
    reviews: ReviewStore
    finder: PatternFinder
    raising: Raising
    access: ModelAccess
    spending: Spending
    allowance: AnalysisAllowance
    capabilities: Capabilities

    async def find(self, narrowed: PatternFilter, page: PageRequest) -> Found:
        """List what searches found."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            return await self.store.find(narrowed, page)

    async def detect(self, command: DetectPatterns) -> PatternsView:
        """Search one dataset; for whoever sees some of its leads only, among those, and nothing is kept."""
        self.actor.require(Permission.COACH_ANALYZE)
        async with self.uow:  # takes a request's key: a repeated one is answered, not searched and paid again
            await self.store.require_dataset(command.dataset_id)
        async with self.uow.reading():  # and holds nothing open while the model is asked
            looked = await self.store.look(command.dataset_id, None)
        return await self._find(looked, command.dataset_id, command.min_occurrences)

    @effect
    async def detect_daily(self) -> None:
        """Search what was said to everybody in the last seven days, and come again as long as anything was."""
        async with self.uow.reading():
            means = await self.reviews.means()
            looked = await self.store.look(None, means.now - LOOKED_BACK)
        if not means.wanted:
            return
        if looked.conversations:  # what was said today has its chance until tomorrow: it is looked at then
            async with self.uow:
                await self.agenda.no_later_than(DAILY, means.night_at)
        await self._find(looked, None, LEAST_DAILY)

    async def _find(self, looked: Looked, dataset_id: UUID | None, least: int) -> PatternsView:
        found = patterns(looked.samples, least)
        wordings, cost = await self._described(found)
        async with self.uow:
            await self.spending.note("patterns", cost)
            sees_all = await self.store.sees_all()
            insights = await self._raise(looked, found, wordings) if sees_all else {}
            told = [WordedPattern(one, wordings[one.key], insights.get(one.key)) for one in found]
            if sees_all:
                await self.store.keep(dataset_id, told, self.clock.now())
        return PatternsView(conversations=looked.conversations, patterns=[_view(one) for one in told])

    async def _described(self, found: Sequence[Pattern]) -> tuple[Mapping[str, Wording], int]:
        """Ask for words where there is room and money, and take the rules' own for the rest."""
        own = {one.key: worded(one) for one in found}
        telling = [one for one in found if one.action is not Action.TEST_MORE]
        access = await self._access() if telling else None
        if access is None or await self.allowance.take(self.actor.organization_id) > 0:
            return own, 0
        try:
            task = PatternTask(patterns=telling, access=access)
            described = await self.finder.describe(task)
        except Unusable as error:
            return own, error.usage.cost_micros
        except ProviderError:
            return own, 0
        return own | {key: one for key, one in described.wordings.items() if key in own}, described.usage.cost_micros

    async def _access(self) -> Access | None:
        """Give the access to ask with, None where there is no model, no key that opens, or no money left."""
        async with self.uow.reading():
            try:
                await self.capabilities.require("ai")
                access = await self.access.access()
            except NotConfigured:
                return None
            return None if (await self.reviews.means()).spent else access

    async def _raise(
        self, looked: Looked, found: Sequence[Pattern], wordings: Mapping[str, Wording]
    ) -> dict[str, UUID]:
        samples = {sample.message_id: sample for sample in looked.samples}
        raised: dict[str, UUID] = {}
        for one in found:
            if one.action is Action.TEST_MORE:
                continue
            finding = _finding(one, wordings[one.key], samples)
            written = {message_id: samples[message_id].at for message_id in one.examples}
            for made in await self.raising.raise_all([finding], written):
                raised[one.key] = made.id
        return raised


def _finding(one: Pattern, wording: Wording, samples: Mapping[UUID, Sample]) -> Finding:
    """Make a finding whose title is the rules' own, so that it is the same one every night."""
    return Finding(
        rule=f"pattern_{one.key}",
        category=Category.STRATEGY,
        severity=Severity.SUGGESTION,
        title=title_of(one),
        description=f"{wording.description} {description_of(one)}" if wording != worded(one) else description_of(one),
        suggestion=wording.suggestion,
        suggested_text=None,
        quotes=[Quote(m, samples[m].text.strip()[:LONGEST_QUOTE].strip()) for m in one.examples],
        is_pattern=True,
    )


def _view(told: WordedPattern) -> PatternView:
    one, wording = told.pattern, told.wording
    return PatternView(
        step=one.step,
        feature=one.feature,
        title=wording.title,
        pattern_description=wording.description,
        occurrences=one.occurrences,
        success_rate=round(100 * one.success_rate, 1),
        other_occurrences=one.others,
        other_success_rate=round(100 * one.other_rate, 1),
        p_value=one.p_value,
        recommended_action=one.action,
        suggested_lesson=told.lesson,
        insight_id=told.insight_id,
        message_ids=list(one.examples),
    )
