"""What people are shown of what was counted."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import field

from application.ports import Filter, View

TimeRange = Literal["today", "week", "month", "all"]
Covers = Literal["everything", "datasets", "own_leads", "visible_leads"]


class OverviewFilter(Filter, frozen=True):
    """Choose one dataset, and the days by name or by their first and last."""

    dataset_id: UUID | None = None
    time_range: TimeRange | None = None
    from_: date | None = field(default=None, name="from")
    to: date | None = None


class ComparisonFilter(Filter, frozen=True):
    """Choose the days in which the leads were first texted."""

    time_range: TimeRange | None = None
    from_: date | None = field(default=None, name="from")
    to: date | None = None


class PeriodView(View, frozen=True):
    """Show which days are counted, both ends included, in the organisation's zone."""

    from_: date = field(name="from")
    to: date
    time_zone: str


class TextsView(View, frozen=True):
    """Count texts that a provider took, by who wrote them."""

    m1: int
    m2: int
    m3: int
    ai_responses: int
    manual: int
    other: int
    total: int


class MetricsView(View, frozen=True):
    """Show the figures: leads, hot and converted as they stand now, what happened in the period, and shares in percent.

    A share is of the leads that were first texted in the period, whenever they answered; null of none.
    """

    total_leads: int
    active_leads: int
    hot_leads: int
    converted: int
    messages_sent: TextsView
    replies_received: int
    leads_replied: int
    calls_booked: int
    calls_cancelled: int
    opted_out: int
    conversions: int
    leads_contacted: int
    reply_rate: float | None
    booking_rate: float | None
    conversion_rate: float | None
    opt_out_rate: float | None


class DayCount(View, frozen=True):
    """Count one day."""

    date: date
    count: int


class TrendsView(View, frozen=True):
    """Count every day of the period, those on which nothing happened too."""

    daily_messages: list[DayCount]
    daily_replies: list[DayCount]
    daily_bookings: list[DayCount]


class DayValue(View, frozen=True):
    """Show one day's value."""

    date: date
    value: int


class ChangeView(View, frozen=True):
    """Show a total, its change in percent against as many days before, and each day; a change from nothing is null."""

    total: int
    change: float | None
    trend: list[DayValue]


class OverviewView(View, frozen=True):
    """Show how reactivation goes."""

    period: PeriodView
    covers: Covers
    metrics: MetricsView
    sentiment_breakdown: dict[str, int]
    status_breakdown: dict[str, int]
    trends: TrendsView
    messages: ChangeView
    example: ClassVar[dict[str, Any]] = {
        "period": {"from": "2026-03-02", "to": "2026-03-03", "time_zone": "Europe/London"},
        "covers": "everything",
        "metrics": {
            "total_leads": 600,
            "active_leads": 560,
            "hot_leads": 12,
            "converted": 3,
            "messages_sent": {
                "m1": 525,
                "m2": 0,
                "m3": 0,
                "ai_responses": 40,
                "manual": 4,
                "other": 9,
                "total": 578,
            },
            "replies_received": 61,
            "leads_replied": 48,
            "calls_booked": 9,
            "calls_cancelled": 1,
            "opted_out": 8,
            "conversions": 3,
            "leads_contacted": 525,
            "reply_rate": 9.14,
            "booking_rate": 1.71,
            "conversion_rate": 0.57,
            "opt_out_rate": 1.52,
        },
        "sentiment_breakdown": {"POSITIVE": 20, "NEGATIVE": 9, "NEUTRAL": 7, "HOT": 12, "UNCLEAR": 2},
        "status_breakdown": {"READY": 67, "CONTACTED": 477, "REPLIED": 9, "HOT": 12, "CALL_BOOKED": 8},
        "trends": {
            "daily_messages": [{"date": "2026-03-02", "count": 530}, {"date": "2026-03-03", "count": 48}],
            "daily_replies": [{"date": "2026-03-02", "count": 44}, {"date": "2026-03-03", "count": 17}],
            "daily_bookings": [{"date": "2026-03-02", "count": 5}, {"date": "2026-03-03", "count": 4}],
        },
        "messages": {
            "total": 578,
            "change": None,
            "trend": [{"date": "2026-03-02", "value": 530}, {"date": "2026-03-03", "value": 48}],
        },
    }


