"""The HTTP application, and the process that serves it: `python -m entrypoints.http.app`."""

import asyncio
import gc
import signal

import uvloop
from dishka import AsyncContainer
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State

from entrypoints.config import Config
from entrypoints.container import container
from entrypoints.http.edge import Edge, answer_problem
from entrypoints.http.event_stream import OpenStreams
from entrypoints.http.openapi import document_of, operations_of
from entrypoints.http.operation import LARGEST_BODY
from entrypoints.http.realtime import realtime
from entrypoints.http.routes import ROUTES, SANDBOX_ROUTES
from entrypoints.http.slow_clients import SlowClients
from entrypoints.logging import configure_logging
from entrypoints.metrics import serve_metrics
from entrypoints.pulse import pulse
from entrypoints.tracing import start_tracing

DRAIN_SECONDS = 18
CONNECTIONS = 2048
"""How many may be open at a time; those that wait hold next to nothing, and slow ones are cut."""
_ALLOWED_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "Last-Event-ID",
    "Prefer",
    "X-Request-ID",
]
_EXPOSED_HEADERS = [
    "ETag", "Idempotency-Replayed", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After",
    "X-Request-ID",
]  # fmt: skip


def create_app(config: Config, of: AsyncContainer) -> Litestar:
    """Make the application over an open container, which stays the caller's to close."""
    cors = CORSConfig(
        allow_origins=list(config.cors_origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        allow_headers=_ALLOWED_HEADERS,
        expose_headers=_EXPOSED_HEADERS,
        allow_credentials=True,
        max_age=86_400,
    )
    routes = (*ROUTES, *SANDBOX_ROUTES) if config.sandbox else ROUTES
    app = Litestar(
        route_handlers=[*routes, realtime],
        exception_handlers={Exception: answer_problem},
        cors_config=cors if config.cors_origins else None,
        openapi_config=None,
        state=State({"container": of, "config": config, "document": document_of(config, operations_of(routes))}),
        request_max_body_size=LARGEST_BODY,
        logging_config=None,
    )
    edge = Edge(app.asgi_handler)
    app.asgi_handler = edge
    app.state.edge = edge
    return app


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is under way, for at most 18 seconds."""
    house = container(config)
    app = create_app(config, house)
    # What stands by now stays: looking through all of it for cycles, again and again, would cost a tenth of the work.
    gc.collect()
    gc.freeze()
    server = Server(
        app,
        address=config.host,
        port=config.port,
        interface=Interfaces.ASGI,
        backlog=1024,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(keep_alive=True, header_read_timeout=10_000),
        websockets=True,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    serving = loop.create_task(server.serve())
    waiting = loop.create_task(stopped.wait())
    beating = loop.create_task(pulse())
    edge: Edge = app.state.edge
    watching = loop.create_task(SlowClients(config.port, edge.under_way, edge.sockets).watch())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            streams = await house.get(OpenStreams)
            streams.close()
            await streams.ended()
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait({serving}, timeout=DRAIN_SECONDS)
        if serving.done():
            serving.result()
    finally:
        waiting.cancel()
        beating.cancel()
        watching.cancel()
        await house.close()


def main() -> None:
    """Run one process of the API."""
    config = Config.load()
    configure_logging(config.log_level, part="api")
    serve_metrics(config.metrics_port_of("api"))
    start_tracing(config, "api")
    uvloop.run(serve(config))


if __name__ == "__main__":
    main()
