"""Routes of what was counted."""

from uuid import UUID

from application.analytics.analytics import Analytics
from application.analytics.impact import Impact, ImpactView
from application.analytics.views import (
    CampaignResults,
    ComparisonFilter,
    ComparisonView,
    OverviewFilter,
    OverviewView,
)
from entrypoints.http.operation import operation


@operation("GET", "/analytics/overview", "showOverview", "Show how reactivation goes")
async def show_overview(analytics: Analytics, narrowed: OverviewFilter) -> OverviewView:
    """In days of the organisation's zone; `week` and `month` are the last 7 and 30. A rep is shown their own leads."""
    return await analytics.overview(narrowed)


@operation("GET", "/analytics/dataset-comparison", "compareDatasets", "Show datasets side by side")
async def compare_datasets(analytics: Analytics, narrowed: ComparisonFilter) -> ComparisonView:
    """By the leads that were first texted in the period, whenever they answered. `top_performing_lessons` are the three
    active lessons whose success is surest, of those that the AI applied in ten conversations or more in the period."""
    return await analytics.comparison(narrowed)


@operation("GET", "/analytics/campaigns/{dataset_id:uuid}", "showCampaignResults", "Show what a campaign came to")
async def show_campaign_results(analytics: Analytics, dataset_id: UUID) -> CampaignResults:
    """The funnel, and each touch's wordings beside each other with Wilson's intervals of 95 %."""
    return await analytics.campaign(dataset_id)


@operation("GET", "/analytics/coach-impact", "showCoachImpact", "Show what the coach's lessons changed")
async def show_coach_impact(impact: Impact) -> ImpactView:
    """Bookings within seven days of the AI's first answer: of leads answered without lessons, and with."""
    return await impact.show()


ROUTES = (show_overview, compare_datasets, show_campaign_results, show_coach_impact)
