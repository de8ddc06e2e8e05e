"""Which capabilities this installation has a provider for."""

from application.provider import NotConfigured
from entrypoints.config import Config


class ConfiguredCapabilities:
    """Implement `Capabilities` from the settings; until a provider has an adapter only the sandbox serves them."""

    def __init__(self, config: Config) -> None:
        self._present = {"texting", "email"} if config.sandbox else set[str]()

    def require(self, capability: str) -> None:
        """Refuse where there is no provider."""
        if capability not in self._present:
            raise NotConfigured(f"No provider is configured for {capability}.")
