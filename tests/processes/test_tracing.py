"""Spans reach a collector over OTLP, hang together from request to provider, and tell nothing personal."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from dishka import AsyncContainer
from dramatiq.brokers.stub import StubBroker
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from adapters.persistence.database import Database
from adapters.queue.broker import PREFETCH
from adapters.queue.deliver import Deliverer
from adapters.queue.relay import Relay
from adapters.tracing.otlp import record_to
from adapters.tracing.spans import span, traceparent
from entrypoints.config import CHECKOUT, Config
from entrypoints.demo.client import Client
from entrypoints.demo.house import House
from entrypoints.demo.story import EMAIL, ORGANIZATION, PASSWORD
from entrypoints.http.app import create_app
from entrypoints.subscriptions import SUBSCRIPTIONS, routes

pytestmark = pytest.mark.anyio
PHONE = "+447700900123"
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """Take what is exported to `/v1/traces`."""

    def __init__(self) -> None:
        self.batches: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces":
                    collector.batches.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def spans(self) -> list[tuple[str, Span]]:
        """List every span with the part that it came from."""
        found = []
        for batch in self.batches:
            for resource in batch.resource_spans:
                named = _attributes(resource.resource)
                assert named["service.name"] == "rapport"
                for scope in resource.scope_spans:
                    found += [(named["rapport.part"], span) for span in scope.spans]
        return found


def _attributes(holder: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in holder.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Listen."""
    opened = Collector()
    yield opened
    opened.close()


