"""Whether this process sends its spans to a collector."""

from entrypoints.config import Config


def start_tracing(config: Config, part: str) -> None:
    """Send spans where RAPPORT_OTEL_ENDPOINT says; what is left goes out when the process ends."""
    if config.otel_endpoint:
        # Imported only where it is wanted: the SDK costs 0.1 s and some megabytes.
        from adapters.tracing.otlp import record_to

        record_to(config.otel_endpoint, part, config.build)
