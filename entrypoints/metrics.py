"""Prometheus metrics, each process on a loopback port of its own."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from adapters.persistence.database import Database
from adapters.persistence.trouble import TROUBLE
from adapters.queue.broker import PREFETCH

if TYPE_CHECKING:
    from adapters.queue.relay import Relay

log = structlog.get_logger()

REQUESTS = Counter("rapport_requests_total", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("rapport_request_seconds", "Time to an answer.", ["method", "route"])
STREAMS = Gauge("rapport_streams", "Event streams that are open.")
QUEUE_DEPTH = Gauge("rapport_queue_depth", "Deliveries owed and not parked.", ["queue"])
QUEUE_AGE = Gauge("rapport_queue_age_seconds", "Age of the oldest delivery owed and not parked.", ["queue"])
PARKED = Gauge("rapport_parked_deliveries", "Deliveries that wait for a person.")
QUEUE_OVERDUE = Gauge(
    "rapport_queue_overdue_seconds", "How late the delivery is that should have been done first.", ["queue"]
)
STUCK = Gauge("rapport_stuck_rows", "Messages whose state should have changed a minute ago.", ["state"])
ACCOUNT_FAILING = Gauge(
    "rapport_account_failing_seconds", "How long an account of the installation has been refused.", ["account"]
)
RELAY_LAG = Gauge("rapport_relay_lag_seconds", "Age of the oldest event when it was relayed.")

_DEPTHS = """
SELECT queue, count(*) FILTER (WHERE parked_at IS NULL) AS depth,
       count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE parked_at IS NULL)), 0) AS age,
       greatest(coalesce(extract(epoch FROM clock_timestamp() - min(due_at) FILTER (WHERE parked_at IS NULL)), 0), 0)
         AS overdue
FROM deliveries GROUP BY queue
"""
# Each of these states carries a lease: work under way renews or ends it, and the settling of unknown ones comes round.
_STUCK = """
SELECT state, count(*) FILTER (WHERE lease_until < clock_timestamp() - interval '1 minute') AS stuck
FROM sends WHERE state IN ('claimed', 'handed', 'unknown') GROUP BY state
"""
_ACCOUNTS = """
SELECT name, coalesce(extract(epoch FROM clock_timestamp() - failing_since), 0)::float8 AS failing
FROM installation_accounts WHERE name = ANY ($1)
"""
_OPEN = ("claimed", "handed", "unknown")


def serve_metrics(port: int) -> None:
    """Open the metrics port; 0 is off."""
    if port:
        try:
            start_http_server(port, addr="127.0.0.1")
        except OSError as error:
            log.warning("metrics are off", port=port, error=error.strerror)


async def measure_queues(database: Database, accounts: Sequence[str] = ()) -> None:
    """Set the gauges of queues, ledger and these accounts; what owes nothing, or is not refused, is told as 0."""
    async with database.connection() as connection:
        found = {row["queue"]: row for row in await connection.fetch(_DEPTHS)}
        stuck = {row["state"]: row["stuck"] for row in await connection.fetch(_STUCK)}
        failing = {row["name"]: row["failing"] for row in await connection.fetch(_ACCOUNTS, accounts)}
    for name in accounts:
        ACCOUNT_FAILING.labels(name).set(failing.get(name, 0))
    for state in _OPEN:
        STUCK.labels(state).set(stuck.get(state, 0))
    for queue in {*PREFETCH, *found}:
        row = found.get(queue)
        QUEUE_DEPTH.labels(queue).set(row["depth"] if row else 0)
        QUEUE_AGE.labels(queue).set(float(row["age"]) if row else 0)
        QUEUE_OVERDUE.labels(queue).set(float(row["overdue"]) if row else 0)
    PARKED.set(sum(row["parked"] for row in found.values()))


async def watch_queues(database: Database, relay: "Relay", accounts: Sequence[str]) -> None:
    """Keep the gauges of queues, ledger, accounts and relay true, each second."""
    while True:
        try:
            await measure_queues(database, accounts)
            RELAY_LAG.set(relay.lag_seconds)
        except TROUBLE as error:
            log.warning("queues cannot be measured", error=type(error).__name__)
        await asyncio.sleep(1)
