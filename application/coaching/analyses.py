"""Reviews that somebody asks for."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from application.agenda import Agenda
from application.coaching.analysis_forms import (
    AnalysisView,
    AnalyzeConversation,
    AnalyzeMessage,
    FindingView,
    QuoteView,
)
from application.coaching.concluding import Concluded, Concluding
from application.coaching.reviewed import REVIEW, AnalysisAllowance, ReviewStore, UnderReview
from application.coaching.reviewing import ConversationReviewer
from application.model_calls import Unusable
from application.ports import Actor, Clock, UnitOfWork
from application.provider import Capabilities, ProviderError
from domain.coaching.finding import Finding
from domain.identity.role import Permission
from domain.kernel import Conflict, NotFound


@dataclass(frozen=True)
class Analyses:
    """Review at once what somebody wants to have reviewed; past the hour's room it waits with all else."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    store: ReviewStore
    reviewer: ConversationReviewer
    concluding: Concluding
    allowance: AnalysisAllowance
    capabilities: Capabilities

    async def of_message(self, command: AnalyzeMessage) -> AnalysisView:
        """Review the conversation of a message; gives what concerns the message."""
        self.actor.require(Permission.COACH_ANALYZE)
        async with self.uow.reading():
            conversation_id = await self.store.conversation_of(command.message_id)
        return await self._review(conversation_id, command.message_id)

    async def of_conversation(self, command: AnalyzeConversation) -> AnalysisView:
        """Review a whole conversation."""
        self.actor.require(Permission.COACH_ANALYZE)
        return await self._review(command.conversation_id, None)

    async def _review(self, conversation_id: UUID, message_id: UUID | None) -> AnalysisView:
        async with self.uow:  # takes a request's key: a repeated one is answered, not reviewed and paid again
            await self.store.require_visible(conversation_id)
            await self.capabilities.require("ai")
        async with self.uow.reading():  # and holds nothing open while the model is asked
            under = await self.store.read(conversation_id)
            means = await self.store.means()
        if under is None:
            raise Conflict("There is nothing of ours to review in this conversation yet.")
        if means.spent or await self.allowance.take(self.actor.organization_id) > 0:
            return await self._queue(under)
        try:
            said = await self.reviewer.review(under.task)
        except ProviderError as error:
            return await self._queue(under, error)
        async with self.uow:
            concluded = await self.concluding.conclude(under, said, self.actor.id)
        return _view(under, concluded, message_id)

    async def _queue(self, under: UnderReview, error: ProviderError | None = None) -> AnalysisView:
        with suppress(NotFound):
            async with self.uow:
                if isinstance(error, Unusable):
                    await self.concluding.note_failure(under, error, self.actor.id)
                due = await self.store.expect([under.conversation_id], self.clock.now(), now=True)
                if due is not None:
                    await self.agenda.no_later_than(REVIEW, due)
        return AnalysisView(
            status="queued",
            conversation_id=under.conversation_id,
            score=None,
            message_scores={},
            findings=[],
            insight_ids=[],
        )


def _view(under: UnderReview, concluded: Concluded, message_id: UUID | None) -> AnalysisView:
    judged = concluded.judged
    about = [one for one in judged.findings if message_id is None or one.quotes_message(message_id)]
    return AnalysisView(
        status="done",
        conversation_id=under.conversation_id,
        score=judged.score,
        message_scores={k: v for k, v in judged.scores.items() if message_id in (None, k)},
        findings=[_finding(one) for one in about],
        insight_ids=list(dict.fromkeys(one.id for one in concluded.raised if one.finding in about)),
    )


def _finding(finding: Finding) -> FindingView:
    return FindingView(
        rule=finding.rule,
        category=finding.category,
        severity=finding.severity,
        title=finding.title,
        description=finding.description,
        suggestion=finding.suggestion,
        suggested_text=finding.suggested_text,
        quotes=[QuoteView(message_id=quote.message_id, words=quote.words) for quote in finding.quotes],
    )
