"""Those who ask at the same time share a round trip, and no answer is older than its question."""

import asyncio
from collections.abc import Sequence

import pytest

from adapters.persistence.database import Unavailable
from adapters.persistence.gathering import Gathering

pytestmark = pytest.mark.anyio


class Slow:
    """Answer what the truth is when the call begins; each call waits to be let go."""

    def __init__(self) -> None:
        self.truth = 1
        self.calls: list[list[str]] = []
        self.gate = asyncio.Event()

    async def answer(self, asked: Sequence[str]) -> list[str]:
        self.calls.append(list(asked))
        found = [f"{question}{self.truth}" for question in asked]
        await self.gate.wait()
        if "bad" in asked:
            raise ValueError("bad")
        return found


async def test_what_is_asked_during_a_call_waits_for_the_next_one() -> None:
    slow = Slow()
    gathering = Gathering(slow.answer)
    early = [asyncio.create_task(gathering.ask(question)) for question in ("a", "b")]
    await asyncio.sleep(0.01)
    slow.truth = 2
    late = [asyncio.create_task(gathering.ask(question)) for question in ("a", "c")]
    await asyncio.sleep(0.01)
    slow.gate.set()
    assert await asyncio.gather(*early, *late) == ["a1", "b1", "a2", "c2"]
    assert slow.calls == [["a", "b"], ["a", "c"]]


async def test_a_failure_reaches_all_who_asked_together_and_nobody_after() -> None:
    slow = Slow()
    slow.gate.set()
    gathering = Gathering(slow.answer)
    found = await asyncio.gather(gathering.ask("bad"), gathering.ask("a"), return_exceptions=True)
    assert [type(one) for one in found] == [ValueError, ValueError]
    assert await gathering.ask("a") == "a1"


@pytest.mark.parametrize("silence", [TimeoutError, Unavailable])
async def test_nobody_waits_for_a_second_call_where_the_first_had_no_answer_in_time(silence: type[Exception]) -> None:
    calls: list[list[str]] = []

    async def answer(asked: Sequence[str]) -> list[str]:
        calls.append(list(asked))
        await asyncio.sleep(0.1)
        raise silence

    gathering = Gathering(answer)
    early = asyncio.create_task(gathering.ask("a"))
    await asyncio.sleep(0.01)
    late = asyncio.create_task(gathering.ask("b"))
    found = await asyncio.gather(early, late, return_exceptions=True)
    assert [type(one) for one in found] == [silence, silence]
    assert calls == [["a"]]


async def test_giving_up_harms_nobody_else() -> None:
    slow = Slow()
    gathering = Gathering(slow.answer)
    impatient, patient = (asyncio.create_task(gathering.ask(question)) for question in ("a", "b"))
    await asyncio.sleep(0.01)
    impatient.cancel()
    slow.gate.set()
    assert await patient == "b1"
    assert await gathering.ask("c") == "c1"


async def test_no_more_are_answered_together_than_are_let() -> None:
    slow = Slow()
    slow.gate.set()
    gathering = Gathering(slow.answer, most=2)
    assert await asyncio.gather(*(gathering.ask(question) for question in "abcde")) == ["a1", "b1", "c1", "d1", "e1"]
    assert slow.calls == [["a", "b"], ["c", "d"], ["e"]]
