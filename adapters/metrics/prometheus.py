"""What messaging does, counted for Prometheus; the ports it stands in front of know nothing of it."""

import time
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from uuid import UUID

from prometheus_client import Counter, Histogram

from adapters.persistence.ledger import PostgresLedger
from adapters.tracing.spans import span
from application.messaging.gate import Entry
from application.messaging.hand_overs import HandedOver, Result
from application.messaging.texting import Receipt, Text, Texting, TextingAccount
from application.provider import ProviderError
from domain.messaging.policy import Allow, Verdict

VERDICTS = Counter("rapport_verdicts_total", "Verdicts of the send gate, by when it was asked.", ["at", "verdict"])
SENDS = Counter("rapport_sends_total", "Messages by what became of their hand-over.", ["state"])
PROVIDER_SECONDS = Histogram(
    "rapport_provider_seconds", "Time of a provider's answer.", ["provider", "call", "outcome"]
)


class CountedLedger(PostgresLedger):
    """Count what is written: verdicts at planning and at hand-over, and what became of each message."""

    async def record(self, entries: Sequence[Entry], sender: str, at: datetime) -> frozenset[UUID]:
        """Record, and count the verdicts on what was new."""
        recorded = await super().record(entries, sender, at)
        _count("planning", [entry.verdict for entry in entries if entry.draft.id in recorded])
        return recorded

    async def hand(
        self,
        batch: UUID,
        verdicts: Sequence[tuple[UUID, Verdict]],
        accounts: Mapping[UUID, TextingAccount],
        at: datetime,
    ) -> HandedOver:
        """Hand over, and count: a row that was cancelled meanwhile counts as no verdict."""
        handed = await super().hand(batch, verdicts, accounts, at)
        _count(
            "hand_over", [v for identifier, v in verdicts if identifier in handed.handed or not isinstance(v, Allow)]
        )
        return handed

    async def write(self, results: Sequence[Result], at: datetime, batch: UUID | None) -> frozenset[UUID]:
        """Write, and count what was written."""
        written = await super().write(results, at, batch)
        for state, count in Tally(result.state for result in results if result.id in written).items():
            SENDS.labels(state).inc(count)
        return written


def _count(when: str, verdicts: Sequence[Verdict]) -> None:
    for kind, count in Tally(verdict.kind for verdict in verdicts).items():
        VERDICTS.labels(when, kind).inc(count)


class TimedTexting:
    """Be a `Texting` that times another one."""

    def __init__(self, texting: Texting, provider: str) -> None:
        self._texting = texting
        self._provider = provider

    async def send(self, text: Text) -> Receipt:
        """Hand over one text."""
        with _Timer(self._provider, "send"):
            return await self._texting.send(text)

    async def find(self, text: Text, since: datetime) -> Sequence[Receipt]:
        """Ask what became of one."""
        with _Timer(self._provider, "find"):
            return await self._texting.find(text, since)


class _Timer:
    def __init__(self, provider: str, call: str) -> None:
        self._names = provider, call
        self._start = time.perf_counter()
        self._traced = span(f"{provider} {call}", "client", rapport__provider=provider)

    def __enter__(self) -> None:
        """Begin."""
        self._traced.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._traced.__exit__(kind, error, trace)
        outcome = "ok" if kind is None else kind.__name__.lower() if isinstance(error, ProviderError) else "error"
        PROVIDER_SECONDS.labels(*self._names, outcome).observe(time.perf_counter() - self._start)
