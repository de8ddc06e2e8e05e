"""One installation spread over two machines, as far as one machine can show it: nothing but servers is shared."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

from domain.kernel import Conflict
from entrypoints.config import CHECKOUT
from entrypoints.demo.house import free_port
from entrypoints.tether import tethered
from tests.conftest import LIMITS_OFF
from tests.processes.separate_servers import SeparateServers

# Which machine runs what: the relays and the schedulers have no leader, the workers share the queues.
MACHINES = {
    "a": ("api", "worker-1", "relay", "scheduler"),
    "b": ("api", "worker-2", "worker-3", "relay", "scheduler"),
}
_MODULES = {
    "api": "entrypoints.http.app",
    "worker": "entrypoints.worker",
    "relay": "entrypoints.relay",
    "scheduler": "entrypoints.scheduler",
    "provider": "entrypoints.sandbox_provider",
}


class LoadBalancer:
    """Give each connection to the next API that takes it, as any balancer of TCP connections does."""

    def __init__(self, backends: list[int]) -> None:
        self.port = free_port()
        self.taken: Counter[int] = Counter()
        self._backends = backends
        self._next = 0
        self._socket = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client:
            server = self._connected()
            if server is None:
                return
            with server:
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()

    def _connected(self) -> socket.socket | None:
        for _ in self._backends:
            port = self._backends[self._next % len(self._backends)]
            self._next += 1
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", port), timeout=2)
                server.settimeout(None)
                self.taken[port] += 1
                return server
        return None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class SeveralMachines:
    """Be a `House` of the demo's whose parts run apart; a part that dies stays dead, as on a machine that is lost."""

    def __init__(self, servers: SeparateServers, seed: str, settings: dict[str, str]) -> None:
        self.folder = servers.folder / "machines"
        self.folder.mkdir(mode=0o700)
        self.apis = {machine: free_port() for machine in MACHINES}
        self.balancer = LoadBalancer(list(self.apis.values()))
        self.url = f"http://127.0.0.1:{self.balancer.port}"
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("RAPPORT_", "OTEL_"))}
        self._environment = {
            **outside,
            **LIMITS_OFF,
            **servers.settings,
            "RAPPORT_SECRET_KEYS": secrets.token_urlsafe(32),
            "RAPPORT_PUBLIC_URL": self.url,
            "RAPPORT_SANDBOX": "1",
            "RAPPORT_SANDBOX_SEED": seed,
            "RAPPORT_SANDBOX_PROVIDER_URL": f"http://127.0.0.1:{free_port()}",
            "RAPPORT_METRICS_PORT": "0",
            "RAPPORT_LOG_LEVEL": "warning",
            **settings,
        }

    def __enter__(self) -> Self:
        try:
            migrated = self.run("migrate")
            if migrated.returncode != 0:
                raise Conflict(f"The migrations failed: {migrated.stderr}")
            self._start("provider", self.folder, {})
            for machine, parts in MACHINES.items():
                for part in parts:
                    self.start(machine, part)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `rapport` on machine a to its end."""
        command = [sys.executable, "-m", "entrypoints.cli", *arguments]
        environment = self._environment | {"RAPPORT_DATA_DIR": str(self.folder / "a")}
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)

    def start(self, machine: str, part: str) -> None:
        """Start a part on a machine."""
        own = {"RAPPORT_PORT": str(self.apis[machine])} if part == "api" else {}
        self._start(f"{machine}-{part}", self.folder / machine, own)

    def _start(self, name: str, data: Path, own: dict[str, str]) -> None:
        kind = name.split("-")[1] if "-" in name else name
        with (self.folder / f"{name}.log").open("ab") as log:
            self._parts[name] = subprocess.Popen(
                tethered([sys.executable, "-m", _MODULES[kind]]),
                cwd=CHECKOUT,
                env=self._environment | {"RAPPORT_DATA_DIR": str(data)} | own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 120
        ready = [(f"http://127.0.0.1:{port}/api/v1/health/ready", 200) for port in self.apis.values()]
        for url, status in [*ready, (f"{self._environment['RAPPORT_SANDBOX_PROVIDER_URL']}/state", 401)]:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(url, timeout=3, trust_env=False).status_code == status:
                        break
                died = any(process.poll() is not None for process in self._parts.values())
                if died or time.monotonic() > deadline:
                    raise Conflict(f"The machines did not start:\n{self.logs()}")
                time.sleep(0.1)

    def logs(self) -> str:
        """Give the last lines of each part's log."""
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in self.folder.glob("*.log")
        )

    def work_of_workers(self) -> dict[str, float]:
        """Tell how much processor time, in seconds, each worker has used, by its name."""
        used = {}
        for name, process in self._parts.items():
            if "worker" in name:
                with contextlib.suppress(psutil.Error):
                    times = psutil.Process(process.pid).cpu_times()
                    used[name] = times.user + times.system
        return used

    def kill(self, name: str) -> int:
        """Kill a part with SIGKILL; tell the process id that it had."""
        process = self._parts.pop(name)
        process.kill()
        process.wait()
        return process.pid

    def lose(self, machine: str) -> list[str]:
        """Kill all that still runs on a machine at once, and name it."""
        lost = [name for name in self._parts if name.startswith(f"{machine}-")]
        for name in lost:
            self._parts[name].send_signal(signal.SIGKILL)
        for name in lost:
            self._parts.pop(name).wait()
        return lost

    def stop(self) -> None:
        """End everything: the parts gently and the provider last."""
        for names in ([name for name in self._parts if name != "provider"], ["provider"]):
            ended = [self._parts.pop(name) for name in names if name in self._parts]
            for process in ended:
                process.terminate()
            deadline = time.monotonic() + 30
            for process in ended:
                try:
                    process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.balancer.close()
