"""Answers by a Claude model."""

from typing import Annotated

import msgspec

from adapters.ai.messages_api import MessagesApi, shaped
from adapters.ai.request import TOOL, message_params
from application.messaging.reply_writing import WritingTask, Written
from application.model_calls import Fault, Unusable, Usage
from domain.messaging.reply import Intent, Proposal, Sentiment

SECONDS = 20.0


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Be all that the tool can say; a field that is not here makes the answer garbled."""

    text: Annotated[str, msgspec.Meta(max_length=1600)]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]
    reasoning: Annotated[str, msgspec.Meta(max_length=2000)]
    sentiment: Sentiment
    intent: Intent
    lessons_applied: list[int] = []
    slot: str | None = None
    needs_person: str | None = None


class AnthropicReplyWriter:
    """Implement `ReplyWriter` with the Messages API."""

    def __init__(self, api_key: str | None, model: str, base_url: str | None = None, seconds: float = SECONDS) -> None:
        self._api = MessagesApi(api_key, model, base_url, seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def write(self, task: WritingTask) -> Written:
        """Ask the model for one answer."""
        said, usage = await self._api.ask(task.access, TOOL, lambda model: message_params(model, task))
        return Written(_proposal(said, task, usage), usage)


def _proposal(said: object, task: WritingTask, usage: Usage) -> Proposal:
    answer = shaped(said, _Answer, usage, "answer")
    if not answer.text.strip() and answer.needs_person is None and answer.intent is not Intent.ENDS_CONTACT:
        raise Unusable(Fault.EMPTY, "The model's answer is empty.", usage)
    lessons = task.prompt.lessons
    return Proposal(
        text=answer.text.strip(),
        confidence=answer.confidence,
        reasoning=answer.reasoning,
        sentiment=answer.sentiment,
        intent=answer.intent,
        lessons=tuple(lessons[n - 1].id for n in answer.lessons_applied if 1 <= n <= len(lessons)),
        slot=answer.slot or None,
        needs_person=answer.needs_person or None,
    )
