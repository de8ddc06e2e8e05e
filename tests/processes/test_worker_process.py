"""Worker, relay and scheduler as the processes they are: work end to end, calm logs, a clean end."""

import json
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import anyio
import httpx
import pytest
from anyio import to_thread
from dishka import AsyncContainer

from adapters.persistence.database import Cause, Database
from application.messaging.inbound import IncomingText, Notice, ProviderNotices
from application.messaging.messages import Messages, SendTo
from application.ports import Actor
from domain.identity.role import PERMISSIONS, Role
from domain.kernel import new_id
from domain.messaging.message import MessageReceived
from tests.contracts.sandbox_process import ProviderProcess, Receiver, sandbox_provider
from tests.processes.parts import DRAINED_SECONDS, Processes, ports_in_a_row
from tests.processes.workbench import Bench

pytestmark = pytest.mark.anyio
SECRET = "the key lies under the third stone"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Take the provider's callbacks in."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def provider(data_dir: Path, receiver: Receiver, servers: object) -> Iterator[ProviderProcess]:
    """Run the sandbox's provider on the same keys."""
    with sandbox_provider(data_dir, receiver.url) as running:
        yield running


@pytest.fixture(scope="module")
def metrics_port() -> int:
    """Find ports for API, relay, scheduler and worker."""
    return ports_in_a_row(4)


@pytest.fixture(scope="module")
def processes(
    environment: dict[str, str],
    provider: ProviderProcess,
    receiver: Receiver,
    metrics_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Processes]:
    """Run worker, relay and scheduler."""
    more = {
        "RAPPORT_SANDBOX_PROVIDER_URL": provider.url,
        "RAPPORT_PUBLIC_URL": receiver.url,
        "RAPPORT_METRICS_PORT": str(metrics_port),
    }
    made = Processes({**environment, **more}, tmp_path_factory.mktemp("logs"))
    for part in ("worker", "relay", "scheduler"):
        made.start(part)
    yield made
    for part in list(made.running):
        made.stop(part, signal.SIGKILL)


@pytest.fixture
async def bench(bench: Bench) -> Bench:
    """Give the organisation a name, a number, and a contact to text."""
    async with bench.uow() as uow, uow:
        await uow.connection.execute(
            "INSERT INTO organizations (organization_id, id, name, sender, created_at)"
            " VALUES ($1, $1, 'Bright Windows', '+442079460001', business_now())",
            bench.organization_id,
        )
        await uow.connection.execute(
            "INSERT INTO contacts (organization_id, id, first_name, phone, phone_type, sms_eligible, zones, created_at,"
            " updated_at) VALUES ($1, $2, 'Ada', '+447700900123', 'mobile', true, '{Europe/London}', now(), now())",
            bench.organization_id,
            new_id(),
        )
    return bench


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float = 45) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "this did not happen in time"
        await anyio.sleep(0.05)


async def _text(bench: Bench, house: AsyncContainer, body: str) -> UUID:
    """Write to Ada as a person."""
    actor = Actor(bench.organization_id, new_id(), PERMISSIONS[Role.OWNER], sees_all_leads=True)
    async with house(context={Actor: actor, Cause: Cause()}) as scope:
        shown = await (await scope.get(Messages)).send_to(SendTo(to="+447700900123", channel="sms", body=body))
    return UUID(json.loads(bytes(shown))["id"])


async def _sent(bench: Bench, message: UUID) -> bool:
    [row] = await bench.ask("SELECT status FROM messages WHERE organization_id = $1 AND id = $2", message)
    return bool(row["status"] == "sent")


