"""The check of whichever provider is to be tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.identity.provider_checks import ProviderChecks


@dataclass(frozen=True, slots=True)
class ChosenChecks:
    """Implement `ProviderChecks` by the provider's own."""

    by_provider: Mapping[str, ProviderChecks]

    async def check(self, provider: str, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        """Ask it something that changes nothing."""
        await self.by_provider[provider].check(provider, settings, credentials)
