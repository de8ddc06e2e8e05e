"""The port that reads phone numbers as people of the organisation's country write them."""

from typing import Protocol

from domain.kernel import Phone


class OwnNumbers(Protocol):
    """Read phone numbers inside the open unit of work."""

    async def read(self, text: str, field: str) -> Phone:
        """Give the number in E.164, or refuse it as `Invalid` at this field."""
        ...
