"""The people of an office, what they are told, and how they choose to be told."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from adapters.persistence.database import Cause, PostgresUnitOfWork
from application.mailing import Mail, Mailing
from application.messaging.notification_forms import ChangePreferences
from application.messaging.notifications import Notifications
from application.ports import Actor
from domain.identity.role import PERMISSIONS, Role
from domain.kernel import Event, new_id
from tests.application.conftest import RememberingMailing
from tests.features.office import Office


@dataclass
class Team:
    """Be the people of an office, by name, and what happens there."""

    office: Office
    people: dict[str, UUID] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        """Name the organisation."""
        return self.office.tenant.organization_id

    async def take_in(self, name: str, role: Role, dataset_ids: list[UUID] | None = None) -> UUID:
        """Let somebody join."""
        account_id = new_id()
        async with self.office.tenant.sql() as connection:
            await connection.execute(
                "INSERT INTO accounts (id, email, first_name, created_at) VALUES ($1, $2, $3, now())",
                account_id,
                f"{name}-{account_id.hex}@bright.example",
                name,
            )
            await connection.execute(
                "INSERT INTO memberships (account_id, organization_id, role, dataset_ids, joined_at, created_at)"
                " VALUES ($1, $2, $3, $4, now(), now())",
                account_id,
                self.organization_id,
                role,
                dataset_ids,
            )
        self.people[name] = account_id
        return account_id

    async def lead(
        self, assigned_to: str | None = None, dataset_id: UUID | None = None, phone: str = "+447700900888"
    ) -> UUID:
        """Enter a lead named Ada."""
        lead_id = await self.office.tenant.lead(phone, dataset_id)
        async with self.office.tenant.sql() as connection:
            await connection.execute(
                "UPDATE leads SET assigned_to = $3 WHERE organization_id = $1 AND id = $2",
                self.organization_id,
                lead_id,
                None if assigned_to is None else self.people[assigned_to],
            )
        return lead_id

    async def happens(self, *events: Event, by: UUID | None = None) -> None:
        """Let events happen and work off what follows."""
        acting = Actor.system(self.organization_id) if by is None else Actor(self.organization_id, by)
        async with self.office.tenant.house({Actor: acting, Cause: Cause()}) as scope:
            uow = await scope.get(PostgresUnitOfWork)
            async with uow:
                uow.publish(*events)
        await self.office.work_off()

    async def told(self, name: str) -> list[Any]:
        """List what somebody was told, in order."""
        async with self.office.tenant.sql() as connection:
            rows: list[Any] = await connection.fetch(
                "SELECT * FROM notifications WHERE organization_id = $1 AND account_id = $2 ORDER BY id",
                self.organization_id,
                self.people[name],
            )
        return rows

    async def kinds(self) -> dict[str, list[str]]:
        """Tell what each was told of."""
        return {name: [row["kind"] for row in await self.told(name)] for name in self.people}

    async def mails(self, name: str) -> list[Mail]:
        """List the mails that somebody got."""
        mailing = await self.office.tenant.house.get(Mailing)
        assert isinstance(mailing, RememberingMailing)
        mailing.is_closed = False
        mine = [mail for mail in mailing.taken if mail.organization_id == self.organization_id]
        assert len({mail.key for mail in mine}) == len(mine)
        return [mail for mail in mine if mail.to.endswith(f"{self.people[name].hex}@bright.example")]

    async def prefer(self, name: str, **changes: Any) -> None:
        """Let somebody choose."""
        actor = Actor(self.organization_id, self.people[name], PERMISSIONS[Role.REP])
        async with self.office.tenant.use(Notifications, actor) as notifications:
            await notifications.set_preferences(msgspec.convert(changes, ChangePreferences), None)
