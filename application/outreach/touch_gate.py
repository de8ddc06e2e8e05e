"""What a campaign wants to send, and the port through which messaging decides on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel import Phone
from domain.outreach.campaign import Touch


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchText:
    """Hold one text that a campaign wants to send; `by_prompt` says that the AI was to write it."""

    campaign_id: UUID
    lead_id: UUID
    contact_id: UUID
    touch: Touch
    variant: str
    phone: Phone
    body: str
    delayed_by: str | None
    by_prompt: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Say what the gate decided on one text: `until` and `rule` when it is to be asked again later."""

    kind: str
    until: datetime | None = None
    rule: str | None = None


class CampaignPace(Protocol):
    """Space a campaign's texts."""

    def peek(self) -> datetime:
        """Tell when the next text could leave."""
        ...

    def take(self) -> datetime:
        """Reserve that time."""
        ...


class TouchGate(Protocol):
    """Ask messaging about texts, in this unit of work."""

    async def submit(self, texts: Sequence[TouchText], pace: CampaignPace) -> list[Answer]:
        """Decide on each, in order, and write them down."""
        ...

    async def foresee(self, texts: Sequence[TouchText], pace: CampaignPace) -> list[Answer]:
        """Decide on each as if it were submitted now, and write nothing down."""
        ...
