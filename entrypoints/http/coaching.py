"""Routes of the coach: what it found, and reviews on demand."""

from uuid import UUID

import msgspec

from application.coaching.analyses import Analyses
from application.coaching.analysis_forms import AnalysisView, AnalyzeConversation, AnalyzeMessage
from application.coaching.insight_forms import DismissInsight, InsightDetail, InsightFilter, InsightView
from application.coaching.insight_lessons import (
    AgreeWithInsight,
    DisagreeWithInsight,
    InsightLessons,
    LearnedView,
    TaughtView,
)
from application.coaching.insights import Insights
from application.coaching.pattern_forms import DetectPatterns, PatternFilter, PatternListed, PatternsView
from application.coaching.patterns import Patterns
from application.ports import Found, PageRequest
from domain.coaching.finding import Severity
from entrypoints.http.operation import IfMatch, operation

_SEVERITIES = tuple(severity.value for severity in Severity)


@operation("GET", "/coach/insights", "listInsights", "List the coach's insights", shows=InsightView, counts=_SEVERITIES)
async def list_insights(insights: Insights, narrowed: InsightFilter, page: PageRequest) -> Found:
    """Those that wait (`pending`), the latest first; `status=all` for every one. `summary` counts by severity what the
    other filters leave. Words, texts and counts are those of leads that you may see."""
    return await insights.find(narrowed, page)


@operation("GET", "/coach/insights/{insight_id:uuid}", "showInsight", "Show an insight", shows=InsightDetail)
async def show_insight(insights: Insights, insight_id: UUID) -> msgspec.Raw:
    """With the exact words of the messages that show it."""
    return await insights.show(insight_id)


@operation(
    "POST", "/coach/insights/{insight_id:uuid}/view", "viewInsight", "Mark an insight as viewed", status=200,
    shows=InsightDetail,
)  # fmt: skip
async def view_insight(insights: Insights, insight_id: UUID) -> msgspec.Raw:
    """Once is enough; what was decided stays decided."""
    return await insights.view(insight_id)


@operation(
    "POST", "/coach/insights/{insight_id:uuid}/agree", "agreeWithInsight", "Agree with an insight", status=200,
    seconds=40,
)  # fmt: skip
async def agree_with_insight(
    lessons: InsightLessons, insight_id: UUID, body: AgreeWithInsight, version: IfMatch
) -> LearnedView:
    """Makes an active lesson of it, with your note; of a pattern the one that it suggests. A lesson that clashes with
    others is a 409 that names them; `accept_clash` decides for it all the same."""
    return await lessons.agree(insight_id, body, version)


@operation(
    "POST", "/coach/insights/{insight_id:uuid}/disagree", "disagreeWithInsight", "Disagree with an insight", status=200,
    seconds=40,
)  # fmt: skip
async def disagree_with_insight(
    lessons: InsightLessons, insight_id: UUID, body: DisagreeWithInsight, version: IfMatch
) -> TaughtView:
    """Teaches the coach by a lesson of dos and don'ts; it does not raise this again while that lesson is active."""
    return await lessons.disagree(insight_id, body, version)


@operation(
    "POST", "/coach/insights/{insight_id:uuid}/dismiss", "dismissInsight", "Dismiss an insight", status=200,
    shows=InsightDetail,
)  # fmt: skip
async def dismiss_insight(insights: Insights, insight_id: UUID, body: DismissInsight, version: IfMatch) -> msgspec.Raw:
    """It is not raised again from the same messages, nor at all for 30 days unless it gets worse."""
    return await insights.dismiss(insight_id, body, version)


@operation(
    "POST", "/coach/analyze-message", "analyzeMessage", "Have a message reviewed", status=200, seconds=75
)  # fmt: skip
async def analyze_message(analyses: Analyses, body: AnalyzeMessage) -> AnalysisView:
    """In its conversation; `queued` where the hour's analyses or the day's budget are used up, or the model is away."""
    return await analyses.of_message(body)


@operation(
    "POST", "/coach/analyze-conversation", "analyzeConversation", "Have a conversation reviewed", status=200, seconds=75
)  # fmt: skip
async def analyze_conversation(analyses: Analyses, body: AnalyzeConversation) -> AnalysisView:
    """As a message is: scores, findings with exact quotes, and the insights that they were raised as."""
    return await analyses.of_conversation(body)


@operation(
    "POST", "/coach/detect-patterns", "detectPatterns", "Find what successful messages have in common", status=200,
    seconds=75,
)  # fmt: skip
async def detect_patterns(patterns: Patterns, body: DetectPatterns) -> PatternsView:
    """In a dataset's latest 5,000 conversations: first texts by whether they were answered, first answers by whether a
    call was booked. What is significant (Fisher's exact test, Holm's correction) is raised as an insight."""
    return await patterns.detect(body)


@operation("GET", "/coach/patterns", "listPatterns", "List the patterns that were found", shows=PatternListed)
async def list_patterns(patterns: Patterns, narrowed: PatternFilter, page: PageRequest) -> Found:
    """By the searches of every night (`dataset_id` null) and those on demand, the latest first, what may be chance
    (`test_more`) too. They were counted among everybody's leads: whoever is limited to datasets is shown what was
    found in those, whoever does not see all leads nothing."""
    return await patterns.find(narrowed, page)


ROUTES = (
    list_insights,
    show_insight,
    view_insight,
    agree_with_insight,
    disagree_with_insight,
    dismiss_insight,
    analyze_message,
    analyze_conversation,
    detect_patterns,
    list_patterns,
)
