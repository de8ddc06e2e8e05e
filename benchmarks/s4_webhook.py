"""S4: a text that came in, through the sandbox's signed route, beside a bare form, HMAC and insert."""

import asyncio
import base64
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import asyncpg
import msgspec
from standardwebhooks import Webhook

from adapters.persistence.database import connect_arguments
from benchmarks.bare.inbound import TABLE, signature
from benchmarks.figures import Figure, median_ratio
from benchmarks.load import Run, request_of, send_all
from benchmarks.rounds import in_turn
from benchmarks.worlds import Worlds
from domain.kernel import new_id

_BODY = "Yes please, could somebody ring me in the afternoon?"


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give texts a second over 16 and 64 connections, and our slowest hundredth at 64."""
    house, tenants = worlds.large
    number = asyncio.run(_number(house.superuser_url, tenants[0].organization_id))
    secret = Webhook(base64.b64encode(house.config.derived_key("sandbox-webhooks")).decode())
    with house.api() as api, house.bare("benchmarks.bare.inbound", str(tenants[0].organization_id)) as bare:
        for connections in (16, 64):

            def ours(_: int, connections: int = connections) -> Run:
                texts = [_signed(secret, number, n) for n in range(worlds.requests)]
                return send_all(api.port, texts, connections=connections)

            def theirs(_: int, connections: int = connections) -> Run:
                forms = [_form(number, n) for n in range(worlds.requests)]
                return send_all(bare.port, forms, connections=connections)

            runs, bare_runs = in_turn(worlds.rounds, ours, theirs)
            rates, bare_rates = [run.rate for run in runs], [run.rate for run in bare_runs]
            yield Figure(
                f"S4 texts taken in, {connections} connections",
                f"{statistics.median(rates):,.0f}/s",
                f"{statistics.median(bare_rates):,.0f}/s",
                median_ratio(rates, bare_rates),
                at_least=0.7,
            )
        p99, bare_p99 = (statistics.median(run.p99 for run in of) for of in (runs, bare_runs))
        yield Figure(
            "S4 our p99 / 50 ms, 64 connections",
            f"{p99 * 1e3:.1f} ms",
            f"{bare_p99 * 1e3:.1f} ms",
            p99 / 0.05,
            at_most=1.0,
        )


def _signed(secret: Webhook, number: str, n: int) -> bytes:
    now = datetime.now(UTC)
    identifier = f"in-{new_id().hex}"
    text = {"id": identifier, "from": f"+447700{n % 1_000_000:06}", "to": number, "body": _BODY, "at": now}
    body = msgspec.json.encode(text)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": secret.sign(identifier, now, body.decode()),
    }
    return request_of("POST", "/api/v1/webhooks/sandbox/sms", body=body, headers=headers)


def _form(number: str, n: int) -> bytes:
    fields = {"MessageSid": new_id().hex, "From": f"+447700{n % 1_000_000:06}", "To": number, "Body": _BODY}
    body = urlencode(fields).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Signature": signature(body)}
    return request_of("POST", "/inbound", body=body, headers=headers)


async def _number(url: str, organization_id: object) -> str:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        await connection.execute(TABLE)
        return str(
            await connection.fetchval("SELECT address FROM routes WHERE organization_id = $1 LIMIT 1", organization_id)
        )
    finally:
        await connection.close()
