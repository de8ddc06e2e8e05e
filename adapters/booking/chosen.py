"""The calendar of whichever provider an account is with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from application.scheduling.calendar import Account, Calendar, Call, Slot, Sought, Wanted


@dataclass(frozen=True, slots=True)
class ChosenCalendar:
    """Implement `Calendar` by the one that the account names."""

    by_provider: Mapping[str, Calendar]

    async def free_slots(self, account: Account, since: datetime, until: datetime) -> list[Slot]:
        """List what is free."""
        return await self.by_provider[account.provider].free_slots(account, since, until)

    async def book(self, account: Account, wanted: Wanted) -> Call:
        """Book a call."""
        return await self.by_provider[account.provider].book(account, wanted)

    async def move(self, account: Account, uid: str, start: datetime) -> Call:
        """Put a call to another time."""
        return await self.by_provider[account.provider].move(account, uid, start)

    async def cancel(self, account: Account, uid: str, reason: str) -> None:
        """Cancel a call."""
        await self.by_provider[account.provider].cancel(account, uid, reason)

    async def find(self, account: Account, sought: Sought) -> Call | None:
        """Ask how a booking stands."""
        return await self.by_provider[account.provider].find(account, sought)
