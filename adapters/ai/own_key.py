"""Who serves in a sandbox that nobody asked for: rules, but a model for whoever stores a key of their own."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from application.coaching.lesson_checks import Comparison, LessonChecker
from application.coaching.pattern_finding import Described, PatternFinder, PatternTask
from application.coaching.reviewing import ConversationReviewer, Review, ReviewTask
from application.messaging.reply_writing import ReplyWriter, WritingTask, Written
from application.model_calls import Access
from domain.coaching.clashes import Teaching

P = TypeVar("P")


class _OwnKey(Generic[P]):
    """Choose by access; the model is opened with the first own key."""

    def __init__(self, rules: P, open_model: Callable[[], P]) -> None:
        self._rules = rules
        self._open_model = open_model
        self._model: P | None = None

    def _for(self, access: Access) -> P:
        if access.api_key is None:
            return self._rules
        if self._model is None:
            self._model = self._open_model()
        return self._model


class OwnKeyReplyWriter(_OwnKey[ReplyWriter]):
    """Implement `ReplyWriter`."""

    async def write(self, task: WritingTask) -> Written:
        """Ask whoever serves this organisation."""
        return await self._for(task.access).write(task)


class OwnKeyReviewer(_OwnKey[ConversationReviewer]):
    """Implement `ConversationReviewer`."""

    async def review(self, task: ReviewTask) -> Review:
        """Ask whoever serves this organisation."""
        return await self._for(task.access).review(task)


class OwnKeyFinder(_OwnKey[PatternFinder]):
    """Implement `PatternFinder`."""

    async def describe(self, task: PatternTask) -> Described:
        """Ask whoever serves this organisation."""
        return await self._for(task.access).describe(task)


class OwnKeyLessonChecker(_OwnKey[LessonChecker]):
    """Implement `LessonChecker`."""

    async def check(self, lesson: Teaching, others: Sequence[Teaching], access: Access) -> Comparison:
        """Ask whoever serves this organisation."""
        return await self._for(access).check(lesson, others, access)
