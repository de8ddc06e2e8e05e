"""How reminders leave: by text through the gate, and by mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Hold one reminder of a call; `useful_until` is when it comes too late."""

    booking_id: UUID
    key: str
    lead_id: UUID
    contact_id: UUID
    phone: str
    body: str
    useful_until: datetime


class ReminderTexts(Protocol):
    """Text reminders; answered in the caller's unit of work."""

    async def submit(self, reminder: Reminder) -> bool:
        """Put a reminder through the gate; tells whether it is on its way. One that would come too late is refused."""
        ...

    async def drop(self, booking_id: UUID, lead_id: UUID) -> None:
        """Cancel reminders of a call that have not been handed over."""
        ...


class OrganizationVoice(Protocol):
    """Know how the organisation calls itself; answered in the caller's unit of work."""

    async def name(self) -> str:
        """Give it."""
        ...
