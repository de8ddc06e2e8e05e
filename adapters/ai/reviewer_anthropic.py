"""Reviews by a Claude model; it proposes, `domain/coaching/judgement.py` decides what of it stands."""

from typing import Annotated

import msgspec
from msgspec import Meta

from adapters.ai.messages_api import MessagesApi, shaped
from adapters.ai.review_request import MOST_FINDINGS, TOOL, review_params
from application.coaching.reviewing import Review, ReviewTask
from domain.coaching.finding import Category, Finding, Quote, Severity

SECONDS = 60.0
Text = Annotated[str, Meta(max_length=2000)]
Score = Annotated[int, Meta(ge=0, le=100)]


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: int
    words: Text


class _Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: Text
    category: Category
    severity: Severity
    title: Text
    description: Text
    suggestion: Text
    quotes: Annotated[list[_Said], Meta(max_length=10)]
    suggested_text: Text | None = None
    same_as: int | None = None


class _Scored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: int
    score: Score


class _Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Be all that the tool can say; a field that is not here makes the report garbled."""

    findings: Annotated[list[_Found], Meta(max_length=MOST_FINDINGS)]
    scores: Annotated[list[_Scored], Meta(max_length=200)]
    score: Score


class AnthropicReviewer:
    """Implement `ConversationReviewer` with the Messages API."""

    def __init__(self, api_key: str | None, model: str, base_url: str | None = None, seconds: float = SECONDS) -> None:
        self._api = MessagesApi(api_key, model, base_url, seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def review(self, task: ReviewTask) -> Review:
        """Ask the model for one review."""
        said, usage = await self._api.ask(task.access, TOOL, lambda model: review_params(model, task))
        report = shaped(said, _Report, usage, "review")
        by_number = dict(enumerate((message.id for message in task.messages), 1))
        return Review(
            scores={by_number[one.message]: one.score for one in report.scores if one.message in by_number},
            score=report.score,
            findings=[_finding(one, task) for one in report.findings],
            usage=usage,
        )


def _finding(found: _Found, task: ReviewTask) -> Finding:
    known, messages = task.insights, task.messages
    return Finding(
        rule=found.rule,
        category=found.category,
        severity=found.severity,
        title=found.title,
        description=found.description,
        suggestion=found.suggestion,
        suggested_text=found.suggested_text,
        quotes=[
            Quote(messages[one.message - 1].id, one.words) for one in found.quotes if 1 <= one.message <= len(messages)
        ],
        same_as=known[found.same_as - 1].id if found.same_as and 1 <= found.same_as <= len(known) else None,
    )
