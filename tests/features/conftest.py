"""Scenarios act through the application of the HTTP tests; their steps are synchronous, so `run` awaits for them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from tests.http.conftest import app, client, join, open_client, owner, stranger

__all__ = ["app", "client", "join", "open_client", "owner", "stranger"]

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture
async def session_loop() -> asyncio.AbstractEventLoop:
    """Give the event loop that asynchronous fixtures run on."""
    return asyncio.get_running_loop()


@pytest.fixture
def run(session_loop: asyncio.AbstractEventLoop) -> Run[Any]:
    """Await something in a synchronous step, on the loop that the fixtures were made on."""
    return session_loop.run_until_complete
