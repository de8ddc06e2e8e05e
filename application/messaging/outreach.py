"""What messaging needs to know of leads, and what it does to them in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel import Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Name whom a conversation is with."""

    contact_id: UUID
    lead_id: UUID | None
    phone: str | None
    email: str | None


class Parties(Protocol):
    """Find and move the people that messages come from and go to; answered in the caller's unit of work."""

    async def of_lead(self, lead_id: UUID) -> Party:
        """Give the lead's contact, or refuse with `NotFound` where the actor may not see it."""
        ...

    async def of_contact(self, contact_id: UUID) -> Party:
        """Give the contact with its latest lead, or refuse with `NotFound`."""
        ...

    async def behind(self, number: Phone) -> Party | None:
        """Tell who writes from a number: the lead last texted there, else the contact with it, if the actor sees it."""
        ...

    async def make(self, number: Phone, at: datetime) -> Party:
        """Make a contact of which nothing but the number is known."""
        ...

    async def replied(self, party: Party, text: str, at: datetime, *, answered: bool) -> None:
        """Note a reply on the lead; its touches end. Where it is `answered` anew, an answer that waits is cancelled."""
        ...

    async def opted_out(self, addresses: Sequence[str], at: datetime) -> tuple[UUID, ...]:
        """End every touch to these addresses, cancel all that is planned for them; gives the leads."""
        ...

    async def opted_in(self, addresses: Sequence[str]) -> tuple[UUID, ...]:
        """Take leads of these addresses out of OPTED_OUT: to REPLIED where they ever wrote, else READY; gives them."""
        ...

    async def lock(self, party: Party) -> Party:
        """Lock the contact, so that what comes from them and what a person does about them take turns.

        Gives the party by the addresses that they have from then on, or refuses with `NotFound`.
        """
        ...

    async def lock_lead(self, party: Party) -> None:
        """Lock the lead: it comes after its contact and before ledger rows, wherever they are locked together."""
        ...

    async def has_call(self, party: Party) -> bool:
        """Tell whether the lead has a call before them, or had one within a day."""
        ...

    async def rate(self, party: Party, sentiment: str) -> bool:
        """Note how the lead sounds and rate it by that; tells whether it turned HOT by it."""
        ...

    async def lock_texts(self, party: Party) -> None:
        """Lock what is planned for this contact: ledger rows come before threads, wherever both are locked."""
        ...

    async def hold(self, party: Party) -> None:
        """Put campaign texts back to planned and held, and cancel the AI's answers: a person has the turn."""
        ...

    async def drop_answers(self, party: Party) -> None:
        """Cancel the AI's answers that have not been handed over."""
        ...

    async def release(self, party: Party) -> None:
        """Let held campaign texts go on: nobody has the turn."""
        ...
