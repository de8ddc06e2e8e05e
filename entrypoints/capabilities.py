"""Which providers this installation brings, and which capabilities its sandbox serves."""

from domain.identity.integration import Provider
from entrypoints.config import Config

SERVED = frozenset(
    {Provider.TWILIO.value, Provider.ANDROID_GATEWAY.value, Provider.ANTHROPIC.value, Provider.CALCOM.value}
)
"""The providers that an adapter of this version can be called through; the sandbox's is no provider."""
TESTED = frozenset({Provider.ANDROID_GATEWAY.value, Provider.TWILIO.value, Provider.CALCOM.value})
"""The providers whose access can be tried."""
_SANDBOXED = frozenset({"texting", "email", "booking", "ai"})


class InstallationProviders:
    """Implement `Providers` from the settings."""

    def __init__(self, config: Config) -> None:
        without_key = {Provider.ANTHROPIC} if config.anthropic.api_key is None else set()
        self._configured = frozenset(
            provider.value
            for provider in set(Provider) - without_key
            if any(name.startswith(f"RAPPORT_{provider.value.upper()}_") for name in config.provider_settings)
        )

    def configured(self) -> frozenset[str]:
        """Name the providers that the environment configures."""
        return self._configured

    def served(self) -> frozenset[str]:
        """Name the providers that have an adapter."""
        return SERVED

    def tested(self) -> frozenset[str]:
        """Name the providers that can be tried."""
        return TESTED


def sandboxed(config: Config) -> frozenset[str]:
    """Name the capabilities that the sandbox serves here."""
    return _SANDBOXED if config.sandbox else frozenset()
