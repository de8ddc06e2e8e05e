"""How a part that loops is run: settings, logs, metrics, and a gentle end on SIGTERM or SIGINT."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from entrypoints.config import Config
from entrypoints.logging import configure_logging
from entrypoints.metrics import serve_metrics
from entrypoints.pulse import pulse

Run = Callable[[Config, asyncio.Event], Awaitable[None]]


def run_part(name: str, run: Run) -> None:
    """Run until a signal sets the event that `run` watches."""
    config = Config.load()
    configure_logging(config.log_level, part=name)
    serve_metrics(config.metrics_port_of(name))
    asyncio.run(_until_stopped(config, run))


async def _until_stopped(config: Config, run: Run) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    beating = asyncio.create_task(pulse())
    try:
        await run(config, stop)
    finally:
        beating.cancel()
