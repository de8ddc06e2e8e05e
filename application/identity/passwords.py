"""The port that keeps passwords without knowing them."""

from typing import Protocol


class Passwords(Protocol):
    """Hash and compare passwords slowly, away from the event loop."""

    async def hash(self, password: str) -> str:
        """Hash a new password."""
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare; an account that is not there (None) takes as long as a wrong password."""
        ...
