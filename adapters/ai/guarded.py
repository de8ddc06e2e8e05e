"""Any model, not while it is down: whoever waits behind it is told at once."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager

from adapters.egress.breaker import Breaker
from application.coaching.lesson_checks import LessonChecker
from application.coaching.pattern_finding import Described, PatternFinder, PatternTask
from application.coaching.reviewing import ConversationReviewer, Review, ReviewTask
from application.messaging.reply_writing import ReplyWriter, WritingTask, Written
from application.model_calls import Access
from domain.coaching.clashes import Clash, Teaching


class _Breakers:
    """Keep a breaker a key: one that is over its limits is no reason to leave another alone."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = {}

    def call(self, access: Access) -> AbstractContextManager[None]:
        """Let one call through, or raise where the model is left alone just now."""
        name = _name(access.api_key)
        if name not in self._breakers:
            self._breakers[name] = Breaker("anthropic")
        return self._breakers[name].call()


class GuardedReplyWriter:
    """Implement `ReplyWriter` behind breakers."""

    def __init__(self, writer: ReplyWriter) -> None:
        self._writer = writer
        self._breakers = _Breakers()

    async def write(self, task: WritingTask) -> Written:
        """Ask, unless the model is left alone just now."""
        with self._breakers.call(task.access):
            return await self._writer.write(task)


class GuardedReviewer:
    """Implement `ConversationReviewer` behind breakers of its own: a slow review is no reason to leave answers."""

    def __init__(self, reviewer: ConversationReviewer) -> None:
        self._reviewer = reviewer
        self._breakers = _Breakers()

    async def review(self, task: ReviewTask) -> Review:
        """Ask, unless the model is left alone just now."""
        with self._breakers.call(task.access):
            return await self._reviewer.review(task)


class GuardedFinder:
    """Implement `PatternFinder` behind breakers."""

    def __init__(self, finder: PatternFinder) -> None:
        self._finder = finder
        self._breakers = _Breakers()

    async def describe(self, task: PatternTask) -> Described:
        """Ask, unless the model is left alone just now."""
        with self._breakers.call(task.access):
            return await self._finder.describe(task)


class GuardedLessonChecker:
    """Implement `LessonChecker` behind breakers."""

    def __init__(self, checker: LessonChecker) -> None:
        self._checker = checker
        self._breakers = _Breakers()

    async def check(self, lesson: Teaching, others: Sequence[Teaching], access: Access) -> Sequence[Clash]:
        """Ask, unless the model is left alone just now."""
        with self._breakers.call(access):
            return await self._checker.check(lesson, others, access)


def _name(own_key: str | None) -> str:
    return "anthropic" if own_key is None else f"anthropic:{hashlib.sha256(own_key.encode()).hexdigest()[:8]}"
