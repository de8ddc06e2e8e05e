"""One thing that the coach found, in one conversation or in many: what becomes of it, and when it may come again."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.coaching.finding import Category, Finding, Quote, Severity
from domain.kernel import Conflict, Entity, Event

QUIET = timedelta(days=30)
"""How long what was dismissed is not raised again, unless it got worse."""


class InsightStatus(StrEnum):
    """Name what people did with an insight."""

    PENDING = "pending"
    VIEWED = "viewed"
    APPROVED_AND_LEARNED = "approved_and_learned"
    TAUGHT_SOPHIE = "taught_sophie"
    DISMISSED = "dismissed"


OPEN = frozenset({InsightStatus.PENDING, InsightStatus.VIEWED})


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightRaised(Event):
    """Say that the coach found something new, or that what it found before got worse; `lead_id` is whose it is."""

    type: ClassVar[str] = "insight.raised"
    severity: Severity
    category: Category
    conversation_id: UUID | None
    lead_id: UUID | None

    @property
    def cannot_wait(self) -> bool:
        """Tell whether people have to hear of it at once."""
        return self.severity in (Severity.CRITICAL, Severity.URGENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightDecided(Event):
    """Say that somebody decided about an insight."""

    type: ClassVar[str] = "insight.decided"
    status: InsightStatus
    lesson_id: UUID | None
    lead_id: UUID | None


@dataclass(slots=True, kw_only=True)
class Insight(Entity):
    """Be one finding that people decide about; `fingerprint` is what makes two findings the same."""

    rule: str
    fingerprint: str
    title: str
    category: Category
    severity: Severity
    status: InsightStatus = InsightStatus.PENDING
    created_at: datetime
    raised_at: datetime
    viewed_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: UUID | None = None
    note: str | None = None
    lesson_id: UUID | None = None

    def view(self, at: datetime) -> None:
        """Note that somebody looked at it; once is enough, and a decision stays."""
        if self.status is InsightStatus.PENDING:
            self.status, self.viewed_at = InsightStatus.VIEWED, at

    def require_open(self) -> None:
        """Refuse (`Conflict`) where somebody decided before."""
        if self.status not in OPEN:
            raise Conflict(f"This insight was decided before: {self.status.value}.")

    def decide(
        self,
        status: InsightStatus,
        *,
        by: UUID | None,
        at: datetime,
        note: str | None,
        lesson_id: UUID | None = None,
        lead_id: UUID | None = None,
    ) -> InsightDecided:
        """End it once and for all, or refuse (`Conflict`) where somebody decided before."""
        self.require_open()
        self.status, self.decided_at, self.decided_by = status, at, by
        self.note, self.lesson_id = note, lesson_id
        return InsightDecided(subject=self.id, status=status, lesson_id=lesson_id, lead_id=lead_id)


def fingerprint_of(rule: str, title: str) -> str:
    """Give what is equal for equal findings: the rule, and the title without case, marks, digits and punctuation."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    words = "".join(c if c.isalpha() or c.isspace() else " " for c in plain if not unicodedata.combining(c)).split()
    return f"{rule}:{hashlib.sha256(' '.join(words).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Hold an earlier decision about the same finding; `holds` tells that the lesson it made is still active."""

    status: InsightStatus
    severity: Severity
    at: datetime
    holds: bool
    message_ids: frozenset[UUID]


def may_be_raised(
    finding: Finding, decided: Iterable[Decided], written: Mapping[UUID, datetime], now: datetime
) -> Sequence[Quote]:
    """Give the quotes that may be raised in spite of earlier decisions, none where it is settled.

    What was taught to be no fault never comes again while its lesson is active. What was dismissed does not come again
    from the same messages, nor for 30 days at all unless it is more severe now. What was approved comes again only
    from messages written after the decision, and what works not at all while the lesson that says so is active.
    """
    quotes = list(finding.quotes)
    for earlier in decided:
        match earlier.status:
            case InsightStatus.TAUGHT_SOPHIE if earlier.holds:
                return ()
            case InsightStatus.DISMISSED:
                if now - earlier.at < QUIET and finding.severity.rank >= earlier.severity.rank:
                    return ()
                quotes = [quote for quote in quotes if quote.message_id not in earlier.message_ids]
            case InsightStatus.APPROVED_AND_LEARNED if earlier.holds and finding.is_practice:
                return ()
            case InsightStatus.APPROVED_AND_LEARNED:
                quotes = [quote for quote in quotes if written[quote.message_id] > earlier.at]
    return quotes
