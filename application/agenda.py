"""The port through which a use case says when it wants to be called again."""

from datetime import datetime
from typing import Protocol


class Agenda(Protocol):
    """Set the schedules of the actor's organisation, inside its unit of work, in business time."""

    async def lock(self, name: str) -> None:
        """Keep others from setting this schedule until the unit of work ends."""
        ...

    async def no_later_than(self, name: str, at: datetime) -> None:
        """Bring a schedule forward to `at`, never back."""
        ...

    async def clear(self, name: str) -> None:
        """Let nothing be due on a schedule."""
        ...
