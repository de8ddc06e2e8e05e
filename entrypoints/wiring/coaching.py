"""What the coach stands on."""

from collections.abc import AsyncIterator
from uuid import UUID

from dishka import AnyOf, Provider, Scope, provide

from adapters.ai.own_key import OwnKeyFinder, OwnKeyReviewer
from adapters.ai.sandbox_finder import SandboxFinder
from adapters.ai.sandbox_reviewer import SandboxReviewer
from adapters.persistence.coaching_findings import PostgresFindings
from adapters.persistence.coaching_insights import PostgresInsights
from adapters.persistence.coaching_patterns import PostgresPatterns
from adapters.persistence.coaching_reviews import PostgresReviews
from adapters.persistence.insight_counts import PostgresInsightCounts
from application.coaching.analyses import Analyses
from application.coaching.concluding import Concluding
from application.coaching.insight_counts import EvidenceCounts, InsightCounts
from application.coaching.insight_lessons import DecidedInsights, InsightLessons
from application.coaching.insights import Insights, InsightStore
from application.coaching.pattern_finding import PatternFinder
from application.coaching.patterns import Patterns, PatternStore
from application.coaching.raising import Findings, Raising
from application.coaching.reviewed import AnalysisAllowance, ReviewStore
from application.coaching.reviewing import ConversationReviewer
from application.coaching.reviews import Reviews
from entrypoints.config import Config
from entrypoints.http.limits import RateLimiter
from entrypoints.wiring.allowances import seconds_until_room
from entrypoints.wiring.models import Model, served


class HourlyAnalyses:
    """Be `AnalysisAllowance` by a counter of the organisation's (`RAPPORT_LIMIT_ANALYSES`)."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    async def take(self, organization_id: UUID) -> float:
        """Count one analysis."""
        return await seconds_until_room(self._limiter, "analyses", organization_id)


class Coaching(Provider):
    """Bind the ports of the coach."""

    scope = Scope.REQUEST

    review_store = provide(PostgresReviews, provides=ReviewStore)
    findings = provide(PostgresFindings, provides=Findings)
    insight_store = provide(PostgresInsights, provides=AnyOf[InsightStore, DecidedInsights])
    insight_lessons = provide(InsightLessons)
    evidence_counts = provide(PostgresInsightCounts, provides=EvidenceCounts)
    allowance = provide(HourlyAnalyses, provides=AnalysisAllowance, scope=Scope.APP)
    raising = provide(Raising)
    concluding = provide(Concluding)
    reviews = provide(Reviews)
    analyses = provide(Analyses)
    insights = provide(Insights)
    counts = provide(InsightCounts)
    pattern_store = provide(PostgresPatterns, provides=PatternStore)
    patterns = provide(Patterns)

    @provide(scope=Scope.APP)
    async def reviewer(self, config: Config) -> AsyncIterator[ConversationReviewer]:
        """Review by rules or by a model, with the organisation's key or the installation's."""

        def model(key: str | None, name: str, url: str | None) -> Model:
            from adapters.ai.reviewer_anthropic import AnthropicReviewer

            return AnthropicReviewer(key, name, url)

        rules: ConversationReviewer = SandboxReviewer()
        async with served(config, rules, model, OwnKeyReviewer) as reviewer:
            yield reviewer

    @provide(scope=Scope.APP)
    async def finder(self, config: Config) -> AsyncIterator[PatternFinder]:
        """Describe patterns by rules or by a model."""

        def model(key: str | None, name: str, url: str | None) -> Model:
            from adapters.ai.finder_anthropic import AnthropicFinder

            return AnthropicFinder(key, name, url)

        rules: PatternFinder = SandboxFinder()
        async with served(config, rules, model, OwnKeyFinder) as finder:
            yield finder
