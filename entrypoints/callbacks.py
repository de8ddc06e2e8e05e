"""The addresses at which providers tell us what became of a message."""

from uuid import UUID

from entrypoints.config import Config

_PATHS = {"sandbox": "sandbox/status", "twilio": "twilio/status", "android_gateway": "sms-gateway"}


class WebhookAddresses:
    """Name the providers' status routes; organisation and ledger id stand in the address."""

    def __init__(self, config: Config) -> None:
        self._base = f"{config.public_url}/api/v1/webhooks"

    def of(self, provider: str, organization_id: UUID, send_id: UUID) -> str:
        """Give a provider's address for one message."""
        return f"{self._base}/{_PATHS.get(provider, 'none')}?organization={organization_id}&send={send_id}"
