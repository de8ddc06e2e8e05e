"""Turning findings into insights: one for the same finding in many conversations, and none that people settled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.ports import Actor, Clock, UnitOfWork, within
from domain.coaching.finding import Finding, Quote, Severity
from domain.coaching.insight import Decided, Insight, InsightRaised, fingerprint_of, may_be_raised


@dataclass(frozen=True, slots=True)
class Raised:
    """Hold an insight that a finding was raised as; `severity` is what it has now."""

    id: UUID
    finding: Finding
    severity: Severity
    is_new: bool


@dataclass(frozen=True, slots=True)
class Likeness:
    """Hold what a finding takes over from the insight that it is the same as."""

    fingerprint: str
    rule: str
    title: str
    category: str


class Findings(Protocol):
    """Keep insights and their evidence, while they are raised."""

    async def like(self, identifiers: Collection[UUID]) -> Mapping[UUID, Likeness]:
        """Give what makes findings the same as these insights."""
        ...

    async def lock(self, fingerprints: Sequence[str]) -> None:
        """Lock every insight with one of these fingerprints, in order, until the unit of work ends."""
        ...

    async def decided(self, fingerprint: str) -> list[Decided]:
        """Give what people decided about the same finding before."""
        ...

    async def open_severity(self, fingerprint: str) -> Severity | None:
        """Tell how severe the open insight with this fingerprint is, where there is one."""
        ...

    async def raise_one(self, insight: Insight) -> UUID:
        """Insert an insight, or give the open one with the same fingerprint; the worse severity stays."""
        ...

    async def add_evidence(
        self, insight_id: UUID, finding: Finding, quotes: Sequence[Quote], review_id: UUID | None, at: datetime
    ) -> None:
        """Add what shows it, once a message, and count the leads anew."""
        ...


@dataclass(frozen=True)
class Raising:
    """Raise findings."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    findings: Findings

    @within
    async def raise_all(
        self,
        found: Sequence[Finding],
        written: Mapping[UUID, datetime],
        *,
        known: Collection[UUID] = (),
        review_id: UUID | None = None,
        conversation_id: UUID | None = None,
        lead_id: UUID | None = None,
    ) -> list[Raised]:
        """Raise what may be raised; `known` are the insights that a finding may say it is the same as."""
        named = {one.same_as for one in found if one.same_as in known and one.same_as is not None}
        like = await self.findings.like(named) if named else {}
        marked = sorted(
            ((_mark(one, like), one) for one in found), key=lambda pair: (pair[0].fingerprint, pair[1].rule)
        )
        await self.findings.lock(sorted({likeness.fingerprint for likeness, _ in marked}))
        raised = []
        for likeness, finding in marked:
            made = await self._raise(likeness, finding, written, review_id)
            if made is None:
                continue
            raised.append(made)
            if made.is_new:
                event = InsightRaised(
                    subject=made.id,
                    severity=made.severity,
                    category=finding.category,
                    conversation_id=conversation_id,
                    lead_id=lead_id,
                )
                self.uow.publish(event)
        return raised

    async def _raise(
        self, likeness: Likeness, finding: Finding, written: Mapping[UUID, datetime], review_id: UUID | None
    ) -> Raised | None:
        """Raise one; it counts as new, too, where it is worse than before."""
        now = self.clock.now()
        quotes = may_be_raised(finding, await self.findings.decided(likeness.fingerprint), written, now)
        if not quotes:
            return None
        before = await self.findings.open_severity(likeness.fingerprint)
        insight = Insight(
            organization_id=self.actor.organization_id,
            rule=likeness.rule,
            fingerprint=likeness.fingerprint,
            title=likeness.title,
            category=finding.category,
            severity=finding.severity,
            created_at=now,
            raised_at=now,
        )
        identifier = await self.findings.raise_one(insight)
        await self.findings.add_evidence(identifier, finding, quotes, review_id, now)
        worse = before is None or finding.severity.rank < before.rank
        is_new = identifier == insight.id or (before is not None and worse)
        severity = finding.severity if worse or before is None else before
        return Raised(identifier, finding, severity, is_new)


def _mark(finding: Finding, like: Mapping[UUID, Likeness]) -> Likeness:
    same = like.get(finding.same_as) if finding.same_as is not None else None
    if same is not None and same.category == finding.category:
        return same
    return Likeness(fingerprint_of(finding.rule, finding.title), finding.rule, finding.title, finding.category)
