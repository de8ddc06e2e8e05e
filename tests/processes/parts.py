"""Worker, relay and scheduler as processes of their own, on the servers of the tests."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from entrypoints.config import CHECKOUT

DRAINED_SECONDS = 25


def ports_in_a_row(count: int) -> int:
    """Find the first of so many free ports, below those that are given out to clients meanwhile."""
    while True:
        first = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


class Processes:
    """Run parts on the tests' data folder, their logs in files."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        self._environment = {**outside, **environment}
        self._folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, part: str) -> None:
        """Start one."""
        with (self._folder / f"{part}.log").open("ab") as log:
            command = [sys.executable, "-m", f"entrypoints.{part}"]
            self.running[part] = subprocess.Popen(command, cwd=CHECKOUT, env=self._environment, stderr=log, stdout=log)

    def stop(self, part: str, number: int = signal.SIGTERM) -> tuple[int, float]:
        """End one; gives its exit code and how many seconds it took."""
        start = time.monotonic()
        process = self.running.pop(part)
        process.send_signal(number)
        try:
            return process.wait(DRAINED_SECONDS + 10), time.monotonic() - start
        finally:
            process.kill()

    def raw(self, part: str) -> str:
        """Read a log."""
        return (self._folder / f"{part}.log").read_text()

    def log(self, part: str) -> list[dict[str, Any]]:
        """Read a log's lines, each of which must be JSON."""
        return [json.loads(line) for line in self.raw(part).splitlines()]
