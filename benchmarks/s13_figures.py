"""S13: how long figures take at many leads, after half a year of counting, and how fast the log is counted."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from dishka import AsyncContainer

from adapters.persistence.database import Cause, PostgresUnitOfWork, connect_arguments
from application.analytics.rollups import Counting
from application.ports import Actor
from benchmarks.figures import Figure
from benchmarks.installation import Installation
from benchmarks.load import Task, load
from benchmarks.worlds import Worlds
from domain.kernel import new_id
from domain.messaging.message import MessagesSettled, Settled
from entrypoints.container import container

_SECONDS = 0.5
_REQUESTS = 100
_TEXTS = 20_000
_ANSWERED = 100_000
# Eleven hours a day for half a year, each quarter of an hour with every kind, and a campaign with three wordings.
_COUNTED = (
    """
    INSERT INTO rollups (organization_id, id, dataset_id, quarter, kind, count)
    SELECT d.organization_id, gen_random_uuid(), d.id, day + quarter * interval '15 minutes', kind, 3
    FROM datasets d, generate_series(date_trunc('day', now()) - interval '180 days', now(), '1 day') AS day,
         generate_series(36, 79) AS quarter,
         unnest(ARRAY['m1', 'm2', 'm3', 'ai_replies', 'manual', 'other', 'replies', 'first_replies', 'hot', 'bookings',
                      'opt_outs', 'contacted', 'contacted_replied', 'contacted_booked']) AS kind
    WHERE d.organization_id = $1
    """,
    """
    INSERT INTO campaigns (organization_id, id, dataset_id, status, seed, settings)
    SELECT organization_id, gen_random_uuid(), id, 'active', 1, '{}' FROM datasets WHERE organization_id = $1
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO touch_results (organization_id, campaign_id, touch, variant, what, count)
    SELECT organization_id, id, touch, variant, what, 1000 FROM campaigns, unnest(ARRAY['M1', 'M2', 'M3']) AS touch,
      unnest(ARRAY['A', 'B', 'C']) AS variant, unnest(ARRAY['sent', 'reply', 'booking', 'opt_out']) AS what
    WHERE organization_id = $1
    """,
    # Over half a year the AI answered as many leads, every other with one of ten lessons; each tenth booked a call.
    """
    INSERT INTO lessons (organization_id, id, lesson_type, title, description, tags, created_at, updated_at)
    SELECT $1, gen_random_uuid(), 'dos_donts', 'Lesson ' || n, 'Lesson ' || n, '{}', now(), now()
    FROM generate_series(1, 10) AS n
    """,
    f"""
    INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, started_at, last_message_at)
    SELECT organization_id, gen_random_uuid(), contact_id, id, 'sms', coalesce(phone, id::text), at, at
    FROM (SELECT *, now() - row_number() OVER () % 180 * interval '1 day' AS at FROM leads
          WHERE organization_id = $1 LIMIT {_ANSWERED}) AS l ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO replies (organization_id, id, conversation_id, lead_id, status, lessons, breaches, prompt_version,
      model, input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at, positive, booked, settled,
      measured_at)
    SELECT organization_id, gen_random_uuid(), id, lead_id, 'sent',
      CASE WHEN n % 2 = 0 THEN ARRAY[lessons.ids[1 + n / 2 % 10]] ELSE '{}' END, '{}', 'built-in-1', 'sandbox', 0, 0, 0,
      0, 0, started_at, n % 3 = 0, n % 10 = 0, true, now()
    FROM (SELECT *, row_number() OVER () AS n FROM conversations WHERE organization_id = $1) AS c,
         (SELECT array_agg(id) AS ids FROM lessons WHERE organization_id = $1) AS lessons
    """,
    """
    INSERT INTO bookings (organization_id, id, lead_id, contact_id, provider, natural_key, source, start_at, zone,
      status, uid, created_at, updated_at)
    SELECT r.organization_id, r.id, r.lead_id, c.contact_id, 'sandbox', r.id::text, 'ai', r.created_at, 'UTC',
      'scheduled', r.id::text, r.created_at + interval '1 day', now()
    FROM replies r JOIN conversations c ON c.organization_id = $1 AND c.id = r.conversation_id
    WHERE r.organization_id = $1 AND r.booked ON CONFLICT DO NOTHING
    """,
    "ANALYZE rollups, lessons, conversations, replies, bookings",
)


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give p99 of each route over one connection, its goal beside it, and texts counted a second."""
    house, tenants = worlds.large
    largest = tenants[0]
    dataset, leads, answered = asyncio.run(_fill(house.superuser_url, largest.organization_id))
    among = f"{leads:,} leads"
    with house.api() as api:
        for name, path in (
            (f"overview, all time, {among}", "overview"),
            (f"overview, a month of one dataset, {among}", f"overview?time_range=month&dataset_id={dataset}"),
            (f"comparison of datasets, {among}, {answered:,} answered by the AI", "dataset-comparison"),
            (f"a campaign's results, {among}", f"campaigns/{dataset}"),
            (f"what the coach changed, {among}, {answered:,} answered by the AI", "coach-impact"),
        ):
            at = Task(
                port=api.port,
                path=f"/api/v1/analytics/{path}",
                token=largest.token,
                requests=_REQUESTS,
                connections=1,
            )
            runs = [load(at) for _ in range(worlds.rounds)]
            half, most = statistics.median(run.p50 for run in runs), statistics.median(run.p99 for run in runs)
            yield Figure(
                f"S13 {name}, p50 and p99 / {_SECONDS * 1e3:g} ms",
                f"{half * 1e3:,.0f}, {most * 1e3:,.0f} ms",
                f"{_SECONDS * 1e3:g} ms",
                most / _SECONDS,
                at_most=1.0,
            )
    rates = [asyncio.run(_counted(house, largest.organization_id)) for _ in range(worlds.rounds)]
    rate = statistics.median(rates)
    yield Figure("S13 texts counted / 5,000 a second", f"{rate:,.0f}/s", "5,000/s", rate / 5_000, at_least=1.0)


