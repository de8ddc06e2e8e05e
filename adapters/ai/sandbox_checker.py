"""A checker of lessons by their words."""

import asyncio
from collections.abc import Sequence

from application.model_calls import Access
from domain.coaching.clashes import Clash, Teaching, clashes


class SandboxLessonChecker:
    """Implement `LessonChecker` by rules."""

    async def check(self, lesson: Teaching, others: Sequence[Teaching], access: Access) -> Sequence[Clash]:
        """Compare the words."""
        del access
        return await asyncio.to_thread(clashes, lesson, others)
