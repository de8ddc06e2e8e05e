"""The writer of a sandbox that nobody asked for: it ends for whoever stores a key of their own."""

from collections.abc import Callable

from application.messaging.reply_writing import ReplyWriter, WritingTask, Written


class OwnKeyReplyWriter:
    """Implement `ReplyWriter` by a model, opened with the first own key, and by rules for who has none."""

    def __init__(self, rules: ReplyWriter, open_model: Callable[[], ReplyWriter]) -> None:
        self._rules = rules
        self._open_model = open_model
        self._model: ReplyWriter | None = None

    async def write(self, task: WritingTask) -> Written:
        """Ask whoever serves this organisation."""
        if task.access.api_key is None:
            return await self._rules.write(task)
        if self._model is None:
            self._model = self._open_model()
        return await self._model.write(task)
