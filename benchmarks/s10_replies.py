"""S10: from a lead's text at our door to the AI's answer handed to the provider: sandbox writer, no delay.

API, relay, worker and the sandbox's provider are the house's own processes. The clock starts before the provider's
signed request is sent and stops when the ledger says `handed`, which is committed right before the provider is called.
"""

import asyncio
import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from standardwebhooks import Webhook

from adapters.persistence.database import Cause, connect_arguments
from application.outreach.campaign_forms import SettingsIn, StartCampaign
from application.outreach.campaigns import Campaigns
from application.ports import Actor
from benchmarks.figures import Figure
from benchmarks.installation import Installation
from benchmarks.s7_campaign import morning, set_clock
from benchmarks.seed import seed
from benchmarks.worlds import Worlds
from domain.kernel import new_id
from entrypoints.container import container

_LEADS = 2_000
_MOST = 200
_APART_SECONDS = 0.1
_P50_SECONDS = 0.3
_PATIENCE = 60.0
_BODY = "Yes, I am still interested. What would be next?"
_PEOPLE = """
SELECT l.phone, r.address AS number FROM leads l
JOIN datasets d ON d.organization_id = l.organization_id AND d.id = l.dataset_id AND d.id = $2
JOIN routes r ON r.organization_id = l.organization_id
WHERE l.organization_id = $1 AND l.contact_status = 'READY' LIMIT $3
"""
_HANDED = """
SELECT recipient, min(handed_machine_at) AS at FROM sends
WHERE organization_id = $1 AND purpose = 'reply' AND handed_machine_at IS NOT NULL GROUP BY recipient
"""


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give the median and the slowest hundredth; only the former has a goal."""
    house = worlds.installation.beside("replies")
    tenants = asyncio.run(seed(house.config, house.superuser_url, leads=_LEADS))
    texts = min(_MOST, worlds.requests // 10)
    with (
        house.provider(),
        house.api() as api,
        house.part("relay", "entrypoints.relay"),
        house.part("worker", "entrypoints.worker"),
    ):
        took = asyncio.run(_took(house, api.port, tenants[0].organization_id, texts))
    for name, seconds, at_most in (("p50", took[len(took) // 2], 1.0), ("p99", took[int(len(took) * 0.99)], None)):
        yield Figure(
            f"S10 text to answer handed over, {name} / {_P50_SECONDS * 1e3:.0f} ms",
            f"{seconds * 1e3:.0f} ms",
            f"{_P50_SECONDS * 1e3:.0f} ms",
            seconds / _P50_SECONDS,
            at_most=at_most,
        )


async def _took(house: Installation, port: int, organization_id: UUID, texts: int) -> list[float]:
    base: Any = await asyncpg.connect(**connect_arguments(house.superuser_url))
    try:
        await set_clock(base, morning())
        people = await _begin(house, base, organization_id, texts + 10)
        secret = Webhook(base64.b64encode(house.config.derived_key("sandbox-webhooks")).decode())
        sent: dict[str, float] = {}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
            for phone, number in people:
                sent[phone] = time.time()
                content, headers = _signed(secret, phone, number)
                answer = await client.post("/api/v1/webhooks/sandbox/sms", content=content, headers=headers)
                answer.raise_for_status()
                await asyncio.sleep(_APART_SECONDS)
        deadline = time.monotonic() + _PATIENCE
        while sent.keys() - (handed := await _handed(base, organization_id)).keys():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(sent.keys() - handed.keys())} of {len(sent)} texts were not answered")
            await asyncio.sleep(0.2)
    finally:
        await base.close()
    # The first ten make connections, caches and prepared statements.
    return sorted(handed[phone] - sent[phone] for phone, _ in people[10:])


async def _begin(house: Installation, base: Any, organization_id: UUID, people: int) -> list[tuple[str, str]]:
    """Start a campaign whose answers wait for nothing; gives people of it, and the number that they write to."""
    dataset_id = await base.fetchval(
        "SELECT id FROM datasets WHERE organization_id = $1 AND name = 'Old enquiries'", organization_id
    )
    of = container(house.config)
    try:
        async with of({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
            settings = SettingsIn(m1_delay_hours=48, ai_response_delay_seconds=0)
            await (await scope.get(Campaigns)).start(StartCampaign(dataset_id=dataset_id, settings=settings))
    finally:
        await of.close()
    rows = await base.fetch(_PEOPLE, organization_id, dataset_id, people)
    if len(rows) < people:
        raise RuntimeError(f"there are {len(rows)} people of {people}")
    return [(row["phone"], row["number"]) for row in rows]


async def _handed(base: Any, organization_id: UUID) -> dict[str, float]:
    return {row["recipient"]: row["at"].timestamp() for row in await base.fetch(_HANDED, organization_id)}


def _signed(secret: Webhook, phone: str, number: str) -> tuple[bytes, dict[str, str]]:
    now = datetime.now(UTC)
    identifier = f"in-{new_id().hex}"
    body = msgspec.json.encode({"id": identifier, "from": phone, "to": number, "body": _BODY, "at": now})
    headers = {
        "Content-Type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": secret.sign(identifier, now, body.decode()),
    }
    return body, headers
