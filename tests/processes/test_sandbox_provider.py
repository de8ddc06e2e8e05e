"""The sandbox provider as a process: its books, its clock, its signed callbacks, its faults and its kills."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from standardwebhooks import WebhookVerificationError

from adapters.sms.sandbox_people import People
from domain.kernel import new_id
from tests.contracts.sandbox_process import ProviderProcess, Receiver, eventually, sandbox_provider

INBOUND = "/api/v1/webhooks/sandbox/sms"
people = People("rapport")
NUMBERS = [f"+447700900{n:03}" for n in range(1000)]
SILENT = next(n for n in NUMBERS if people.script(n) == "silent" and people.statuses(n)[-1].status == "delivered")
STOP = next(n for n in NUMBERS if people.script(n) == "stop" and people.replies(n, 1, datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listen for callbacks."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def provider(tmp_path: Path, receiver: Receiver) -> Iterator[ProviderProcess]:
    """Run a provider on an empty folder."""
    with sandbox_provider(tmp_path, receiver.url) as running:
        yield running


def _send(
    provider: ProviderProcess, receiver: Receiver, to: str, organization: UUID | None = None, key: str = ""
) -> str:
    key = key or str(new_id())
    body = {
        "organization_id": str(organization or new_id()),
        "to": to,
        "from": "+442079460001",
        "body": "Hello",
        "key": key,
        "callback_url": f"{receiver.url}/status?key={key}",
    }
    answer = provider.http.post("/texts", json=body)
    assert answer.status_code == 201, answer.text
    return key


def _quiet(provider: ProviderProcess) -> None:
    eventually(lambda: provider.state()["pending"] == 0)


def test_nothing_is_told_without_the_token(provider: ProviderProcess) -> None:
    for path in ("/texts", "/state", "/inbound", "/faults"):
        assert provider.http.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401


def test_concurrent_texts_are_all_in_the_file_and_listed_newest_first(
    provider: ProviderProcess, receiver: Receiver
) -> None:
    mine, other = new_id(), new_id()
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: _send(provider, receiver, SILENT, mine), range(100)))
    _send(provider, receiver, SILENT, other)
    lines = [line for line in provider.lines("texts.jsonl") if line["organization_id"] == str(mine)]
    assert {line["key"] for line in lines} == keys
    assert sorted(line["nth"] for line in lines) == list(range(1, 101))
    listed: list[str] = []
    before: str | None = None
    while True:
        query: dict[str, str | int] = {"organization_id": str(mine), "limit": 30}
        if before is not None:
            query["before"] = before
        page = provider.http.get("/texts", params=query).json()
        listed += [text["id"] for text in page["data"]]
        before = page["next_cursor"]
        if before is None:
            break
    assert listed == [line["id"] for line in reversed(lines)]


def test_a_stop_falls_due_on_the_business_clock_and_is_signed_with_machine_time(
    provider: ProviderProcess, receiver: Receiver
) -> None:
    organization = new_id()
    _send(provider, receiver, STOP, organization)
    _quiet(provider)
    state = provider.state()
    due = datetime.fromisoformat(state["next_due_at"])
    assert receiver.bodies(INBOUND) == []

    ahead = (due - datetime.fromisoformat(state["now"])).total_seconds() + 3600
    assert provider.http.post("/clock", json={"offset_seconds": ahead}).status_code == 200
    eventually(lambda: receiver.bodies(INBOUND))
    _quiet(provider)

    _, headers, body = next(call for call in receiver.calls if call[0] == INBOUND)
    notice = provider.webhook.verify(body, headers)
    assert (notice["from"], notice["to"], notice["media"]) == (STOP, "+442079460001", [])
    assert datetime.fromisoformat(notice["at"]) == due
    with pytest.raises(WebhookVerificationError):
        provider.webhook.verify(body.replace(STOP.encode(), SILENT.encode()), headers)

    (line,) = provider.lines("replies.jsonl")
    assert line["organization_id"] == str(organization)
    assert line["means_stop"] is True
    assert datetime.fromisoformat(line["answered_at"]) >= due + timedelta(minutes=59)
    assert provider.http.get("/inbound").json()["data"] == [line]


def test_the_clock_goes_forward_only_and_survives_a_kill(provider: ProviderProcess) -> None:
    assert provider.http.post("/clock", json={"offset_seconds": 86_400}).status_code == 200
    assert provider.http.post("/clock", json={"offset_seconds": 86_399}).status_code == 409
    provider.stop(signal.SIGKILL)
    provider.start()
    assert provider.state()["offset_seconds"] == 86_400
    assert datetime.fromisoformat(provider.state()["now"]) > datetime.now(UTC) + timedelta(hours=23)


def test_a_reply_the_api_did_not_take_is_sent_again_after_a_kill_under_the_same_id(
    provider: ProviderProcess, receiver: Receiver
) -> None:
    receiver.status = 503
    _send(provider, receiver, STOP)
    provider.http.post("/clock", json={"offset_seconds": 86_400}).raise_for_status()
    eventually(lambda: receiver.bodies(INBOUND))
    typed = provider.http.post("/inbound", json={"from": SILENT, "to": "+442079460001", "body": "hello"}).json()
    assert provider.state()["pending"] >= 2
    provider.stop(signal.SIGKILL)
    tried = {body["id"] for body in receiver.bodies(INBOUND)}
    receiver.status = 200
    provider.start()
    _quiet(provider)
    assert {line["id"] for line in provider.lines("replies.jsonl")} == tried | {typed["id"]}
    heard = len(receiver.calls)
    provider.stop(signal.SIGKILL)
    provider.start()
    _quiet(provider)
    assert len(receiver.calls) == heard


def test_a_line_cut_short_by_a_kill_is_forgotten_and_the_next_is_whole(
    provider: ProviderProcess, receiver: Receiver
) -> None:
    kept = _send(provider, receiver, SILENT)
    provider.stop(signal.SIGKILL)
    with (provider.folder / "texts.jsonl").open("a") as file:
        file.write('{"id":"0190')
    provider.start()
    after = _send(provider, receiver, SILENT)
    assert [line["key"] for line in provider.lines("texts.jsonl")] == [kept, after]


def test_duplicate_and_reordered_callbacks(provider: ProviderProcess, receiver: Receiver) -> None:
    for fault in ("duplicate_callbacks", "reordered_callbacks"):
        order = {"capability": "sms", "fault": fault, "next": 1}
        assert provider.http.post("/faults", json=order).status_code == 201
    assert len(provider.http.get("/faults").json()["data"]) == 2
    key = _send(provider, receiver, SILENT)
    eventually(lambda: len(receiver.bodies(f"/status?key={key}")) == 6)
    statuses = [body["status"] for body in receiver.bodies(f"/status?key={key}")]
    assert statuses == ["delivered", "delivered", "sent", "sent", "queued", "queued"]
    assert provider.http.get("/faults").json()["data"] == []


def test_late_callbacks_wait_for_the_business_clock(provider: ProviderProcess, receiver: Receiver) -> None:
    provider.http.post("/faults", json={"capability": "sms", "fault": "late_callbacks", "probability": 1})
    key = _send(provider, receiver, SILENT)
    state = provider.state()
    wait = datetime.fromisoformat(state["next_due_at"]) - datetime.fromisoformat(state["now"])
    assert timedelta(minutes=9) < wait <= timedelta(hours=2)
    assert receiver.bodies(f"/status?key={key}") == []
    provider.http.post("/clock", json={"offset_seconds": 7200}).raise_for_status()
    eventually(lambda: len(receiver.bodies(f"/status?key={key}")) == 3)


@pytest.mark.parametrize(
    "order",
    [
        {"capability": "voice", "fault": "rate_limited", "next": 1},
        {"capability": "email", "fault": "late_callbacks", "next": 1},
        {"capability": "sms", "fault": "earthquake", "next": 1},
        {"capability": "sms", "fault": "rate_limited"},
        {"capability": "sms", "fault": "rate_limited", "next": 1, "probability": 0.5},
        {"capability": "sms", "fault": "rate_limited", "probability": 1.5},
        {"capability": "sms", "fault": "rate_limited", "next": 0},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(shared: ProviderProcess, order: dict[str, object]) -> None:
    assert shared.http.post("/faults", json=order).status_code == 400
    assert shared.http.get("/faults").json()["data"] == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """Run one provider for tests that leave no trace in it."""
    with sandbox_provider(tmp_path_factory.mktemp("shared")) as running:
        yield running


def test_a_second_process_on_the_same_folder_refuses_to_start(shared: ProviderProcess) -> None:
    twin = shared.spawn()
    _, complaint = twin.communicate(timeout=20)
    assert twin.returncode == 1
    assert b"Another sandbox provider is running" in complaint


def test_it_stops_cleanly_while_a_request_hangs(provider: ProviderProcess, receiver: Receiver) -> None:
    provider.http.post("/faults", json={"capability": "sms", "fault": "timeout_after_accept", "next": 1})
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(_send, provider, receiver, SILENT)
        eventually(lambda: provider.lines("texts.jsonl"))
        assert provider.stop(signal.SIGTERM) == 0
        hanging.exception()
    assert json.loads((provider.folder / "texts.jsonl").read_text())["to"] == SILENT
