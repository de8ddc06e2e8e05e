"""Addresses of erased people: only a keyed hash stays, by which they are known again when they come back."""

import base64
import hmac
import secrets as random
from collections.abc import Sequence

from adapters.persistence.database import PostgresUnitOfWork
from application.identity.secrets import Secrets

PREFIX = "erased:"
_KEY = "SELECT sealed FROM sealed_keys WHERE organization_id = $1 AND purpose = 'erased addresses'"
_ANY = "SELECT EXISTS (SELECT FROM suppressions WHERE organization_id = $1 AND address ^@ 'erased:')"
_FORGIVE = "DELETE FROM suppressions WHERE organization_id = $1 AND address = ANY ($2)"
_RECALL = """
INSERT INTO suppressions (organization_id, address, since, how, wording, consent_id)
SELECT $1, back.address, gone.since, gone.how, NULL, gone.consent_id
FROM unnest($2::text[], $3::text[]) AS back(address, hash)
JOIN suppressions gone ON gone.organization_id = $1 AND gone.address = back.hash
ON CONFLICT DO NOTHING
"""


class ErasedAddresses:
    """Hash addresses under a random key of the organisation, which is kept sealed and survives key rotation."""

    def __init__(self, uow: PostgresUnitOfWork, secrets: Secrets) -> None:
        self._uow = uow
        self._secrets = secrets
        self._key: bytes | None = None

    async def hashes(self, addresses: Sequence[str]) -> list[str]:
        """Hash addresses (HMAC-SHA256), in their order."""
        key = await self._organizations_key()
        return [PREFIX + _digest(key, address) for address in addresses]

    async def recall(self, addresses: Sequence[str]) -> None:
        """Suppress those of these addresses, which are about to be stored again, that belonged to erased people."""
        if not addresses or not await self._uow.connection.fetchval(_ANY, self._uow.organization_id):
            return
        hashes = await self.hashes(addresses)
        await self._uow.connection.execute(_RECALL, self._uow.organization_id, list(addresses), hashes)

    async def forgive(self, address: str) -> None:
        """Forget the hash of somebody who came back and wants messages again."""
        if await self._uow.connection.fetchval(_ANY, self._uow.organization_id):
            await self._uow.connection.execute(_FORGIVE, self._uow.organization_id, await self.hashes([address]))

    async def _organizations_key(self) -> bytes:
        if self._key is None:
            connection, organization_id = self._uow.connection, self._uow.organization_id
            sealed = await connection.fetchval(_KEY, organization_id)
            if sealed is None:
                fresh = self._secrets.seal({"key": random.token_urlsafe(32)})
                await connection.execute(
                    "INSERT INTO sealed_keys (organization_id, purpose, sealed) VALUES ($1, 'erased addresses', $2)"
                    " ON CONFLICT DO NOTHING",
                    organization_id,
                    fresh,
                )
                sealed = await connection.fetchval(_KEY, organization_id)
            opened = self._secrets.open(sealed)
            if opened is None:
                raise RuntimeError("The key of erased addresses is sealed under a secret key that is gone.")
            self._key = opened["key"].encode()
        return self._key


def _digest(key: bytes, address: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, address.casefold().encode(), "sha256")).rstrip(b"=").decode()
