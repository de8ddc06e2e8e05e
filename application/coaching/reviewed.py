"""What a review is made from, what is kept of it, and when one falls due."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from application.coaching.reviewing import ReviewTask
from application.model_calls import Usage
from domain.coaching.judgement import Judged
from domain.kernel import new_id

REVIEW = "coaching.review"
SWEEP = "coaching.sweep"
DAILY = "coaching.patterns"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderReview:
    """Hold one conversation as it stood in one unit of work; `last_at` is when its latest message was written."""

    conversation_id: UUID
    lead_id: UUID | None
    task: ReviewTask
    last_at: datetime
    failures: int = 0

    @property
    def written(self) -> Mapping[UUID, datetime]:
        """Tell when each message was written."""
        return {message.id: message.at for message in self.task.messages}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecord:
    """Hold one call of the reviewer: who asked, what came of it, what it cost."""

    id: UUID = field(default_factory=new_id)
    conversation_id: UUID
    asked_by: UUID | None
    status: Literal["done", "failed"]
    fault: str | None = None
    score: int | None = None
    findings: int = 0
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Tell whether an organisation wants reviews and can pay for them; `again_at` is when a spent budget is new.

    `now` is business time, `night_at` three o'clock of the next night on the organisation's clock.
    """

    wanted: bool
    spent: bool
    again_at: datetime
    now: datetime
    night_at: datetime


class ReviewStore(Protocol):
    """Keep what is due for review, and what was reviewed."""

    async def means(self) -> Means:
        """Tell whether reviews are wanted and paid for today."""
        ...

    async def moved_by(self, message_ids: Iterable[UUID]) -> list[UUID]:
        """Name the conversations in which the AI or a person wrote one of these messages."""
        ...

    async def expect(self, conversation_ids: Iterable[UUID], at: datetime, *, now: bool = False) -> datetime | None:
        """Let conversations fall due once they are still, or at once; gives when the first does."""
        ...

    async def count_due(self, limit: int) -> int:
        """Count what is due, up to a limit."""
        ...

    async def take_due(self, limit: int, at: datetime) -> list[UUID]:
        """Give conversations that are due, and let them be due no more."""
        ...

    async def next_due(self) -> datetime | None:
        """Tell when the next one is due."""
        ...

    async def put_off(self, conversation_id: UUID, until: datetime | None, failures: int) -> None:
        """Let a conversation be due later, or not until it moves again."""
        ...

    async def let_moved_fall_due(self, since: datetime, at: datetime, limit: int) -> int:
        """Let what moved since then and was not reviewed fall due; tells how many did."""
        ...

    async def read(self, conversation_id: UUID) -> UnderReview | None:
        """Read a conversation for review; None where there is no word of ours in it."""
        ...

    async def require_visible(self, conversation_id: UUID) -> None:
        """Refuse with `NotFound` what the actor may not see."""
        ...

    async def conversation_of(self, message_id: UUID) -> UUID:
        """Name the conversation of a message that the actor may see, or refuse with `NotFound`."""
        ...

    async def hold(self, under: UnderReview) -> None:
        """Keep lead and conversation from being removed meanwhile, or refuse with `NotFound` where they are gone."""
        ...

    async def record(self, record: ReviewRecord, at: datetime) -> None:
        """Write down one call of the reviewer."""
        ...

    async def score(self, under: UnderReview, judged: Judged, at: datetime) -> None:
        """Write what messages and conversation scored, and up to where the conversation is reviewed."""
        ...


class AnalysisAllowance(Protocol):
    """Count the organisation's analyses of the hour."""

    async def take(self, organization_id: UUID) -> float:
        """Count one; gives 0, or in how many seconds there is room again."""
        ...
