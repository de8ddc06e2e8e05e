"""S4: a text that came in, through the sandbox's signed route and Twilio's, beside a bare form, HMAC and insert."""

import asyncio
import base64
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

import asyncpg
import httpx
import msgspec
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from adapters.persistence.database import connect_arguments
from benchmarks.bare.inbound import TABLE, signature
from benchmarks.figures import Figure, median_ratio
from benchmarks.installation import Installation, Server
from benchmarks.load import Run, request_of, send_all
from benchmarks.rounds import in_turn
from benchmarks.seed import Tenant
from benchmarks.worlds import Worlds
from domain.kernel import new_id

_BODY = "Yes please, could somebody ring me in the afternoon?"
_TWILIO = "/api/v1/webhooks/twilio/sms"
_SID, _TOKEN, _NUMBER = f"AC{'d' * 32}", "the-token-of-a-benchmark", "+447400999112"
_NOBODY = "http://127.0.0.1:9"


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give texts a second over 16 and 64 connections, and our slowest hundredth at 64, by route."""
    house, tenants = worlds.large
    number = asyncio.run(_number(house.superuser_url, tenants[0].organization_id))
    secret = Webhook(base64.b64encode(house.config.derived_key("sandbox-webhooks")).decode())
    yield from _against_bare(worlds, house, "", lambda _: partial(_signed, secret, number))
    # Of another organisation than the other measures': a stored provider ends the sandbox for its own.
    outside = replace(
        house, environment={**house.environment, "RAPPORT_SANDBOX": "", "RAPPORT_TWILIO_API_URL": _NOBODY}
    )
    yield from _against_bare(worlds, outside, " by Twilio", lambda api: _twilio(api, tenants[1]))


def _against_bare(
    worlds: Worlds, house: Installation, route: str, signing: Callable[[Server], Callable[[int], bytes]]
) -> Iterator[Figure]:
    """Compare one route; `signing` makes ready what writes the n-th request to a server."""
    organization_id = worlds.large[1][0].organization_id
    with house.api() as api, house.bare("benchmarks.bare.inbound", str(organization_id)) as bare:
        signed = signing(api)
        for connections in (16, 64):

            def ours(_: int, connections: int = connections) -> Run:
                texts = [signed(n) for n in range(worlds.requests)]
                return send_all(api.port, texts, connections=connections)

            def theirs(_: int, connections: int = connections) -> Run:
                forms = [_form(_NUMBER, n) for n in range(worlds.requests)]
                return send_all(bare.port, forms, connections=connections)

            runs, bare_runs = in_turn(worlds.rounds, ours, theirs)
            rates, bare_rates = [run.rate for run in runs], [run.rate for run in bare_runs]
            yield Figure(
                f"S4 texts taken in{route}, {connections} connections",
                f"{statistics.median(rates):,.0f}/s",
                f"{statistics.median(bare_rates):,.0f}/s",
                median_ratio(rates, bare_rates),
                at_least=0.7,
            )
        p99, bare_p99 = (statistics.median(run.p99 for run in of) for of in (runs, bare_runs))
        yield Figure(
            f"S4 our p99{route} / 50 ms, 64 connections",
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


def _twilio(api: Server, tenant: Tenant) -> Callable[[int], bytes]:
    """Give an organisation a Twilio account of its own; gives what writes Twilio's calls."""
    base = f"http://127.0.0.1:{api.port}"
    body = {"settings": {"account_sid": _SID, "phone_number": _NUMBER}, "credentials": {"auth_token": _TOKEN}}
    headers = {"Authorization": f"Bearer {tenant.token}"}
    path = "/api/v1/settings/integrations/twilio"
    httpx.put(f"{base}{path}", json=body, headers=headers, trust_env=False).raise_for_status()
    return partial(_signed_by_twilio, f"{base}{_TWILIO}")


def _signed_by_twilio(url: str, n: int) -> bytes:
    form = {
        "AccountSid": _SID,
        "MessageSid": f"SM{new_id().hex}",
        "From": f"+447700{n % 1_000_000:06}",
        "To": _NUMBER,
        "Body": _BODY,
        "NumMedia": "0",
    }
    signed = RequestValidator(_TOKEN).compute_signature(url, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
    return request_of("POST", _TWILIO, body=urlencode(form).encode(), headers=headers)


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
