"""What the use cases of leads ask of others; each port is answered in the caller's unit of work."""

from typing import Protocol
from uuid import UUID

import msgspec

from application.ports import Found, PageRequest, Store
from application.sales.lead_forms import LeadFilter
from domain.sales.lead import Lead
from domain.sales.stage import Category, Stage


class LeadStore(Store[Lead], Protocol):
    """Keep leads; only those that the actor may see are found."""

    async def locked(self, identifier: UUID) -> Lead:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def locked_beside(self, identifier: UUID, stage: str) -> tuple[Lead, Stage]:
        """Load and lock one, and load the stage that it is to go to, or refuse with `Invalid` on the field `stage`."""
        ...

    async def require_visible(self, identifier: UUID) -> None:
        """Refuse with `NotFound` a lead that is not there or not for the actor to see."""
        ...

    async def contact_of(self, identifier: UUID) -> UUID:
        """Tell whose lead this is, or refuse with `NotFound`."""
        ...

    async def with_phone(self, dataset_id: UUID, phone: str) -> UUID | None:
        """Tell which lead of a dataset has this number."""
        ...

    async def require_dataset(self, dataset_id: UUID) -> None:
        """Refuse with `NotFound` a dataset that is not there or not for the actor to see; else lock it, shared."""
        ...

    async def find(self, narrowed: LeadFilter, page: PageRequest) -> Found:
        """List leads, latest first; a search is best first, at most 1,000."""
        ...

    async def add_shown(self, lead: Lead) -> msgspec.Raw:
        """Insert one and show it as lists do (`LeadItem`), or refuse with `Invalid` a stage that is not there."""
        ...

    async def save_shown(self, lead: Lead) -> msgspec.Raw:
        """Update one and show it as lists do; refuse with `Stale` when another change was saved meanwhile."""
        ...

    async def item(self, identifier: UUID) -> msgspec.Raw:
        """Show one as lists do (`LeadItem`), whoever may see it."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one in full (`LeadDetail`), or refuse with `NotFound`."""
        ...


class StageStore(Protocol):
    """Know the stages of the organisation's pipelines."""

    async def with_key(self, key: str) -> Stage:
        """Load one, or refuse with `Invalid` on the field `stage`."""
        ...

    async def of_category(self, category: Category) -> Stage:
        """Load the first stage of a category, or refuse with `Conflict`."""
        ...

    async def list(self) -> list[msgspec.Raw]:
        """Show all stages in order (`StageView`)."""
        ...


class Members(Protocol):
    """Know who works in the organisation."""

    async def has(self, user_id: UUID) -> bool:
        """Tell whether this is an active member."""
        ...


class OutreachOfLead(Protocol):
    """Act on what is planned for a lead, in the same transaction as the reason for it."""

    async def enrol(self, lead_id: UUID, dataset_id: UUID) -> None:
        """Let a READY lead into the dataset's campaign, if one is active or paused; the dataset is locked."""
        ...

    async def stop(self, lead_id: UUID, why: str) -> None:
        """End the lead's touches and cancel all of its texts that are not handed over, for good."""
        ...

    async def hold(self, lead_id: UUID, *, by_person: bool = True) -> None:
        """Put campaign texts and the machine's replies back to planned and hold them; a person ends a booking too."""
        ...

    async def release(self, lead_id: UUID) -> None:
        """Let what was held go on; it passes the gate again."""
        ...


class ContactStatusRule(Protocol):
    """Ask outreach which statuses its state machine allows (`docs/states.md`)."""

    async def at_start(self, phone: str | None, email: str | None, sms_eligible: bool) -> str:
        """Give the status of a new lead: READY, UNREACHABLE by text, or OPTED_OUT already."""
        ...

    def by_person(self, current: str, to: str) -> str:
        """Give the status that a person sets, or refuse with `Conflict`."""
        ...

    def by_sale(self, current: str) -> str:
        """Give the status that a sale leads to: the same where it changes nothing."""
        ...

    def by_booking(self, current: str) -> str:
        """Give the status that a booked call leads to: the same where it changes nothing."""
        ...

    def by_cancelled_booking(self, current: str) -> str:
        """Give the status that a cancelled call leads to: the same where it changes nothing."""
        ...
