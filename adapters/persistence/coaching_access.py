"""An organisation's own key for the model, opened."""

from adapters.persistence.database import PostgresUnitOfWork
from application.identity.secrets import Secrets
from application.model_calls import Access
from application.provider import NotConfigured

_OWN = """
SELECT credentials, settings ->> 'model' AS model FROM integrations
WHERE organization_id = $1 AND provider = 'anthropic' AND is_active
"""


class PostgresModelAccess:
    """Be the `ModelAccess` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, secrets: Secrets) -> None:
        self._uow = uow
        self._secrets = secrets

    async def access(self) -> Access:
        """Give the organisation's own access; the installation does not pay for who chose to pay itself."""
        row = await self._uow.connection.fetchrow(_OWN, self._uow.organization_id)
        if row is None:
            return Access()
        found = self._secrets.open(row["credentials"]) if row["credentials"] is not None else {}
        if found is None:
            raise NotConfigured("The organisation's key for the model cannot be opened; set it again.")
        return Access(found.get("api_key"), row["model"])
