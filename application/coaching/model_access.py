"""Whose access to the model the coach asks with."""

from typing import Protocol

from application.model_calls import Access


class ModelAccess(Protocol):
    """Know the organisation's own access to the model, within the open unit of work."""

    async def access(self) -> Access:
        """Give it, empty where the installation's serves; refuse (`NotConfigured`) where it cannot be opened."""
        ...
