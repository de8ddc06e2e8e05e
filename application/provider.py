"""What every provider port shares: how a call can fail, and the mark by which an architecture test knows the port."""

from typing import ClassVar, Protocol, TypeVar

from domain.kernel import Refusal

_Port = TypeVar("_Port", bound=type)


def provider_port(port: _Port) -> _Port:
    """Mark a port whose calls leave the house: none may be made while a unit of work is open."""
    port.__provider_port__ = True  # type: ignore[attr-defined]
    return port


class ProviderError(Exception):
    """Say that a provider's call did not succeed; `reason` is meant for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Rejected(ProviderError):
    """Say that the provider refused this request, so asking again is of no use.

    `code` is the provider's own; `permanent` tells that nothing will ever reach this address, `opted_out` that whoever
    has it told the provider to stop.
    """

    def __init__(self, code: str, reason: str, permanent: bool, *, opted_out: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.permanent = permanent
        self.opted_out = opted_out


class Unavailable(ProviderError):
    """Say that the provider certainly did not take the request; `retry_after` is in seconds, where it named any.

    `sender_only` tells that it is but the number texted from, so that the same access serves others well.
    """

    def __init__(
        self,
        retry_after: float | None = None,
        reason: str = "The provider cannot be reached.",
        *,
        sender_only: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.sender_only = sender_only


class Untried(Unavailable):
    """Say that the provider was not even called, so that this was no attempt."""


class Unusable(Untried):
    """Say that the provider takes nothing of ours until people mend something, such as credentials: no attempt."""


class Unfit(Unavailable):
    """Say that the number texted from does not reach this recipient, or none, until people mend it: an attempt."""


class Unknown(ProviderError):
    """Say that nobody knows whether the provider took the request: ask it (`find`) before anything else."""


class TooEarly(ProviderError):
    """Say that the provider answers well, but cannot tell yet what it took: ask it again in `retry_after` seconds."""

    def __init__(self, retry_after: float, reason: str) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class NotConfigured(Refusal):
    """Refuse what needs a provider that this installation does not have."""

    code: ClassVar[str] = "INTEGRATION_NOT_CONFIGURED"


class Capabilities(Protocol):
    """Know which capabilities the organisation of the open unit of work has a provider for."""

    async def require(self, capability: str) -> None:
        """Refuse with `NotConfigured` where `capability` (`texting`, `email`) has none."""
        ...
