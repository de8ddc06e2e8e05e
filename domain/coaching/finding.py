"""What a reviewer may find in a conversation, and the exact words that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

LONGEST_QUOTE = 300
Author = Literal["lead", "ai", "person", "campaign"]


class Severity(StrEnum):
    """Name how bad it is, the worst first; the first two are told to people at once."""

    CRITICAL = "critical"
    URGENT = "urgent"
    WARNING = "warning"
    SUGGESTION = "suggestion"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Count from 0, the worst."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Category(StrEnum):
    """Name what kind of fault it is."""

    COMPLIANCE = "compliance"
    ACCURACY = "accuracy"
    TONE = "tone"
    GRAMMAR = "grammar"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedMessage:
    """Hold one message of the thread under review: what a lead wrote is data, whatever it says.

    `prompt_version` and `lesson_ids` are those that an AI message was written with.
    """

    id: UUID
    by: Author
    text: str
    at: datetime
    prompt_version: str | None = None
    lesson_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """Hold words as they stand in one message."""

    message_id: UUID
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Hold one fault, or one thing well done, with its evidence.

    `rule` names what was broken (`price_promise`), `title` says it without naming anybody, so that many conversations
    can share it; `same_as` is the insight, of those that the reviewer was given, that says the same. `is_pattern` tells
    that it was counted in many conversations, whatever a reviewer calls a rule of its own.
    """

    rule: str
    category: Category
    severity: Severity
    title: str
    description: str
    suggestion: str
    suggested_text: str | None = None
    quotes: Sequence[Quote] = ()
    same_as: UUID | None = None
    is_pattern: bool = False

    @property
    def is_practice(self) -> bool:
        """Tell whether it says what works rather than what went wrong: once that is learned, it is no news."""
        return self.severity is Severity.INFO or self.is_pattern

    def quotes_message(self, message_id: UUID) -> bool:
        """Tell whether words of a message are among its evidence."""
        return any(quote.message_id == message_id for quote in self.quotes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """Hold a conversation as it is reviewed, oldest first: `names` may be the lead's, `facts` are the business's.

    `begins` tells that the first message is the first there ever was.
    """

    organization: str
    messages: Sequence[ReviewedMessage]
    names: Sequence[str] = ()
    facts: Sequence[str] = ()
    begins: bool = True

    def ours_after(self, place: int) -> list[ReviewedMessage]:
        """Give what we wrote after the message at this place, until the lead wrote again."""
        found: list[ReviewedMessage] = []
        for message in self.messages[place + 1 :]:
            if message.by == "lead":
                break
            found.append(message)
        return found