async def _exported(collector: Collector, config: Config, house: AsyncContainer, database: Database) -> Collector:
    """Answer, text and refuse once, in this process, with the collector listening."""
    recorder = record_to(collector.url, "test", "0")
    system = await Database.open(config.system_database_url, size=2)
    transport = httpx.ASGITransport(cast("Any", create_app(config, house)), raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver/api/v1") as client:
            account = {"email": EMAIL, "password": PASSWORD, "name": "Thaddeus", "organization_name": ORGANIZATION}
            made = (await client.post("/auth/register", json=account)).json()["data"]
            client.headers["Authorization"] = f"Bearer {made['token']}"
            person = {"first_name": "Thaddeus", "email": "thaddeus@example.com", "phone_number": PHONE}
            lead = (await client.post("/leads", json={"contact": person})).json()["data"]
            sent = await client.post(
                "/messages/send",
                json={"lead_id": lead["id"], "content": "Hello Thaddeus, a word in private."},
                headers={"traceparent": f"00-{CALLER}-00f067aa0ba902b7-00"},
            )
            assert sent.status_code == 201, sent.text
            assert (await client.get("/leads/no-such-address")).status_code == 404
        broker = StubBroker()
        for queue in PREFETCH:
            broker.declare_queue(queue)
        await Relay(system, broker, routes()).run_once()
        deliverer = Deliverer(database, house, SUBSCRIPTIONS)
        async with system.connection() as connection:
            owed = await connection.fetch(
                "SELECT id FROM deliveries WHERE organization_id = $1", UUID(made["organization"]["id"])
            )
        for row in owed:
            await deliverer.deliver(row["id"])
    finally:
        recorder.close()
        await system.close()
    return collector


async def test_a_trace_goes_from_the_callers_through_the_event_to_the_provider(
    collector: Collector, config: Config, house: AsyncContainer, database: Database
) -> None:
    exported = await _exported(collector, config, house, database)
    ours = [(part, span) for part, span in exported.spans() if span.trace_id.hex() == CALLER]
    by_name = {span.name: (part, span) for part, span in ours if span.name != "transaction"}
    _, request = by_name["POST /api/v1/messages/send"]
    assert (request.kind, request.parent_span_id.hex()) == (Span.SPAN_KIND_SERVER, "00f067aa0ba902b7")
    told = _attributes(request)
    assert told["http.response.status_code"] == 201
    assert told["http.route"] == "/api/v1/messages/send"
    [delivery] = [
        (part, span)
        for part, span in ours
        if span.name.startswith("deliver ") and span.parent_span_id == request.span_id
    ]
    assert delivery[1].kind == Span.SPAN_KIND_CONSUMER
    _, call = by_name["sandbox send"]
    assert (call.kind, call.parent_span_id) == (Span.SPAN_KIND_CLIENT, delivery[1].span_id)
    # Nobody listens where the provider should: the span tells so.
    assert (call.status.code, _attributes(call)["error.type"]) == (Status.STATUS_CODE_ERROR, "Unavailable")
    for parent in (request, delivery[1]):
        transactions = [
            span for _, span in ours if span.name == "transaction" and span.parent_span_id == parent.span_id
        ]
        assert {_attributes(span)["db.operation.name"] for span in transactions} >= {"COMMIT"}
        assert all(parent.start_time_unix_nano <= span.start_time_unix_nano for span in transactions)
    # A request without a trace begins one.
    [(_, first)] = [found for found in exported.spans() if found[1].name == "POST /api/v1/leads"]
    assert (first.parent_span_id, first.status.code) == (b"", Status.STATUS_CODE_UNSET)
    assert first.trace_id.hex() != CALLER
    # Nothing personal is told.
    assert len(exported.spans()) > 10
    said = "".join(str(batch) for batch in exported.batches)
    for personal in (
        "Thaddeus",
        "thaddeus",
        PHONE.removeprefix("+"),
        "private",
        EMAIL,
        "no-such-address",
        ORGANIZATION,
    ):
        assert personal not in said


@pytest.mark.prove
def test_the_processes_send_their_spans_and_one_trace_spans_them(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    with House("7", 1, None, keep=False) as house:
        client = Client(house.url)
        client.set_up(EMAIL, PASSWORD, ORGANIZATION)
        lead = client.call("POST", "/leads", json={"contact": {"first_name": "Thaddeus", "phone_number": PHONE}})
        client.call("POST", "/messages/send", json={"lead_id": lead["id"], "content": "Hello."})
        client.settle()
    assert [part for part, span in collector.spans() if span.name == "sandbox send"] == ["worker"]
    # The schedule may be quicker than the delivery to hand the text over; both run in the worker.
    [asked] = [(part, span) for part, span in collector.spans() if span.name == "deliver sending.send_one"]
    assert asked[0] == "worker"
    begun = {span.name for part, span in collector.spans() if part == "api" and span.trace_id == asked[1].trace_id}
    assert "POST /api/v1/messages/send" in begun


def test_switched_off_nothing_of_it_is_even_imported() -> None:
    # Redis' client imports the SDK's metrics itself, wherever it is installed; what exports is only ours.
    program = (
        "import sys, entrypoints.http.app, entrypoints.worker, entrypoints.wiring\n"
        "assert not [n for n in sys.modules if n.startswith(('adapters.tracing.otlp', 'opentelemetry.exporter'))]\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=True)


def test_a_collector_that_is_away_delays_nobody() -> None:
    recorder = record_to("http://127.0.0.1:9", "worker", "0")
    try:
        started = time.monotonic()
        for _ in range(5000):
            with span("work", "server"):
                assert traceparent() is not None
        assert time.monotonic() - started < 3
        started = time.monotonic()
    finally:
        recorder.close()
    assert time.monotonic() - started < 6
    assert traceparent() is None


@pytest.mark.parametrize("parent", [None, "", "00-nonsense-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{CALLER}-x"])
def test_a_callers_trace_that_cannot_be_read_is_passed_over(parent: str | None) -> None:
    recorder = record_to("http://127.0.0.1:9", "api", "0")
    try:
        with span("request", "server", parent=parent):
            told = traceparent()
            with span("within"):
                assert (traceparent() or "").split("-")[1] == (told or "").split("-")[1]
    finally:
        recorder.close()
    assert told is not None
    assert CALLER not in told
    assert told.split("-")[1] != "0" * 32
