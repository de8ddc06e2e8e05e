"""What the measures share: the servers, filled when the first of them asks."""

import asyncio
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Self

from benchmarks.installation import Installation, installation
from benchmarks.seed import Tenant, seed

SMALL = 10_000
World = tuple[Installation, list[Tenant]]


class Worlds:
    """Hold one pair of servers with two databases, `leads` rows in the large one and 10,000 in the small one.

    A measure runs `rounds` rounds, interleaved, of `requests` requests.
    """

    def __init__(self, *, leads: int, rounds: int, requests: int) -> None:
        self.leads = leads
        self.rounds = rounds
        self.requests = requests
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def installation(self) -> Installation:
        """Start the servers."""
        return self._stack.enter_context(installation())

    @cached_property
    def large(self) -> World:
        """Fill the large database."""
        return _filled(self.installation, self.leads)

    @cached_property
    def small(self) -> World:
        """Fill the small one."""
        return _filled(self.installation.beside("small"), SMALL)


def _filled(house: Installation, leads: int) -> World:
    return house, asyncio.run(seed(house.config, house.superuser_url, leads=leads))
