"""The addresses at which providers tell us what became of a message."""

from uuid import UUID

from entrypoints.config import Config


class SandboxCallbacks:
    """Name the sandbox's status route; organisation and ledger id stand in the address."""

    def __init__(self, config: Config) -> None:
        self._base = f"{config.public_url}/api/v1/webhooks/sandbox/status"

    def of(self, organization_id: UUID, send_id: UUID) -> str:
        """Give the address for one message."""
        return f"{self._base}?organization={organization_id}&send={send_id}"
