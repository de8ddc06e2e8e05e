"""The sandbox provider as a real process, and a receiver for what it calls back."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from adapters.sms.sandbox import provider_token, webhook_secret
from entrypoints.config import CHECKOUT, Config
from entrypoints.demo.house import free_port


def eventually(holds: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something holds, or fail."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.02)


class Receiver:
    """Take callbacks as our API would; `status` is what it answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # whoever called was killed in the midst of it
                receiver.calls.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """List the bodies that came to a path, in order."""
        return [json.loads(body) for called, _, body in list(self.calls) if called.startswith(path)]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class ProviderProcess:
    """Run `python -m entrypoints.sandbox_provider` on a folder of its own, as often as liked."""

    def __init__(self, data_dir: Path, public_url: str, seed: str = "rapport") -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        settings = {
            "RAPPORT_DATA_DIR": str(data_dir),
            "RAPPORT_SANDBOX": "1",
            "RAPPORT_SANDBOX_PROVIDER_URL": self.url,
            "RAPPORT_PUBLIC_URL": public_url,
        }
        self.folder = data_dir / "sandbox"
        self.config = Config.load(settings)
        self.token = provider_token(self.config.derived_key("sandbox-provider"))
        self.webhook = Webhook(webhook_secret(self.config.derived_key("sandbox-webhooks")))
        outside = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        self._environ = {**outside, **settings, "RAPPORT_SANDBOX_SEED": seed}
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=5)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start a process and return at once."""
        command = [sys.executable, "-m", "entrypoints.sandbox_provider"]
        return subprocess.Popen(command, cwd=CHECKOUT, env=self._environ, stderr=subprocess.PIPE)

    def start(self) -> None:
        """Start, and return once it answers."""
        process = self.process = self.spawn()
        eventually(lambda: process.poll() is not None or self._answers(), 20)
        assert process.poll() is None, process.communicate()[1].decode()

    def _answers(self) -> bool:
        try:
            return self.http.get("/state").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process by a signal and give its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(10)
        if self.process.stderr is not None:
            self.process.stderr.close()
        self.process = None
        return code

    def state(self) -> dict[str, Any]:
        """Ask for the state."""
        return dict(self.http.get("/state").raise_for_status().json())

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Read one of its files."""
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def close(self) -> None:
        """End what still runs."""
        if self.process is not None:
            self.stop(signal.SIGKILL)
        self.http.close()


@contextmanager
def sandbox_provider(folder: Path, public_url: str = "http://127.0.0.1:1") -> Iterator[ProviderProcess]:
    """Run one on a folder; unless told otherwise, what it calls back reaches nobody."""
    running = ProviderProcess(folder, public_url)
    try:
        running.start()
        yield running
    finally:
        running.close()


class SandboxLevers:
    """Let a test make the sandbox's provider fail at one capability, die, stand still and come back."""

    def __init__(self, provider: ProviderProcess, capability: str) -> None:
        self._provider = provider
        self._capability = capability

    def misbehave(self, fault: str) -> None:
        """Show a fault on the next call."""
        order = {"capability": self._capability, "fault": fault, "next": 1}
        self._provider.http.post("/faults", json=order).raise_for_status()

    async def kill(self) -> None:
        """Take the provider away."""
        self._provider.stop(signal.SIGKILL)

    async def start(self) -> None:
        """Bring it back."""
        self._provider.start()

    def freeze(self) -> None:
        """Stop it from running, while its socket still takes connections."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._provider.process is not None
        self._provider.process.send_signal(number)
