"""What is owed and late: events, deliveries, schedules, and rows of the send ledger."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.kernel import first_id
from entrypoints.config import Config
from entrypoints.doctor.database import connected

LATE_SECONDS = 60
UNSETTLED_SECONDS = 900
SILENT_HOURS = 6
_MOST_REASONS = 5
_TELLS_WITHIN_MINUTES = 15
_FEW = 5

_QUEUES = """
SELECT (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 FROM outbox) AS unrelayed,
       (SELECT coalesce(extract(epoch FROM business_now() - min(next_due_at)), 0)::float8 FROM schedules
        WHERE next_due_at IS NOT NULL) AS unticked
"""
_OVERDUE = """
SELECT queue, count(*) AS deliveries, extract(epoch FROM clock_timestamp() - min(due_at))::float8 AS late
FROM deliveries WHERE parked_at IS NULL AND due_at <= clock_timestamp() - make_interval(secs => $1)
GROUP BY queue ORDER BY queue
"""
_FAILING = """
SELECT subscription, count(*) AS deliveries, max(failures) AS failures FROM deliveries
WHERE parked_at IS NULL AND failures >= 3 GROUP BY subscription ORDER BY subscription
"""
_PARKED = """
SELECT subscription, count(*) AS deliveries, min(parked_at) AS since FROM deliveries
WHERE parked_at IS NOT NULL GROUP BY subscription ORDER BY subscription
"""
_LEDGER = """
SELECT count(*) FILTER (WHERE state IN ('claimed', 'handed')
                        AND lease_until <= clock_timestamp() - make_interval(secs => $2)) AS held,
       count(*) FILTER (WHERE state = 'unknown'
                        AND handed_machine_at <= clock_timestamp() - make_interval(secs => $3)) AS unknown
FROM sends WHERE organization_id = $1 AND state IN ('claimed', 'handed', 'unknown')
"""
_LEFT_TO_PEOPLE = """
SELECT coalesce(error, '') AS reason, count(*) AS texts FROM sends
WHERE organization_id = $1 AND state = 'parked' GROUP BY 1
"""
_MAILS_LEFT_TO_PEOPLE = """
SELECT coalesce(reason, '') AS reason, count(*) AS mails FROM mails
WHERE organization_id = $1 AND state = 'parked' GROUP BY 1
"""


_SILENT = """
SELECT s.provider AS account, count(*) AS texts FROM sends s
WHERE s.organization_id = $1 AND s.state = 'accepted' AND s.provider <> 'sandbox'
  AND s.handed_machine_at BETWEEN clock_timestamp() - make_interval(hours => $2)
                              AND clock_timestamp() - make_interval(mins => $3)