async def test_a_text_goes_from_its_event_to_the_provider_and_an_answer_into_its_thread(
    bench: Bench, house: AsyncContainer, processes: Processes, provider: ProviderProcess, metrics_port: int
) -> None:
    message = await _text(bench, house, SECRET)
    await _until(lambda: _sent(bench, message))
    [taken] = [line for line in provider.lines("texts.jsonl") if line["key"] == str(message)]
    assert (taken["to"], taken["body"]) == ("+447700900123", SECRET)

    notice = Notice(provider="sandbox", account="", external_id=str(new_id()), kind="text", payload={})
    incoming = IncomingText(
        notice=notice, sender="+447700900123", recipient="+442079460001", body=f"STOP {SECRET}", media=(),
        at=(await bench.ask("SELECT business_now() AS at, $1::uuid"))[0]["at"],
    )  # fmt: skip
    async with house(context={Actor: Actor.system(bench.organization_id), Cause: Cause()}) as scope:
        await (await scope.get(ProviderNotices)).texts([incoming])

    async def answered() -> bool:
        rows = await bench.ask("SELECT type FROM events WHERE organization_id = $1 AND type = $2", MessageReceived.type)
        return len(rows) == 1 and await bench.owed() == []

    await _until(answered)

    lines = processes.log("worker")
    done = [line for line in lines if line.get("organization_id") == str(bench.organization_id)]
    assert {line["subscription"] for line in done} >= {"sending.send_one", "conversations.receive"}
    assert all(UUID(line["event_id"]) for line in done if line["subscription"] == "conversations.receive")

    async with httpx.AsyncClient(trust_env=False) as http:
        worker = (await http.get(f"http://127.0.0.1:{metrics_port + 3}/metrics")).text
        assert 'rapport_verdicts_total{at="hand_over",verdict="allow"}' in worker
        assert 'rapport_sends_total{state="accepted"}' in worker
        assert 'rapport_provider_seconds_count{call="send",outcome="ok",provider="sandbox"}' in worker
        relay = (await http.get(f"http://127.0.0.1:{metrics_port + 1}/metrics")).text
        assert "rapport_relay_lag_seconds" in relay
        assert "rapport_parked_deliveries" in relay


async def test_logs_are_json_and_tell_neither_number_nor_words(
    bench: Bench, house: AsyncContainer, processes: Processes, system: Database
) -> None:
    message = await _text(bench, house, SECRET)
    await _until(lambda: _sent(bench, message))
    # An event that nobody can read: its effect fails with everything personal in reach.
    async with bench.uow() as uow, uow:
        await uow.connection.execute(
            "INSERT INTO events (organization_id, id, type, subject, at, data, personal)"
            " VALUES ($1, $2, 'text.arrived', $2, now(), $3, $4)",
            bench.organization_id,
            broken := new_id(),
            '{"provider": "sandbox", "external_id": "1", "at": "2026-01-01T00:00:00Z"}',
            json.dumps({"sender": "07700900123", "recipient": "+442079460001", "body": SECRET, "media": []}),
        )
        await uow.connection.execute(
            "INSERT INTO outbox (organization_id, event_id, type) VALUES ($1, $2, 'text.arrived')",
            bench.organization_id,
            broken,
        )

    async def failed() -> bool:
        return any(row["failures"] for row in await bench.owed())

    await _until(failed)
    [told] = [line for line in processes.log("worker") if line.get("event_id") == str(broken)][:1]
    assert told["organization_id"] == str(bench.organization_id)
    assert told["subscription"] == "conversations.receive"
    assert told["level"] == "warning"
    assert "exception" in told
    for part in ("worker", "relay", "scheduler"):
        text = processes.raw(part)
        assert all(line["level"] for line in processes.log(part))
        for personal in ("7700900123", SECRET, "third stone", "2079460001"):
            assert personal not in text, part
    async with system.connection() as connection:
        await connection.execute("DELETE FROM deliveries WHERE event_id = $1", broken)


async def test_every_part_ends_cleanly_when_told_to_though_work_hangs(
    bench: Bench, house: AsyncContainer, processes: Processes, provider: ProviderProcess
) -> None:
    assert provider.process is not None
    provider.process.send_signal(signal.SIGSTOP)
    try:
        message = await _text(bench, house, "hello")

        async def under_way() -> bool:
            rows = await bench.ask("SELECT state FROM sends WHERE organization_id = $1 AND id = $2", message)
            return bool(rows[0]["state"] == "handed")

        await _until(under_way)
        code, seconds = await to_thread.run_sync(processes.stop, "worker")
        assert (code, seconds < DRAINED_SECONDS) == (0, True), processes.raw("worker")[-2000:]
    finally:
        provider.process.send_signal(signal.SIGCONT)
    [row] = await bench.ask("SELECT state FROM sends WHERE organization_id = $1 AND id = $2", message)
    assert row["state"] in ("unknown", "planned"), "what hung was written down before the worker went"
    for part in ("relay", "scheduler"):
        code, seconds = await to_thread.run_sync(processes.stop, part)
        assert (code, seconds < 5) == (0, True), part
