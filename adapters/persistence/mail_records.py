"""The mail ledger as people see it."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.identity import mails
from application.mail_list import MailFilter
from application.ports import Actor, Found, PageRequest
from application.scheduling.reminder_mail import CALL_REMINDER

MAILS = Listing(
    source=mails,
    organization=mails.c.organization_id,
    identifier=mails.c.id,
    shown={
        "id": mails.c.id,
        "kind": sa.func.split_part(mails.c.kind, ":", 1),
        "to": mails.c.to_address,
        "state": mails.c.state,
        "reason": mails.c.reason,
        "provider": sa.func.split_part(mails.c.account, ":", 1),
        "created_at": mails.c.created_at,
        "handed_at": mails.c.handed_at,
        "settled_at": mails.c.settled_at,
    },
    sorts={"created": mails.c.created_at},
    default_sort="created",
    filters={
        "state": lambda p: mails.c.state == p,
        "besides": lambda p: sa.func.split_part(mails.c.kind, ":", 1) != p,
    },
)
_PLAN_AGAIN = """
UPDATE mails SET state = 'planned', reason = NULL, account = NULL, provider_id = NULL, handed_at = NULL,
       doubted_at = NULL, next_try_at = NULL, settled_at = NULL
WHERE organization_id = $1 AND id = $2 AND state = 'parked' RETURNING true
"""
_CANCEL = """
UPDATE mails SET state = 'cancelled', reason = $3, settled_at = clock_timestamp()
WHERE organization_id = $1 AND id = $2 AND state = 'parked' RETURNING true
"""


class PostgresMailRecords:
    """Be the `MailRecords` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, actor: Actor, finder: Finder) -> None:
        self._uow = uow
        self._actor = actor
        self._finder = finder

    def _scope(self) -> dict[str, Any]:
        return {} if self._actor.dataset_ids is None else {"besides": CALL_REMINDER}

    async def find(self, narrowed: MailFilter, page: PageRequest) -> Found:
        """List them."""
        return await self._finder.find(MAILS, narrowed, page, self._scope())

    async def show(self, identifier: UUID) -> msgspec.Raw | None:
        """Show one."""
        return await self._finder.one(MAILS, identifier, self._scope())

    async def plan_again(self, identifier: UUID) -> bool:
        """Forget what may have been."""
        return bool(await self._uow.connection.fetchval(_PLAN_AGAIN, self._uow.organization_id, identifier))

    async def cancel(self, identifier: UUID, reason: str) -> bool:
        """End it."""
        return bool(await self._uow.connection.fetchval(_CANCEL, self._uow.organization_id, identifier, reason))
