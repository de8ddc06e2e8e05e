"""What a signed-in person carries from request to request."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Bearer:
    """Say whom a token speaks for, in which organisation, as of which version of the account's tokens."""

    account_id: UUID
    organization_id: UUID
    token_version: int


class Tokens(Protocol):
    """Issue and read tokens."""

    def issue(self, bearer: Bearer) -> str:
        """Sign a token."""
        ...

    def read(self, token: str) -> Bearer | None:
        """Check a token; None for anything that is not one of ours or has run out."""
        ...
