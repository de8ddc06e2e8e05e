"""Through whom an organisation mails: its own provider, the installation's, or the sandbox."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.integration_notes import note, note_installation
from application.identity.secrets import Secrets
from application.mailing import NOBODY, MailAccount

SANDBOX = MailAccount("sandbox")
_OWN = """
SELECT settings, credentials, is_active FROM integrations
WHERE organization_id = $1 AND provider = 'resend' AND credentials IS NOT NULL
"""
_ANY = "SELECT EXISTS (SELECT FROM integrations WHERE organization_id = $1 AND is_active AND credentials IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class InstallationMailing:
    """Hold what the environment configures for everybody. An `implied` sandbox ends for who stores a provider."""

    account: MailAccount | None = None
    sandbox: Literal["off", "implied", "always"] = "off"


def resend_account(settings: Mapping[str, Any], credentials: Mapping[str, str]) -> MailAccount:
    """Make an account at Resend; its keys are the account's, so that the ledger remembers a digest of the API key."""
    digest = hashlib.sha256(credentials["api_key"].encode()).hexdigest()[:16]
    return MailAccount("resend", digest, settings, credentials)


class PostgresMailAccounts:
    """Be the `MailAccounts` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, secrets: Secrets, installation: InstallationMailing) -> None:
        self._uow = uow
        self._secrets = secrets
        self._installation = installation

    async def current(self) -> MailAccount:
        """Give the account that serves now."""
        sandbox = self._installation.sandbox
        if sandbox == "always" or (sandbox == "implied" and not await self._any()):
            return SANDBOX
        own, is_active = await self._own()
        return (own if is_active else None) or self._installation.account or NOBODY

    async def named(self, name: str) -> MailAccount | None:
        """Find the account that the ledger remembers."""
        known = [(await self._own())[0], self._installation.account, NOBODY]
        if self._installation.sandbox != "off":
            known.append(SANDBOX)
        return next((account for account in known if account is not None and account.name == name), None)

    async def note(self, account: MailAccount, trouble: str | None) -> bool:
        """Write on the organisation's own integration how it did, or of the installation's."""
        own, _ = await self._own()
        if own is None or own.name != account.name:
            if self._installation.account is not None and self._installation.account.name == account.name:
                await note_installation(self._uow, account.name, trouble)
            return False
        return await note(self._uow, "resend", trouble)

    async def _any(self) -> bool:
        return bool(await self._uow.connection.fetchval(_ANY, self._uow.organization_id))

    async def _own(self) -> tuple[MailAccount | None, bool]:
        row = await self._uow.connection.fetchrow(_OWN, self._uow.organization_id)
        credentials = None if row is None else self._secrets.open(row["credentials"])
        if row is None or credentials is None:
            return None, False
        settings = msgspec.json.decode(row["settings"])
        return (
            (resend_account(settings, credentials), row["is_active"]) if "from_address" in settings else (None, False)
        )
