"""A relay or a worker of the house with one subscription more, which notes its starts: `… bell relay|worker FILE`."""

import os
import sys
import time
from dataclasses import dataclass
from typing import ClassVar, NewType

from dishka import Provider, Scope, provide

from adapters.queue.deliver import Subscription
from application.ports import UnitOfWork, effect
from domain.kernel import Event
from entrypoints import subscriptions, wiring

Notes = NewType("Notes", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang(Event):
    """Say that somebody rang."""

    type: ClassVar[str] = "benchmark.rang"


@dataclass(frozen=True)
class Bell:
    """Hear of each ring."""

    uow: UnitOfWork
    notes: Notes

    @effect
    async def hear(self, event: Rang) -> None:
        """Note when this started, then consume the delivery as any effect does."""
        os.write(self.notes, f"{event.subject} {time.time()}\n".encode())
        async with self.uow:
            pass


class Belfry(Provider):
    """Bind the bell to the file of notes."""

    bell = provide(Bell, scope=Scope.REQUEST)

    @provide(scope=Scope.APP)
    def notes(self) -> Notes:
        """Open the file that is appended to."""
        return Notes(os.open(sys.argv[2], os.O_APPEND | os.O_CREAT | os.O_WRONLY))


HEAR = Subscription("bell.hear", Rang, Bell, "hear")


def main() -> None:
    """Run the part that the command line names."""
    subscriptions.FOLLOWS = (*subscriptions.FOLLOWS, HEAR)
    subscriptions.SUBSCRIPTIONS = {**subscriptions.SUBSCRIPTIONS, HEAR.name: HEAR}
    wiring.PROVIDERS = (*wiring.PROVIDERS, Belfry())
    if sys.argv[1] == "relay":
        from entrypoints import relay

        relay.main()
    else:
        from entrypoints import worker

        worker.main()


if __name__ == "__main__":
    main()