GROUP BY s.provider HAVING count(*) >= $4 AND NOT EXISTS (
  SELECT FROM inbound i WHERE i.id >= $5 AND i.organization_id = $1 AND i.provider = split_part(s.provider, ':', 1)
    AND i.kind <> 'text'
) ORDER BY s.provider
"""


_REFUSED = """
SELECT name, failing_since AT TIME ZONE 'UTC' AS failing_since, error FROM installation_accounts
WHERE failing_since IS NOT NULL AND name = ANY ($1) ORDER BY name
"""


async def queues(config: Config) -> list[str]:
    """Find events that no relay takes, schedules that no scheduler sees, deliveries that no worker ends."""
    async with connected(config.system_database_url) as connection:
        told = await connection.fetchrow(_QUEUES)
        overdue = await connection.fetch(_OVERDUE, LATE_SECONDS)
        failing = await connection.fetch(_FAILING)
    found = []
    if told["unrelayed"] > LATE_SECONDS:
        found.append(f"Events have waited {told['unrelayed']:.0f} s to be relayed: does a relay run?")
    if told["unticked"] > LATE_SECONDS:
        found.append(f"A schedule is {told['unticked']:.0f} s overdue: does a scheduler run?")
    found += [
        f"{row['deliveries']} deliveries of the queue {row['queue']} are overdue, the oldest by {row['late']:.0f} s:"
        " do a relay and workers run, and is the broker there?"
        for row in overdue
    ]
    return found + [
        f"{row['deliveries']} deliveries to {row['subscription']} have failed up to {row['failures']} times and are"
        " tried again; the workers' logs say why."
        for row in failing
    ]


async def parked(config: Config) -> list[str]:
    """Find deliveries that failed for good."""
    async with connected(config.system_database_url) as connection:
        rows = await connection.fetch(_PARKED)
    return [
        f"{row['deliveries']} deliveries to {row['subscription']} failed for good, the first on"
        f" {row['since']:%d %B %Y at %H:%M} UTC: `rapport dead-letters list` says why."
        for row in rows
    ]


async def ledger(config: Config) -> list[str]:
    """Find texts that a worker has kept for too long, and texts and mails of which nobody knows whether they left."""
    held = unknown = 0
    waiting: Counter[str] = Counter()
    mails: Counter[str] = Counter()
    async with connected(config.database_url) as connection:
        async for organization_id in _organizations(connection):
            told = await connection.fetchrow(_LEDGER, organization_id, LATE_SECONDS, UNSETTLED_SECONDS)
            parked = await connection.fetch(_LEFT_TO_PEOPLE, organization_id)
            parked_mails = await connection.fetch(_MAILS_LEFT_TO_PEOPLE, organization_id)
            held, unknown = held + told["held"], unknown + told["unknown"]
            waiting.update({row["reason"]: row["texts"] for row in parked})
            mails.update({row["reason"]: row["mails"] for row in parked_mails})
    found = []
    if held:
        found.append(f"{held} texts are held by workers whose lease ended over {LATE_SECONDS} s ago: do workers run?")
    if unknown:
        minutes = UNSETTLED_SECONDS // 60
        found.append(
            f"Of {unknown} texts nobody has known for over {minutes} minutes whether they went out: the provider is"
            " asked again and again; does it answer?"
        )
    return found + [
        f"{count} {what} wait for a person: nobody can tell whether they were taken. {reason}".rstrip()
        for what, of in (("texts", waiting), ("mails", mails))
        for reason, count in of.most_common(_MOST_REASONS)
    ]


async def silence(config: Config) -> list[str]:
    """Find texting accounts that take texts and have not told what became of any."""
    first = first_id(datetime.now(UTC) - timedelta(hours=SILENT_HOURS))
    found = []
    async with connected(config.database_url) as connection:
        async for organization_id in _organizations(connection):
            asked = (organization_id, SILENT_HOURS, _TELLS_WITHIN_MINUTES, _FEW, first)
            found += [(organization_id, row) for row in await connection.fetch(_SILENT, *asked)]
    return [
        f"The account {row['account']} of organisation {organization_id} has taken {row['texts']} texts in"
        f" {SILENT_HOURS} hours and not once told what became of them: can it call RAPPORT_PUBLIC_URL?"
        for organization_id, row in found
    ]


async def accounts(config: Config) -> list[str]:
    """Find accounts of the installation, at whatever provider, that are refused: no organisation is told of those.

    One that was replaced by another, or removed, serves never again, and is not looked for.
    """
    async with connected(config.database_url) as connection:
        rows = await connection.fetch(_REFUSED, config.accounts)
    return [
        f"The installation's account {row['name']} has been refused since {row['failing_since']:%d %B %Y at %H:%M} UTC:"
        f" {row['error']}"
        for row in rows
    ]


async def _organizations(connection: Any) -> AsyncIterator[UUID]:
    """Look at one after the other: the application's role sees one organisation at a time, and so does the doctor."""
    for row in await connection.fetch("SELECT DISTINCT organization_id FROM schedules"):
        async with connection.transaction(readonly=True):
            await connection.execute(
                "SELECT set_config('rapport.organization_id', $1, true)", str(row["organization_id"])
            )
            yield row["organization_id"]
