"""The adapters of the AI's answers."""

from collections.abc import AsyncIterator
from uuid import UUID

from dishka import AnyOf, Provider, Scope, provide

from adapters.ai.own_key import OwnKeyReplyWriter
from adapters.ai.sandbox import SandboxReplyWriter
from adapters.crossings.answered_calls import CallsFromAnswers, SlotsForAnswers
from adapters.persistence.coaching_live import PostgresLivePrompt
from adapters.persistence.model_spending import InstallationBudget, PostgresSpending
from adapters.persistence.replies import CapableOfAi, PostgresReplies
from adapters.persistence.touch_texts import PostgresTouchTexts
from application.messaging.access_notes import AccessNotes
from application.messaging.answered_threads import AnsweredThreads
from application.messaging.answering import AiAvailable, Answering, ReplyStore
from application.messaging.asking import Asking
from application.messaging.call_promises import CallPromises
from application.messaging.drafting import Writing
from application.messaging.replies import Replies
from application.messaging.reply_drafts import ReplyDrafts
from application.messaging.reply_writing import CallBooking, LivePrompt, OfferedSlots, ReplyWriter, TextAllowance
from application.messaging.touch_texts import TouchTexts
from application.messaging.touch_writing import TouchWriting
from application.model_spending import Spending
from entrypoints.config import Config
from entrypoints.http.limits import RateLimiter
from entrypoints.wiring.allowances import seconds_until_room
from entrypoints.wiring.models import Model, served


class HourlyTexts:
    """Be `TextAllowance` by the counter that the routes of texts use too."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    async def take(self, organization_id: UUID) -> float:
        """Count one text."""
        return await seconds_until_room(self._limiter, "texts", organization_id)


class Answers(Provider):
    """Bind the ports of the AI's answers."""

    scope = Scope.REQUEST

    store = provide(PostgresReplies, provides=ReplyStore)
    available = provide(CapableOfAi, provides=AiAvailable)
    prompts = provide(PostgresLivePrompt, provides=AnyOf[PostgresLivePrompt, LivePrompt])
    texts = provide(PostgresTouchTexts, provides=TouchTexts)
    slots = provide(SlotsForAnswers, provides=OfferedSlots)
    calls = provide(CallsFromAnswers, provides=CallBooking)
    allowance = provide(HourlyTexts, provides=TextAllowance, scope=Scope.APP)
    answering = provide(Answering)
    asking = provide(Asking, scope=Scope.APP)
    writing = provide(Writing)
    access_notes = provide(AccessNotes)
    touch_writing = provide(TouchWriting)
    threads = provide(AnsweredThreads)
    replies = provide(Replies)
    promises = provide(CallPromises)
    drafts = provide(ReplyDrafts)
    spending = provide(PostgresSpending, provides=Spending)

    @provide(scope=Scope.APP)
    async def writer(self, config: Config) -> AsyncIterator[ReplyWriter]:
        """Write by rules or by a model, with the organisation's key or the installation's."""

        def model(key: str | None, name: str, url: str | None) -> Model:
            from adapters.ai.anthropic import AnthropicReplyWriter

            return AnthropicReplyWriter(key, name, url)

        rules: ReplyWriter = SandboxReplyWriter()
        async with served(config, rules, model, OwnKeyReplyWriter) as writer:
            yield writer

    @provide(scope=Scope.APP)
    def budget(self, config: Config) -> InstallationBudget:
        """Set the installation's budget of a day."""
        dollars = config.anthropic.daily_budget
        return InstallationBudget(dollars * 1_000_000 if dollars else None)