async def _fill(superuser_url: str, organization_id: UUID) -> tuple[UUID, int, int]:
    """Let half a year have passed; gives a dataset, and how many leads there are and how many the AI answered."""
    connection = await asyncpg.connect(**connect_arguments(superuser_url))
    try:
        for statement in _COUNTED:
            await connection.execute(statement, *([organization_id] if "$1" in statement else []))
        return (
            await connection.fetchval("SELECT id FROM datasets WHERE organization_id = $1", organization_id),
            await connection.fetchval("SELECT count(*) FROM leads WHERE organization_id = $1", organization_id),
            await connection.fetchval(
                "SELECT count(DISTINCT lead_id) FROM replies WHERE organization_id = $1", organization_id
            ),
        )
    finally:
        await connection.close()


async def _counted(house: Installation, organization_id: UUID) -> float:
    """Let texts to as many leads be told of, fifty an event, and count them; gives texts a second."""
    opened = container(house.config)
    try:
        texts = await _tell(opened, house.superuser_url, organization_id)
        async with opened({Actor: Actor.system(organization_id), Cause: Cause(statement_timeout_ms=120_000)}) as scope:
            counting = await scope.get(Counting)
            began = time.perf_counter()
            await counting.count()
            return texts / (time.perf_counter() - began)
    finally:
        await opened.close()


async def _tell(opened: AsyncContainer, superuser_url: str, organization_id: UUID) -> int:
    """Tell of a text to each of `_TEXTS` leads, or of as many as there are; gives how many."""
    connection = await asyncpg.connect(**connect_arguments(superuser_url))
    try:
        leads = [
            row["id"]
            for row in await connection.fetch(
                "SELECT id FROM leads WHERE organization_id = $1 ORDER BY random() LIMIT $2", organization_id, _TEXTS
            )
        ]
        campaign = await connection.fetchval("SELECT id FROM campaigns WHERE organization_id = $1", organization_id)
        async with opened({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
            uow = await scope.get(PostgresUnitOfWork)
            async with uow:
                uow.publish(*(_settled(leads[n : n + 50], campaign) for n in range(0, len(leads), 50)))
        await connection.execute(
            "INSERT INTO feed (organization_id, position, event_id, type)"
            " SELECT organization_id, nextval('feed_position'), event_id, type FROM outbox ORDER BY id"
        )
        await connection.execute("DELETE FROM outbox")
        return len(leads)
    finally:
        await connection.close()


def _settled(leads: list[UUID], campaign: UUID) -> MessagesSettled:
    at = datetime.now(UTC)
    return MessagesSettled(
        subject=new_id(),
        settled=tuple(
            Settled(
                send_id=new_id(),
                outcome="accepted",
                at=at,
                lead_id=lead,
                campaign_id=campaign,
                touch="M1",
                purpose="campaign",
                variant="A",
            )
            for lead in leads
        ),
    )
