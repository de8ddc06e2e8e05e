"""A house of the demo's own: `rapport up` as real processes on free ports, with a temporary data folder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import httpx
import psutil

from domain.kernel import Conflict
from entrypoints.config import CHECKOUT
from entrypoints.tether import tethered

_LIMITS = ("SIGN_IN", "API", "UPLOADS", "ANONYMOUS", "TEXTS", "ANALYSES", "BAD_SIGNATURES")
_READY_SECONDS = 180.0
_STOP_SECONDS = 40.0


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """Run everything of one installation; leaving the block stops it and removes its folder, unless it is to stay.

    `template` is a data folder to begin from a copy of: making and migrating a database is half of a first start.
    """

    template: ClassVar[Path | None] = None

    def __init__(
        self, seed: str, workers: int, port: int | None, *, keep: bool, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rapport-demo-"))
        if self.template is not None:  # with its owners: PostgreSQL's user may be another
            subprocess.run(["cp", "-a", f"{self.template}/.", str(self.folder)], check=True)  # noqa: S603, S607
        self.workers = workers
        self.keep = keep
        self.url = f"http://127.0.0.1:{port or free_port()}"
        outside = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        self.environment = outside | {
            "RAPPORT_DATA_DIR": str(self.folder),
            "RAPPORT_PORT": self.url.rsplit(":", 1)[1],
            "RAPPORT_SANDBOX": "1",
            "RAPPORT_SANDBOX_SEED": seed,
            "RAPPORT_SANDBOX_PROVIDER_URL": f"http://127.0.0.1:{free_port()}",
            "RAPPORT_METRICS_PORT": "0",
            "RAPPORT_LOG_LEVEL": "warning",
            **{f"RAPPORT_LIMIT_{name}": "0" for name in _LIMITS},
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None or not self.keep:
            self.stop()

    @property
    def process_id(self) -> int:
        """Tell the supervisor's process id: to end it is to end everything."""
        assert self._process is not None
        return self._process.pid

    def _start(self) -> None:
        command = [sys.executable, "-m", "entrypoints.supervisor", "--workers", str(self.workers), "--quiet"]
        log = self.folder / "supervisor.log"
        with log.open("ab") as output:
            # A session of its own: Ctrl-C reaches the demo alone, which then stops the house in order.
            self._process = subprocess.Popen(  # noqa: S603
                command if self.keep else tethered(command, signal.SIGTERM),
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_SECONDS
        with httpx.Client(timeout=2, trust_env=False) as http:
            while not self._is_ready(http):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise Conflict(f"The house did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.1)

    def _is_ready(self, http: httpx.Client) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return http.get(f"{self.url}/api/v1/health/ready").status_code == 200
        return False

    def work_of_workers(self) -> dict[str, float]:
        """Tell how much processor time, in seconds, each worker has used, by its name."""
        used = {}
        for note in (self.folder / "run").glob("worker-*.pid"):
            with contextlib.suppress(OSError, ValueError, psutil.Error):
                times = psutil.Process(int(note.read_text())).cpu_times()
                used[note.stem] = times.user + times.system
        return used

    def id_of(self, name: str) -> int:
        """Tell the process id that a part, or an embedded server, has now."""
        return int((self.folder / "run" / f"{name}.pid").read_text())

    def send(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a part or an embedded server; tell the process id that it has."""
        process_id = self.id_of(name)
        os.kill(process_id, number)
        return process_id

    def kill(self, name: str) -> int:
        """Kill a part with SIGKILL; tell the process id that it had."""
        return self.send(name, signal.SIGKILL)

    def run(self, *arguments: str) -> str:
        """Run a command of ours with this house's settings; gives what it said, or fails with its complaint."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Conflict(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def crash(self) -> None:
        """Kill the supervisor, and all that runs under it dies as well; the folder stays."""
        assert self._process is not None
        parts = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        for part in parts:
            with contextlib.suppress(psutil.NoSuchProcess):
                part.kill()
        psutil.wait_procs(parts, 10)

    def start(self) -> None:
        """Start again what has crashed, on the folder as it is now."""
        self._start()

    def stop(self) -> None:
        """End everything, and remove the folder."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        """End everything, and wait until it has ended; the folder stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
