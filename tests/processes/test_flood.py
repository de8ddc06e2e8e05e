"""Many queued touches: what people wait for does not wait for them."""

import math
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from adapters.sms.sandbox import webhook_secret
from adapters.sms.sandbox_records import InboundNotice, encode
from domain.kernel import new_id
from entrypoints.config import Config
from tests.processes.office import Office, opened, wait_for
from tests.proofs import Note

SLOWEST_SECONDS = 2.0
AWAKE = """
UPDATE contacts
SET zones = ARRAY['Etc/GMT' || to_char(extract(hour FROM business_now() AT TIME ZONE 'UTC') - 13, 'FMSG90')]
WHERE phone = ANY ($1) RETURNING id
"""  # where it is about one o'clock, and still will be when the flood is due: nobody's hours are asked after here


def p95(seconds: Sequence[float]) -> float:
    """Give the time that nineteen of twenty stay below."""
    return sorted(seconds)[math.ceil(len(seconds) * 0.95) - 1]


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Do something so often; gives the seconds of each."""
    taken = []
    for _ in range(times):
        start = time.monotonic()
        work()
        taken.append(time.monotonic() - start)
        time.sleep(0.05)
    return taken


def listed(office: Office) -> None:
    """List leads, as a screen does."""
    assert office.once("GET", "/leads", params={"limit": 50}).status_code == 200


def inbound(office: Office, phone: str) -> tuple[float, float]:
    """Let a lead write to us, past the sandbox's own queue; gives the seconds until the text is in its thread, and
    until the provider has the AI's answer."""
    size = office.books.size()
    sender = office.ask("SELECT sender FROM organizations LIMIT 1")[0]["sender"]
    now = office.ask("SELECT business_now() AS now")[0]["now"]
    body = f"Yes, how much is it? {time.monotonic()}"
    notice = InboundNotice(id=f"in_{new_id().hex}", sender=phone, to=sender, body=body, at=now)
    content = encode(notice)
    signed_at = datetime.now(UTC)
    key = Config.load(office.house.environment).derived_key("sandbox-webhooks")
    headers = {
        "content-type": "application/json",
        "webhook-id": notice.id,
        "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": Webhook(webhook_secret(key)).sign(notice.id, signed_at, content.decode()),
    }
    start = time.monotonic()
    url = f"{office.house.url}/api/v1/webhooks/sandbox/sms"
    assert httpx.post(url, content=content, headers=headers, timeout=20, trust_env=False).is_success

    def there() -> bool:
        found = office.client.call("GET", "/messages", params={"direction": "inbound", "limit": 20})
        return any(message["content"] == body for message in found)

    wait_for(there, 60, "a lead's text is in its thread", 0.05)
    arrived = time.monotonic() - start
    wait_for(lambda: office.books.answered(phone, size), 60, "the AI's answer reaches the provider", 0.02)
    return arrived, time.monotonic() - start


def flooded(office: Office, touches: int, replies_timed: int, slowest: float) -> str:
    """Measure replies and lists with so many touches queued, all due; tells what was seen."""
    phones = office.phones(touches)
    dataset_id = office.imported(phones)
    known = phones[-replies_timed:]
    quiet = timed(lambda: listed(office), replies_timed)
    office.ask(AWAKE, known)
    office.begin(dataset_id, ai_response_delay_seconds=0)
    wait_for(
        lambda: office.ask("SELECT count(*) FROM sends WHERE purpose = 'campaign'")[0][0] >= touches,
        300,
        "all are planned",
        0.5,
    )
    # A campaign spaces its texts; from here on all of them are late.
    office.client.call("POST", "/sandbox/clock", json={"advance_seconds": 60 * touches // 6000 + 60})
    sent = office.books.count()
    began = time.monotonic()
    replies = [office.text_reaches_the_provider(60) for _ in range(replies_timed)]
    arrived, answered = zip(*(inbound(office, phone) for phone in known), strict=True)
    rate = (office.books.count() - sent) / (time.monotonic() - began)
    left = office.ask("SELECT count(*) FROM sends WHERE state = 'planned'")[0][0]
    assert left > 0, "the flood was over before the measuring"
    lists = timed(lambda: listed(office), replies_timed)
    assert p95(replies) <= slowest
    assert p95(arrived) <= slowest
    assert p95(answered) <= slowest
    return (
        f"{touches} touches due ({left} still queued at the end, {rate:.0f}/s going out): a person's text reaches the"
        f" provider in p95 {p95(replies) * 1000:.0f} ms, a lead's is in its thread in p95 {p95(arrived) * 1000:.0f} ms"
        f" and the AI's answer (sandbox writer, reply delay 0) at the provider in p95 {p95(answered) * 1000:.0f} ms;"
        f" GET /leads p95 {p95(lists) * 1000:.0f} ms, before the flood {p95(quiet) * 1000:.0f} ms"
    )


def test_replies_overtake_queued_touches(tmp_path: Path) -> None:
    # How fast is the long proof's to say: here others may be using the machine.
    with opened(tmp_path, "flood") as office:
        print(flooded(office, 10_000, 3, 30))


@pytest.mark.prove
@pytest.mark.alone
def test_a_hundred_thousand_queued_touches_leave_replies_their_speed(tmp_path: Path, proved: Note) -> None:
    with opened(tmp_path, "flood") as office:
        proved(11, flooded(office, 100_000, 40, SLOWEST_SECONDS))
