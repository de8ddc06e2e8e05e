"""A provider that brings much at once, and one that calls while the database stands still: nothing is lost."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from domain.kernel import new_id
from entrypoints.config import Config
from tests.processes.inbound import P99_SECONDS, SENDER, Call, Route, flood, median_flood, stalled
from tests.processes.office import Office, opened
from tests.proofs import Note


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with opened(tmp_path_factory.mktemp("lists"), "webhooks", workers=1) as one:
        yield one


def signed(office: Office, count: int) -> list[Call]:
    """Sign so many texts to the organisation's number as the sandbox's provider does."""
    key = Config.load(office.house.environment).derived_key("sandbox-webhooks")
    webhook = Webhook(base64.b64encode(key).decode())
    [[number]] = office.ask("SELECT sender FROM organizations")
    made, at = [], datetime.now(UTC)
    for _ in range(count):
        text = {"id": new_id().hex, "from": SENDER, "to": number, "body": "Hello", "at": "2026-11-21T09:00:00Z"}
        raw = json.dumps(text).encode()
        headers = {
            "webhook-id": text["id"],
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": webhook.sign(text["id"], at, raw.decode()),
            "content-type": "application/json",
        }
        made.append(Call(text["id"], raw, headers))
    return made


SANDBOX = Route("/api/v1/webhooks/sandbox/sms", 204, signed)


def test_a_hundred_texts_at_once_are_all_kept(office: Office) -> None:
    flood(office, SANDBOX, 100)


def test_texts_that_come_while_the_database_stands_still_are_kept(office: Office) -> None:
    assert stalled(office, SANDBOX, 40, 3) <= 12


@pytest.mark.prove
@pytest.mark.alone
def test_a_thousand_texts_in_a_second(office: Office, proved: Note) -> None:
    seen = median_flood(office, SANDBOX, 1000)
    assert seen["p99"] <= P99_SECONDS
    proved(
        9,
        "1,000 signed texts offered within a second (x3),"
        f" answered in {seen['whole']:.1f} s: 1,000 × 204, 0 lost, 0 twice;"
        f" p50 {seen['p50'] * 1000:.0f} ms, p99 {seen['p99'] * 1000:.0f} ms (goal 250)",
    )


@pytest.mark.prove
@pytest.mark.alone
def test_a_thousand_texts_while_the_database_stands_still_for_five_seconds(office: Office, proved: Note) -> None:
    slowest = stalled(office, SANDBOX, 1000, 5)
    assert slowest <= 12
    proved(9, f"database stalled 5 s under 1,000 signed texts: 1,000 × 204, 0 lost, slowest answer {slowest:.1f} s")
