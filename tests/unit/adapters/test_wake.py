"""Whoever asks for a wake-up gets one that goes out after they asked."""

import asyncio
from typing import Any

import pytest

from adapters.queue.wake import Wake

pytestmark = pytest.mark.anyio


async def test_who_asks_while_a_wake_up_is_on_its_way_gets_another() -> None:
    published: list[str] = []

    class Slow:
        async def publish(self, channel: str, _: bytes) -> None:
            published.append(channel)
            if len(published) == 1:
                wake()
                wake()

    client: Any = Slow()
    wake = Wake(client)
    wake()
    wake()
    await asyncio.sleep(0.2)
    assert len(published) == 2
