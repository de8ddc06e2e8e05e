"""The organisation's own access to the model, for the coach."""

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.model_access import own_access
from application.identity.secrets import Secrets
from application.model_calls import Access

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
        """Give the organisation's own access, if it has one."""
        row = await self._uow.connection.fetchrow(_OWN, self._uow.organization_id)
        return Access() if row is None else own_access(self._secrets, row["credentials"], row["model"])
