"""A Valkey that nobody looks after, so that a test can take it away, freeze it and fill it."""

import signal
import subprocess
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from entrypoints.demo.house import free_port
from entrypoints.tether import tethered
from entrypoints.wheels import valkey_binary
from tests.processes.office import wait_for


class OwnValkey:
    """Run Valkey on a port, with an append-only file in a folder; `start` after `kill` begins with what that holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.client = Redis(port=self._port, socket_timeout=5)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            str(valkey_binary()), "--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder),
            "--appendonly", "yes", "--save", "",
        ]  # fmt: skip
        self._process = subprocess.Popen(tethered(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, 20, "Valkey answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except (RedisError, OSError):
            return False

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