class TopLessonOfDataset(View, frozen=True):
    """Show a lesson by the share, in percent, of the conversations with a dataset's leads in which it was applied in
    the period and a good answer or a booked call followed within seven days."""

    lesson_id: UUID
    title: str
    conversations: int
    success_rate: float
    interval: tuple[float, float]


class DatasetFigures(View, frozen=True):
    """Show one dataset beside others; shares are of the leads first texted in the period."""

    dataset_id: UUID
    name: str
    total_leads: int
    leads_contacted: int
    reply_rate: float | None
    booking_rate: float | None
    conversion_rate: float | None
    opt_out_rate: float | None
    avg_messages_to_booking: float | None
    top_performing_lessons: list[TopLessonOfDataset]


class ComparisonView(View, frozen=True):
    """Show datasets side by side, the latest first."""

    period: PeriodView
    covers: Covers
    datasets: list[DatasetFigures]
    example: ClassVar[dict[str, Any]] = {
        "period": {"from": "2026-03-02", "to": "2026-03-31", "time_zone": "Europe/London"},
        "covers": "everything",
        "datasets": [
            {
                "dataset_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                "name": "Website enquiries 2023",
                "total_leads": 525,
                "leads_contacted": 520,
                "reply_rate": 18.27,
                "booking_rate": 4.42,
                "conversion_rate": 0.96,
                "opt_out_rate": 1.73,
                "avg_messages_to_booking": 3.4,
                "top_performing_lessons": [
                    {
                        "lesson_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4",
                        "title": "Too expensive",
                        "conversations": 40,
                        "success_rate": 55.0,
                        "interval": [39.83, 69.29],
                    }
                ],
            }
        ],
    }


class ShareView(View, frozen=True):
    """Show how many, the share in percent, and between which shares the true one lies with 95 % confidence."""

    count: int
    percent: float | None
    interval: tuple[float, float] | None


class FunnelView(View, frozen=True):
    """Show how many leads came how far; shares are of those contacted."""

    leads: int
    contacted: int
    replied: ShareView
    hot: ShareView
    booked: ShareView
    converted: ShareView
    opted_out: ShareView


class ArmView(View, frozen=True):
    """Show what came of one wording: each lead counts for the last touch that it had got by then."""

    variant: str
    sent: int
    replied: ShareView
    booked: ShareView
    opted_out: ShareView


class TouchResults(View, frozen=True):
    """Show the wordings of one touch beside each other; who leads is named only once that is sure."""

    touch: str
    variants: list[ArmView]
    leads_by_replies: str | None
    leads_by_bookings: str | None


class CampaignResults(View, frozen=True):
    """Show what a dataset's campaign came to."""

    dataset_id: UUID
    status: str
    started_at: datetime | None
    covers: Covers
    funnel: FunnelView
    touches: list[TouchResults]
    example: ClassVar[dict[str, Any]] = {
        "dataset_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "status": "active",
        "started_at": "2026-03-02T09:00:00Z",
        "covers": "everything",
        "funnel": {
            "leads": 525,
            "contacted": 520,
            "replied": {"count": 95, "percent": 18.27, "interval": [15.19, 21.82]},
            "hot": {"count": 12, "percent": 2.31, "interval": [1.32, 3.99]},
            "booked": {"count": 23, "percent": 4.42, "interval": [2.97, 6.55]},
            "converted": {"count": 5, "percent": 0.96, "interval": [0.41, 2.23]},
            "opted_out": {"count": 9, "percent": 1.73, "interval": [0.91, 3.26]},
        },
        "touches": [
            {
                "touch": "M1",
                "variants": [
                    {
                        "variant": "A",
                        "sent": 260,
                        "replied": {"count": 40, "percent": 15.38, "interval": [11.51, 20.27]},
                        "booked": {"count": 9, "percent": 3.46, "interval": [1.83, 6.45]},
                        "opted_out": {"count": 3, "percent": 1.15, "interval": [0.39, 3.34]},
                    }
                ],
                "leads_by_replies": None,
                "leads_by_bookings": None,
            }
        ],
    }
