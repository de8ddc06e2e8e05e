"""Spans sent to an OpenTelemetry collector over OTLP/HTTP, in batches, from a thread of its own."""

import re
from types import TracebackType
from typing import Final, Self

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from adapters.tracing.spans import Kind, record_with

_TIMEOUT_SECONDS: Final = 2
_KEPT: Final = 2048
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
_KINDS: Final = {
    "server": trace.SpanKind.SERVER,
    "consumer": trace.SpanKind.CONSUMER,
    "client": trace.SpanKind.CLIENT,
    "internal": trace.SpanKind.INTERNAL,
}


def record_to(endpoint: str, part: str, version: str) -> "OtlpRecorder":
    """Send this process's spans to a collector's base address; one that is away loses spans and delays nobody."""
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_TIMEOUT_SECONDS)
    named = {"service.name": "rapport", "service.version": version, "rapport.part": part}
    # The sampler and further attributes of the service: by OpenTelemetry's own OTEL_ variables.
    provider = TracerProvider(resource=Resource.create(named))
    # One batch holds all that waits, so that the end of a process waits for one time limit and not for several.
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=_KEPT, max_export_batch_size=_KEPT, schedule_delay_millis=1000)
    )
    recorder = OtlpRecorder(provider)
    record_with(recorder)
    return recorder


class OtlpRecorder:
    """Be the `Recorder` over OpenTelemetry's SDK."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("rapport")

    def span(self, name: str, kind: Kind, parent: str | None, attributes: dict[str, str | int]) -> "_OtlpSpan":
        """Start a span."""
        return _OtlpSpan(
            self._tracer.start_span(
                name, context=_context_of(parent), kind=_KINDS[kind], attributes=_dotted(attributes)
            )
        )

    def traceparent(self) -> str | None:
        """Write the current span as W3C Trace Context does."""
        current = trace.get_current_span().get_span_context()
        if not current.is_valid:
            return None
        return f"00-{current.trace_id:032x}-{current.span_id:016x}-{int(current.trace_flags):02x}"

    def close(self) -> None:
        """Send what is left, and record no more."""
        record_with(None)
        self._provider.shutdown()


class _OtlpSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def __enter__(self) -> Self:
        self._token = contexts.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        contexts.detach(self._token)
        if kind is not None:
            self._span.set_attribute("error.type", kind.__name__)
            self.fail()
        self._span.end()

    def name(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, **attributes: str | int) -> None:
        self._span.set_attributes(_dotted(attributes))

    def fail(self) -> None:
        self._span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()


def _dotted(attributes: dict[str, str | int]) -> dict[str, str | int]:
    return {name.replace("__", "."): value for name, value in attributes.items()}


def _context_of(parent: str | None) -> contexts.Context | None:
    found = _TRACEPARENT.fullmatch(parent) if parent is not None else None
    if found is None:
        return None
    # Joined, but not obeyed: whether we record is ours to say, not the caller's flag's.
    remote = trace.SpanContext(
        int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), contexts.Context())
