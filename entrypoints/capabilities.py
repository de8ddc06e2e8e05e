"""Which providers this installation brings, and which capabilities its sandbox serves."""

from domain.identity.integration import MAIL_SERVER, Provider
from entrypoints.config import Config

SERVED = frozenset(
    {
        Provider.TWILIO.value,
        Provider.ANDROID_GATEWAY.value,
        Provider.ANTHROPIC.value,
        Provider.CALCOM.value,
        Provider.RESEND.value,
        MAIL_SERVER,
    }
)
"""The providers that an adapter of this version can be called through; the sandbox's is no provider."""
TESTED = frozenset({Provider.ANDROID_GATEWAY.value, Provider.TWILIO.value, Provider.CALCOM.value})
"""The providers whose access can be tried."""
_SANDBOXED = frozenset({"texting", "email", "booking", "ai"})


class InstallationProviders:
    """Implement `Providers` from the settings."""

    def __init__(self, config: Config) -> None:
        without_key = {Provider.ANTHROPIC.value} if config.anthropic.api_key is None else set[str]()
        self._configured = frozenset(
            provider
            for provider in ({one.value for one in Provider} | {MAIL_SERVER}) - without_key
            if any(name.startswith(f"RAPPORT_{provider.upper()}_") for name in config.provider_settings)
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
