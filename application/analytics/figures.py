"""The port through which counts are read, and what is made of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from application.analytics.views import (
    ArmView,
    ChangeView,
    DatasetFigures,
    DayCount,
    DayValue,
    FunnelView,
    MetricsView,
    ShareView,
    TextsView,
    TopLessonOfDataset,
    TouchResults,
    TrendsView,
)
from domain.analytics.period import Period
from domain.analytics.tally import TEXTS, Arm, Kind, What
from domain.statistics import Share, leader

MOST_OWN = 5_000
"""So many leads of one person are counted one by one."""
LEAST_CONVERSATIONS = 10
"""In fewer conversations of a dataset a lesson says too little to stand among the best."""
MOST_LESSONS = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """Hold a count of one kind, on one day or in one dataset."""

    day: date | None
    dataset_id: UUID | None
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Tell how many leads of a dataset stand how now."""

    dataset_id: UUID | None
    contact_status: str
    count: int


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """Tell of one campaign."""

    id: UUID
    status: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Performed:
    """Tell in which share of a dataset's conversations what was hoped for followed a lesson."""

    dataset_id: UUID
    lesson_id: UUID
    title: str
    share: Share


class Figures(Protocol):
    """Read what was counted, of what the actor may see: all, some datasets, or the leads that are theirs."""

    async def calendar(self) -> tuple[datetime, str, datetime | None]:
        """Tell business time, the organisation's zone, and since when anything was counted."""
        ...

    async def datasets(self) -> Sequence[tuple[UUID, str]]:
        """Name the datasets that the actor may see, the latest first."""
        ...

    async def by_day(self, period: Period, dataset_id: UUID | None) -> Sequence[Counted]:
        """Count by day; a person's own leads one by one, or `Conflict` where they are too many."""
        ...

    async def by_dataset(self, period: Period) -> Sequence[Counted]:
        """Count by dataset."""
        ...

    async def lessons(self, period: Period, least: int) -> Sequence[Performed]:
        """Give the active lessons applied in at least so many conversations of a dataset in a period."""
        ...

    async def standing(self, dataset_id: UUID | None) -> Sequence[Standing]:
        """Count leads as they stand now."""
        ...

    async def sentiments(self, dataset_id: UUID | None) -> Mapping[str, int]:
        """Count leads by how they last sounded."""
        ...

    async def campaign(self, dataset_id: UUID) -> CampaignFacts | None:
        """Find a dataset's campaign."""
        ...

    async def results(self, campaign_id: UUID, dataset_id: UUID) -> Mapping[Arm, int]:
        """Count what came of each touch's wordings."""
        ...


