"""What is kept of a campaign's texts that the AI writes, as messaging needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from domain.kernel import Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class DueText:
    """Hold one text that is to be written, taken so that nobody else writes it meanwhile; `id` will be its message's.

    `is_wanted` tells that the lead's touch still waits for it, `phone` where it would go.
    """

    id: UUID
    campaign_id: UUID
    lead_id: UUID
    contact_id: UUID
    phone: Phone | None
    touch: str
    touches: int
    is_wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEnd:
    """Hold what came of one: written, the template's (`reason`), withdrawn, or due again, tried in vain or not.

    Costs are those of all calls, the rest is of the last.
    """

    id: UUID
    status: Literal["written", "fell_back", "withdrawn", "due"]
    reason: str | None = None
    text: str | None = None
    confidence: float | None = None
    reasoning: str | None = None
    lessons: tuple[UUID, ...] = ()
    breaches: tuple[str, ...] = ()
    prompt_version: str | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_micros: int = 0
    latency_ms: int = 0


class TouchTexts(Protocol):
    """Keep them."""

    async def take(self, limit: int, most: int, lease: timedelta) -> list[DueText]:
        """Take those asked for first, tried in vain or not, as long as no more than `most` are being written."""
        ...

    async def end(self, ends: Sequence[TextEnd]) -> None:
        """Write down what came of them, and let the touches of those that have ended be planned now.

        Of those that stay due only the cost is noted, but nobody else changes any until the unit of work ends.
        """
        ...

    async def wait(self, ids: Sequence[UUID], wait: timedelta) -> None:
        """Leave those due that `end` was told of, not to be tried before that time has passed."""
        ...

    async def away_since(self, ids: Sequence[UUID], *, all_of_them: bool) -> datetime:
        """Note that the model was away for these, or for all that are due; tells since when for them at the longest."""
        ...

    async def back(self) -> None:
        """Note that the model answers, which does not help those that were tried in vain themselves."""
        ...

    async def give_up(self, away_since: datetime, reason: str, limit: int, only: Sequence[UUID] | None) -> int:
        """Let some, or some of these only, take their template, for which the model was away since then or before.

        Tells how many.
        """
        ...

    async def seconds_until_due(self) -> float | None:
        """Tell in how many seconds the next can be taken; None where none is due."""
        ...
