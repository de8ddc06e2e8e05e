"""Round trips shared by those who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from adapters.persistence.database import Unavailable

Q = TypeVar("Q")
A = TypeVar("A")


class Gathering(Generic[Q, A]):
    """Answer all questions that wait, or `most` of them, by one call of `answer`, one call at a time.

    What is asked during a call waits for the next one, so that no answer is older than its question. `answer` gives
    one answer a question, in order; what it raises, every asker of that call gets. Where it had no answer in time, so
    does whoever waits by then: their own call would have none either, and take as long again.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], *, most: int | None = None) -> None:
        self._answer = answer
        self._most = most
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._work: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Wait for one answer; giving up harms nobody else's."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._answer_all())
        return await future

    async def _answer_all(self) -> None:
        while self._waiting:
            asked = self._waiting[: self._most]
            del self._waiting[: self._most]
            try:
                answers = await self._answer([question for question, _ in asked])
                for (_, future), answer in zip(asked, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
            except Exception as error:
                if isinstance(error, (TimeoutError, Unavailable)):
                    asked += self._waiting
                    self._waiting.clear()
                for _, future in asked:
                    if not future.done():
                        future.set_exception(error)
            except BaseException:
                for _, future in [*asked, *self._waiting]:
                    future.cancel()
                self._waiting.clear()
                raise
