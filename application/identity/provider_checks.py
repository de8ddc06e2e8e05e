"""The ports that know which providers can be called, and try one."""

from collections.abc import Mapping
from typing import Any, Protocol

from application.provider import provider_port


class Providers(Protocol):
    """Know what this installation brings by itself."""

    def configured(self) -> frozenset[str]:
        """Name the providers that the environment configures for everybody."""
        ...

    def served(self) -> frozenset[str]:
        """Name the providers that this version has an adapter for."""
        ...

    def tested(self) -> frozenset[str]:
        """Name the providers that `ProviderChecks` can try."""
        ...


@provider_port
class ProviderChecks(Protocol):
    """Ask a provider whether it would serve us."""

    async def check(self, provider: str, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        """Ask it something that changes nothing; raises `Rejected` or `Unavailable` (`application.provider`)."""
        ...
