"""A checker of lessons by their words."""

import asyncio
from collections.abc import Sequence

from application.coaching.lesson_checks import Comparison
from application.model_calls import Access, Usage
from domain.coaching.clashes import Teaching, clashes


class SandboxLessonChecker:
    """Implement `LessonChecker` by rules."""

    async def check(self, lesson: Teaching, others: Sequence[Teaching], access: Access) -> Comparison:
        """Compare the words."""
        del access
        return Comparison(await asyncio.to_thread(clashes, lesson, others), Usage(model="sandbox"))
