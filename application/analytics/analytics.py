"""How it goes: figures of all that somebody may see, or of the leads that are theirs."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from application.analytics.figures import Counts, Figures, change, funnel, metrics, side_by_side, touches, trends
from application.analytics.views import (
    CampaignResults,
    ComparisonFilter,
    ComparisonView,
    Covers,
    OverviewFilter,
    OverviewView,
    PeriodView,
)
from application.ports import Actor, UnitOfWork
from domain.analytics.period import Period, period_of
from domain.analytics.tally import TEXTS
from domain.identity.role import Permission
from domain.kernel import NotFound
from domain.outreach.contact_status import ACTIVE, ContactStatus

SENTIMENTS = ("POSITIVE", "NEGATIVE", "NEUTRAL", "HOT", "UNCLEAR")


@dataclass(frozen=True)
class Analytics:
    """Read what was counted."""

    actor: Actor
    uow: UnitOfWork
    figures: Figures

    async def overview(self, asked: OverviewFilter) -> OverviewView:
        """Show how reactivation goes, in all or in one dataset."""
        self.actor.require(Permission.ANALYTICS_READ)
        async with self.uow.reading():
            await self._require_dataset(asked.dataset_id)
            period = await self._period(asked)
            is_all = asked.from_ is None and asked.time_range in (None, "all")
            counts = Counts.of(await self.figures.by_day(period, asked.dataset_id))
            before = None if is_all else Counts.of(await self.figures.by_day(period.before(), asked.dataset_id))
            standing: Counter[str] = Counter()
            for one in await self.figures.standing(asked.dataset_id):
                standing[one.contact_status] += one.count
            sentiments = await self.figures.sentiments(asked.dataset_id)
        return OverviewView(
            period=_shown(period),
            covers=self._covers(),
            metrics=metrics(counts, standing, ACTIVE),
            sentiment_breakdown={name: sentiments.get(name, 0) for name in SENTIMENTS},
            status_breakdown={status.value: standing[status] for status in ContactStatus},
            trends=trends(counts, period),
            messages=change(counts, before, period, *TEXTS),
        )

    async def comparison(self, asked: ComparisonFilter) -> ComparisonView:
        """Show datasets side by side."""
        self.actor.require(Permission.ANALYTICS_READ)
        async with self.uow.reading():
            period = await self._period(asked)
            datasets = await side_by_side(self.figures, period)
        return ComparisonView(period=_shown(period), covers=self._covers(), datasets=datasets)

    async def campaign(self, dataset_id: UUID) -> CampaignResults:
        """Show what a dataset's campaign came to, and which wording did best."""
        self.actor.require(Permission.ANALYTICS_READ)
        async with self.uow.reading():
            await self._require_dataset(dataset_id)
            campaign = await self.figures.campaign(dataset_id)
            if campaign is None:
                raise NotFound("This dataset has no campaign.")
            now, zone, since = await self.figures.calendar()
            period = period_of("all", None, None, now=now, zone=zone, since=since)
            counts = Counts.of(await self.figures.by_day(period, dataset_id))
            leads = sum(one.count for one in await self.figures.standing(dataset_id))
            results = await self.figures.results(campaign.id, dataset_id)
        return CampaignResults(
            dataset_id=dataset_id,
            status=campaign.status,
            started_at=campaign.started_at,
            covers=self._covers(),
            funnel=funnel(counts, leads),
            touches=touches(results),
        )

    async def _require_dataset(self, dataset_id: UUID | None) -> None:
        if dataset_id is not None and dataset_id not in {one for one, _ in await self.figures.datasets()}:
            raise NotFound("There is no such dataset.")

    async def _period(self, asked: OverviewFilter | ComparisonFilter) -> Period:
        now, zone, since = await self.figures.calendar()
        return period_of(asked.time_range, asked.from_, asked.to, now=now, zone=zone, since=since)

    def _covers(self) -> Covers:
        if not self.actor.sees_all_leads:
            return "own_leads"
        return "everything" if self.actor.dataset_ids is None else "datasets"


def _shown(period: Period) -> PeriodView:
    return PeriodView(from_=period.first, to=period.last, time_zone=period.zone)
