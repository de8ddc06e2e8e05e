"""Whose calendar calls, and with which secret it signs: looked up before anybody is let in."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import msgspec
from cryptography.fernet import InvalidToken, MultiFernet

from adapters.persistence.database import Database

_CREDENTIALS = """
SELECT credentials FROM integrations WHERE organization_id = $1 AND provider = 'calcom' AND is_active
"""


@dataclass(frozen=True, slots=True)
class Hook:
    """Hold what a calendar signs with; `is_shared` where it is the installation's, and not its first organisation's."""

    secret: str = field(repr=False)
    owner: Literal["organization", "installation"]
    is_shared: bool


@dataclass(frozen=True, slots=True)
class CalcomHooks:
    """Know the webhook secret of each organisation, `installed` where it uses the installation's calendar."""

    database: Database
    vault: MultiFernet
    installed: str = field(repr=False)

    async def first(self) -> UUID | None:
        """Name the installation's first organisation."""
        async with self.database.connection() as connection:
            first: UUID | None = await connection.fetchval("SELECT first_organization_id FROM installation")
        return first

    async def hook(self, organization_id: UUID) -> Hook | None:
        """Give what the organisation's calendar signs with; None where nothing is set up, or nobody is there."""
        async with self.database.connection() as connection, connection.transaction(readonly=True):
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
            there = await connection.fetchval(
                "SELECT true FROM organizations WHERE organization_id = $1 AND deleted_at IS NULL", organization_id
            )
            sealed = await connection.fetchval(_CREDENTIALS, organization_id)
        if not there:
            return None
        if sealed is None:
            is_shared = organization_id != await self.first()
            return Hook(self.installed, "installation", is_shared) if self.installed else None
        try:
            secret: str | None = msgspec.json.decode(self.vault.decrypt(sealed)).get("webhook_secret")
        except InvalidToken:
            return None
        return Hook(secret, "organization", is_shared=False) if secret else None
