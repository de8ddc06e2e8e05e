"""What the sandbox provider still owes our API: signed callbacks, due on its clock, retried until they are taken."""

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

_FIRST_RETRY, _LAST_RETRY = 0.2, 5.0
# httpx looks at every connection of its pool on each request: 8 carry 1,000 requests/s on two cores, 32 only 350.
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Owed:
    """Hold one callback: `id` stays the same over retries and restarts, `due` is business time, `body` is JSON.

    Callbacks of one `lane` go in due order, each after the one before was taken.
    """

    id: str
    due: datetime
    lane: str
    url: str
    body: bytes
    record: object
    twice: bool = False


@dataclass(slots=True)
class Deliveries:
    """Deliver what is due, in due order for each lane, several lanes at a time.

    `settled` is awaited when a callback got its 2xx, with the business time of that moment; a kill before it has
    returned means that the callback is delivered again under the same id.
    """

    client: httpx.AsyncClient
    secret: str
    now: Callable[[], datetime]
    settled: Callable[[Owed, datetime], Awaitable[None]]
    concurrency: int = CONNECTIONS
    in_flight: int = 0
    pending: int = 0
    _later: list[tuple[datetime, int, Owed]] = field(default_factory=list)
    _due: dict[str, deque[Owed]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _slots: asyncio.Semaphore = field(init=False)
    _webhook: Webhook = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.concurrency)
        self._webhook = Webhook(self.secret)

    def owe(self, owed: Owed) -> None:
        """Take one more callback; those of one lane with the same due time go in the order taken."""
        heapq.heappush(self._later, (owed.due, next(self._order), owed))
        self._woken.set()

    def wake(self) -> None:
        """Look at the clock again, since it was moved."""
        self._woken.set()

    @property
    def next_due_at(self) -> datetime | None:
        """Tell when the next callback falls due that is not due yet."""
        self.release()
        return self._later[0][0] if self._later else None

    async def run(self) -> None:
        """Deliver for ever."""
        try:
            while True:
                self._woken.clear()
                self.release()
                wait = (self._later[0][0] - self.now()).total_seconds() if self._later else None
                try:
                    await asyncio.wait_for(self._woken.wait(), wait)
                except TimeoutError:
                    continue
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def release(self) -> None:
        """Move what is due now to its lane's queue; afterwards `pending` counts all that is due and not taken."""
        now = self.now()
        while self._later and self._later[0][0] <= now:
            owed = heapq.heappop(self._later)[2]
            self.pending += 1
            queue = self._due.get(owed.lane)
            if queue is not None:
                queue.append(owed)
                continue
            self._due[owed.lane] = deque([owed])
            task = asyncio.create_task(self._deliver_lane(owed.lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver_lane(self, lane: str) -> None:
        queue = self._due[lane]
        while queue:
            await self._deliver(queue[0])
            queue.popleft()
            self.pending -= 1
        del self._due[lane]

    async def _deliver(self, owed: Owed) -> None:
        retry = _FIRST_RETRY
        while not (await self._post(owed) and await self._settle(owed)):
            await asyncio.sleep(retry)
            retry = min(retry * 2, _LAST_RETRY)
        if owed.twice:
            await self._post(owed)

    async def _settle(self, owed: Owed) -> bool:
        try:
            await self.settled(owed, self.now())
        except OSError:
            return False
        return True

    async def _post(self, owed: Owed) -> bool:
        async with self._slots:
            self.in_flight += 1
            try:
                answer = await self.client.post(owed.url, content=owed.body, headers=self._headers(owed))
            except httpx.HTTPError:
                return False
            finally:
                self.in_flight -= 1
        return answer.is_success

    def _headers(self, owed: Owed) -> dict[str, str]:
        # Machine time, which a moved sandbox clock does not touch: receivers allow a few minutes either way.
        sent_at = int(time.time())
        return {
            "content-type": "application/json",
            "webhook-id": owed.id,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": self._webhook.sign(owed.id, datetime.fromtimestamp(sent_at, UTC), owed.body.decode()),
        }