@dataclass(frozen=True, slots=True)
class Counts:
    """Add up what was counted."""

    totals: Counter[str] = field(default_factory=Counter)
    days: dict[date | None, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def of(cls, counted: Iterable[Counted]) -> "Counts":
        """Gather them."""
        made = cls()
        for one in counted:
            made.totals[one.kind] += one.count
            made.days[one.day][one.kind] += one.count
        return made

    def daily(self, period: Period, *kinds: Kind) -> list[DayCount]:
        """Count each day of a period, without gaps."""
        none: Counter[str] = Counter()
        return [
            DayCount(date=day, count=sum(self.days.get(day, none)[kind] for kind in kinds)) for day in period.days()
        ]

    def share(self, kind: Kind) -> Share:
        """Give the share of the leads contacted."""
        return Share(self.totals[kind], self.totals[Kind.CONTACTED])

    @property
    def texts_until_booked(self) -> float | None:
        """Give how many texts a lead that booked had got by then."""
        booked = self.totals[Kind.CONTACTED_BOOKED]
        return round(self.totals[Kind.TEXTS_UNTIL_BOOKED] / booked, 2) if booked else None


def metrics(counts: Counts, standing: Counter[str], active: Iterable[str]) -> MetricsView:
    """Show the figures."""
    totals = counts.totals
    return MetricsView(
        total_leads=standing.total(),
        active_leads=sum(standing[status] for status in active),
        hot_leads=standing["HOT"],
        converted=standing["CONVERTED"],
        messages_sent=TextsView(
            m1=totals[Kind.M1],
            m2=totals[Kind.M2],
            m3=totals[Kind.M3],
            ai_responses=totals[Kind.AI_REPLIES],
            manual=totals[Kind.MANUAL],
            other=totals[Kind.OTHER],
            total=sum(totals[kind] for kind in TEXTS),
        ),
        replies_received=totals[Kind.REPLIES],
        leads_replied=totals[Kind.FIRST_REPLIES],
        calls_booked=totals[Kind.BOOKINGS],
        calls_cancelled=totals[Kind.CANCELLATIONS],
        opted_out=totals[Kind.OPT_OUTS],
        conversions=totals[Kind.CONVERSIONS],
        leads_contacted=totals[Kind.CONTACTED],
        reply_rate=counts.share(Kind.CONTACTED_REPLIED).percent,
        booking_rate=counts.share(Kind.CONTACTED_BOOKED).percent,
        conversion_rate=counts.share(Kind.CONTACTED_CONVERTED).percent,
        opt_out_rate=counts.share(Kind.CONTACTED_OPTED_OUT).percent,
    )


def trends(counts: Counts, period: Period) -> TrendsView:
    """Show each day."""
    return TrendsView(
        daily_messages=counts.daily(period, *TEXTS),
        daily_replies=counts.daily(period, Kind.REPLIES),
        daily_bookings=counts.daily(period, Kind.BOOKINGS),
    )


def change(counts: Counts, before: Counts | None, period: Period, *kinds: Kind) -> ChangeView:
    """Show a total against the one before."""
    total = sum(counts.totals[kind] for kind in kinds)
    earlier = 0 if before is None else sum(before.totals[kind] for kind in kinds)
    return ChangeView(
        total=total,
        change=round(100 * (total - earlier) / earlier, 2) if earlier else None,
        trend=[DayValue(date=one.date, value=one.count) for one in counts.daily(period, *kinds)],
    )


def funnel(counts: Counts, leads: int) -> FunnelView:
    """Show how many came how far."""
    return FunnelView(
        leads=leads,
        contacted=counts.totals[Kind.CONTACTED],
        replied=_shown(counts.share(Kind.CONTACTED_REPLIED)),
        hot=_shown(counts.share(Kind.CONTACTED_HOT)),
        booked=_shown(counts.share(Kind.CONTACTED_BOOKED)),
        converted=_shown(counts.share(Kind.CONTACTED_CONVERTED)),
        opted_out=_shown(counts.share(Kind.CONTACTED_OPTED_OUT)),
    )


def touches(results: Mapping[Arm, int]) -> list[TouchResults]:
    """Show each touch's wordings beside each other."""
    of_touch: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (_, touch, variant, what), count in results.items():
        of_touch[touch][variant][what] += count
    return [_touch(touch, of_touch[touch]) for touch in sorted(of_touch)]


def _touch(touch: str, variants: Mapping[str, Counter[str]]) -> TouchResults:
    def shares(what: What) -> dict[str, Share]:
        return {name: Share(count[what], count["sent"]) for name, count in variants.items()}

    replied, booked, opted_out = shares(What.REPLY), shares(What.BOOKING), shares(What.OPT_OUT)
    return TouchResults(
        touch=touch,
        variants=[
            ArmView(
                variant=name,
                sent=variants[name]["sent"],
                replied=_shown(replied[name]),
                booked=_shown(booked[name]),
                opted_out=_shown(opted_out[name]),
            )
            for name in sorted(variants)
        ],
        leads_by_replies=leader(replied),
        leads_by_bookings=leader(booked),
    )


def _shown(share: Share) -> ShareView:
    return ShareView(count=share.cases, percent=share.percent, interval=share.percents)


async def side_by_side(figures: Figures, period: Period) -> list[DatasetFigures]:
    """Show every dataset that the actor may see beside the others."""
    counted: defaultdict[UUID | None, list[Counted]] = defaultdict(list)
    for one in await figures.by_dataset(period):
        counted[one.dataset_id].append(one)
    performed: defaultdict[UUID, list[Performed]] = defaultdict(list)
    for lesson in await figures.lessons(period, LEAST_CONVERSATIONS):
        performed[lesson.dataset_id].append(lesson)
    leads: Counter[UUID | None] = Counter()
    for standing in await figures.standing(None):
        leads[standing.dataset_id] += standing.count
    return [
        _of_dataset(identifier, name, leads[identifier], Counts.of(counted[identifier]), performed[identifier])
        for identifier, name in await figures.datasets()
    ]


def _of_dataset(
    identifier: UUID, name: str, leads: int, counts: Counts, performed: Sequence[Performed]
) -> DatasetFigures:
    return DatasetFigures(
        dataset_id=identifier,
        name=name,
        total_leads=leads,
        leads_contacted=counts.totals[Kind.CONTACTED],
        reply_rate=counts.share(Kind.CONTACTED_REPLIED).percent,
        booking_rate=counts.share(Kind.CONTACTED_BOOKED).percent,
        conversion_rate=counts.share(Kind.CONTACTED_CONVERTED).percent,
        opt_out_rate=counts.share(Kind.CONTACTED_OPTED_OUT).percent,
        avg_messages_to_booking=counts.texts_until_booked,
        top_performing_lessons=_top(performed),
    )


def _top(performed: Sequence[Performed]) -> list[TopLessonOfDataset]:
    """Take those whose share is at least highest: one of one is no better than nine of ten."""
    shown = [
        TopLessonOfDataset(
            lesson_id=one.lesson_id,
            title=one.title,
            conversations=one.share.of,
            success_rate=one.share.percent,
            interval=one.share.percents,
        )
        for one in performed
        if one.share.percent is not None and one.share.percents is not None
    ]
    return sorted(shown, key=lambda one: (-one.interval[0], one.title, one.lesson_id))[:MOST_LESSONS]
