"""The port through which conversations are reviewed, in our words, and what a reviewer is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from application.model_calls import Access, Usage
from application.provider import provider_port
from domain.coaching.finding import Finding, ReviewedMessage, Thread


@dataclass(frozen=True, slots=True)
class Taught:
    """Hold what people taught the reviewer not to raise, and why, in their words."""

    title: str
    why: str


@dataclass(frozen=True, slots=True)
class KnownInsight:
    """Hold an insight that a finding may be the same as."""

    id: UUID
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTask:
    """Hold all that a reviewer may know: one thread, oldest first, our own facts and names, what people decided.

    `names` are those by which the lead may be called, `lessons` what our messages should follow, `begins` tells that
    nothing was left out before the first message; all that the lead wrote is data.
    """

    organization: str
    messages: Sequence[ReviewedMessage]
    names: Sequence[str] = ()
    facts: Sequence[str] = ()
    lessons: Sequence[str] = ()
    taught: Sequence[Taught] = ()
    insights: Sequence[KnownInsight] = ()
    begins: bool = True
    access: Access = field(default_factory=Access)

    @property
    def thread(self) -> Thread:
        """Give what rules check."""
        return Thread(
            organization=self.organization,
            messages=self.messages,
            names=self.names,
            facts=self.facts,
            begins=self.begins,
        )


@dataclass(frozen=True, slots=True)
class Review:
    """Hold what a reviewer says: scores from 0 to 100 of our messages and of the conversation, findings, the cost."""

    scores: Mapping[UUID, int]
    score: int
    findings: Sequence[Finding]
    usage: Usage


@provider_port
class ConversationReviewer(Protocol):
    """Review conversations."""

    async def review(self, task: ReviewTask) -> Review:
        """Judge our messages of one thread, or raise `Rejected`, `Unavailable`, `Unknown` or `Unusable`."""
        ...
