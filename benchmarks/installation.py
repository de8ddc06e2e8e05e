"""An installation for measuring: embedded servers in a folder of its own, and server processes as in production."""

import asyncio
import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import redis.asyncio as redis
from alembic import command

from adapters.persistence.migrations.run import alembic_config
from adapters.queue.signs import missing
from entrypoints.config import CHECKOUT, Config
from entrypoints.servers import Servers, create_database
from entrypoints.tether import tethered

# Counted as always, but never reached: the cost of the limits belongs to the figure.
_LIMITS = {
    f"RAPPORT_LIMIT_{name}": "100000000/60" for name in ("SIGN_IN", "API", "UPLOADS", "ANONYMOUS", "TEXTS", "ANALYSES")
}


@dataclass(frozen=True, slots=True)
class Server:
    """Hold a server process that answers on a port of the loopback address."""

    process: psutil.Process
    port: int

    def cpu_seconds(self) -> float:
        """Tell how long its threads have worked so far, in user and system time."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@dataclass(frozen=True, slots=True)
class Installation:
    """Hold the environment of the running servers; `rapport` is the first of its databases."""

    environment: dict[str, str]
    log_dir: Path

    @property
    def config(self) -> Config:
        """Give its settings."""
        return Config.load(self.environment)

    def beside(self, database: str) -> "Installation":
        """Make another database on the same servers, migrated, and give the installation that uses it."""
        config = self.config
        create_database(config, database)
        named = {
            f"RAPPORT_{name}": url.replace("/rapport?", f"/{database}?")
            for name, url in (
                ("DATABASE_URL", config.database_url),
                ("SYSTEM_DATABASE_URL", config.system_database_url),
                ("OWNER_DATABASE_URL", config.owner_database_url),
            )
        }
        other = Installation(self.environment | named, self.log_dir)
        command.upgrade(alembic_config(other.config.owner_database_url), "head")
        return other

    @property
    def superuser_url(self) -> str:
        """Name its database as the superuser, who is under no policy."""
        return self.config.owner_database_url.replace("rapport_owner@", "postgres@")

    @contextlib.contextmanager
    def api(self) -> Iterator[Server]:
        """Run one process of the API as production does, logs included."""
        port = _free_port()
        with self._served(["-m", "entrypoints.http.app"], port, "/api/v1/health") as server:
            yield server

    @contextlib.contextmanager
    def bare(self, module: str, *arguments: str) -> Iterator[Server]:
        """Run a bare counterpart: `python -m module PORT SUPERUSER_URL …`."""
        port = _free_port()
        with self._served(["-m", module, str(port), self.superuser_url, *arguments], port, "/") as server:
            yield server

    @contextlib.contextmanager
    def provider(self) -> Iterator[Server]:
        """Run the sandbox's provider."""
        port = urlsplit(self.config.sandbox_provider_url).port
        assert port is not None
        with self._served(["-m", "entrypoints.sandbox_provider"], port, "/texts") as server:
            yield server

    @contextlib.contextmanager
    def part(self, name: str, module: str, *arguments: str) -> Iterator[None]:
        """Run a part that works in the background: `python -m module …`; it is at work when it has said so."""
        with (self.log_dir / f"{name}.log").open("wb") as log:
            environment = {**os.environ, **self.environment}
            command = tethered([sys.executable, "-m", module, *arguments])
            child = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while not asyncio.run(self._works(name)):
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"{command!r} does not work: {(self.log_dir / f'{name}.log').read_text()[-500:]}"
                    )
                time.sleep(0.05)
            yield
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(25)
            child.kill()
            child.wait()

    async def _works(self, name: str) -> bool:
        async with redis.Redis.from_url(self.config.redis_url) as client:
            return name not in await missing(client)

    @contextlib.contextmanager
    def _served(self, arguments: list[str], port: int, ready: str) -> Iterator[Server]:
        environment = {**os.environ, **self.environment, "RAPPORT_PORT": str(port)}
        with (self.log_dir / f"{port}.log").open("wb") as log:
            child = subprocess.Popen(
                tethered([sys.executable, *arguments]), cwd=CHECKOUT, env=environment, stdout=log, stderr=log
            )
        try:
            _wait_until_answering(child, port, ready)
            yield Server(psutil.Process(child.pid), port)
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(20)
            child.kill()
            child.wait()


@contextlib.contextmanager
def installation() -> Iterator[Installation]:
    """Start PostgreSQL and Valkey in a temporary folder, migrated and empty; all of it goes with the block."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    environment = {
        "RAPPORT_DATA_DIR": str(folder),
        "RAPPORT_SANDBOX": "1",
        "RAPPORT_METRICS_PORT": "0",
        "RAPPORT_SANDBOX_PROVIDER_URL": f"http://127.0.0.1:{_free_port()}",
        **_LIMITS,
    }
    try:
        config = Config.load(environment)
        with Servers(config):
            command.upgrade(alembic_config(config.owner_database_url), "head")
            yield Installation(environment, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_answering(child: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"{child.args!r} does not answer")
