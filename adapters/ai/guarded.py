"""Any writer, not through a model that is down: whoever waits behind it is told at once."""

import hashlib

from adapters.egress.breaker import Breaker
from application.messaging.reply_writing import ReplyWriter, WritingTask, Written


class GuardedReplyWriter:
    """Implement `ReplyWriter` with a breaker a key: one that is over its limits is no reason to leave another alone."""

    def __init__(self, writer: ReplyWriter) -> None:
        self._writer = writer
        self._breakers: dict[str, Breaker] = {}

    async def write(self, task: WritingTask) -> Written:
        """Ask, unless the model is left alone just now."""
        name = _name(task.access.api_key)
        if name not in self._breakers:
            self._breakers[name] = Breaker("anthropic")
        with self._breakers[name].call():
            return await self._writer.write(task)


def _name(own_key: str | None) -> str:
    return "anthropic" if own_key is None else f"anthropic:{hashlib.sha256(own_key.encode()).hexdigest()[:8]}"
