"""An organisation's mails, as administrators see them: what became of each, and what to do with one that is parked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec

from application.agenda import Agenda
from application.mails import MAILS
from application.ports import Actor, Clock, Filter, Found, PageRequest, UnitOfWork, View
from domain.identity.role import Permission
from domain.kernel import Conflict, NotFound

MailState = Literal["planned", "handed", "accepted", "rejected", "unknown", "parked", "cancelled"]
GIVEN_UP = "Somebody decided that it is not to be sent."


class MailFilter(Filter, frozen=True):
    """Narrow a list of mails; those that are `parked` wait for a person."""

    state: MailState | None = None


class MailView(View, frozen=True):
    """Show what became of a mail; `reason` says why it waits or ended, `provider` who has it, or may."""

    id: UUID
    kind: str
    to: str
    state: MailState
    reason: str | None
    provider: str | None
    created_at: datetime
    handed_at: datetime | None
    settled_at: datetime | None
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "kind": "invitation",
        "to": "rita@bright.example",
        "state": "parked",
        "reason": "A mail server cannot be asked whether it has this mail.",
        "provider": "smtp",
        "created_at": "2026-03-02T09:00:00Z",
        "handed_at": "2026-03-02T09:00:01Z",
        "settled_at": "2026-03-02T09:01:00Z",
    }


class MailRecords(Protocol):
    """Read the mail ledger, and move what is parked; an actor limited to certain datasets sees no lead's mails."""

    async def find(self, narrowed: MailFilter, page: PageRequest) -> Found:
        """List mails, newest first."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one."""
        ...

    async def plan_again(self, identifier: UUID) -> bool:
        """Let a parked mail be handed over as if it never was; tells whether it was parked."""
        ...

    async def cancel(self, identifier: UUID, reason: str) -> bool:
        """End a parked mail; tells whether it was parked."""
        ...


@dataclass(frozen=True)
class MailList:
    """See to mails of which nobody can tell whether they left."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    mails: MailRecords

    async def find(self, narrowed: MailFilter, page: PageRequest) -> Found:
        """List mails."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow.reading():
            return await self.mails.find(narrowed, page)

    async def retry(self, identifier: UUID) -> msgspec.Raw:
        """Hand a parked mail over again, so that it may come twice."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow:
            await self._shown(identifier)
            _require_parked(await self.mails.plan_again(identifier))
            await self.agenda.no_later_than(MAILS, self.clock.now())
            return await self._shown(identifier)

    async def cancel(self, identifier: UUID) -> msgspec.Raw:
        """End a parked mail."""
        self.actor.require(Permission.INTEGRATIONS_WRITE)
        async with self.uow:
            await self._shown(identifier)
            _require_parked(await self.mails.cancel(identifier, GIVEN_UP))
            return await self._shown(identifier)

    async def _shown(self, identifier: UUID) -> msgspec.Raw:
        shown = await self.mails.show(identifier)
        if shown is None:
            raise NotFound("There is no such mail.")
        return shown


def _require_parked(was_parked: bool) -> None:
    if not was_parked:
        raise Conflict("Only a mail that is parked waits for a person.")
