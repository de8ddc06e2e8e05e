"""Everything of one installation under one parent: servers, migrations, then the parts, each a process of its own."""

import argparse
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psutil
import structlog

from adapters.persistence.migrations.newest import newest_revision
from domain.kernel import Conflict, Refusal
from entrypoints.config import CHECKOUT, Config
from entrypoints.logging import configure_logging
from entrypoints.pulse import VARIABLE
from entrypoints.servers import Servers
from entrypoints.tether import tethered

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 3.0
_GENTLE_SECONDS = 25.0
_WORKERS_NICE = 4
_SILENT_SECONDS = 30.0
_SILENT_SERVER_SECONDS = 40.0
_log = structlog.get_logger("entrypoints.supervisor")


@dataclass(slots=True)
class Part:
    """Hold one child: what it runs, whether it runs, and when it may be started again (monotonic seconds).

    A part that is nice has the processor after the others, for whose answers somebody waits (decision 37).
    """

    name: str
    module: str
    environment: dict[str, str] = field(default_factory=dict)
    nice: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = _FIRST_PAUSE
    beat: int = 0
    silent: float = 0.0

    @property
    def running(self) -> bool:
        """Tell whether the child's process lives."""
        return self.process is not None and self.process.poll() is None

    def plan_restart(self, now: float) -> None:
        """Put off the next start, twice as long each time; a life of three seconds or more forgives what was before."""
        if now - self.started_at >= _LONGEST_PAUSE:
            self.pause = _FIRST_PAUSE
        self.start_at = now + self.pause
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        self.process = None


def parts_of(config: Config, workers: int) -> list[Part]:
    """List the parts that `up` runs, the sandbox provider only in the sandbox."""
    parts = [Part("sandbox_provider", "entrypoints.sandbox_provider")] if config.sandbox else []
    parts.append(Part("api", "entrypoints.http.app"))
    parts.extend(
        Part(f"worker-{number}", "entrypoints.worker", {"RAPPORT_WORKER_NUMBER": str(number)}, _WORKERS_NICE)
        for number in range(1, workers + 1)
    )
    return [*parts, Part("relay", "entrypoints.relay"), Part("scheduler", "entrypoints.scheduler")]


class Supervisor:
    """Run the servers and the parts, start again what dies, and stop them in order; use it in the main thread."""

    def __init__(
        self,
        config: Config,
        parts: list[Part],
        *,
        log_dir: Path | None = None,
        silent_seconds: float = _SILENT_SECONDS,
        silent_server_seconds: float = _SILENT_SERVER_SECONDS,
    ) -> None:
        self._config = config
        self._parts = parts
        self._log_dir = log_dir
        self._servers = Servers(config)
        self._run_dir = config.data_dir / "run"
        self._stop = threading.Event()
        self._hurry = False
        self._servers_at = 0.0
        self._looked_at = time.monotonic()
        self._silent_seconds = silent_seconds
        self._silent_server_seconds = silent_server_seconds

    def run(self) -> int:
        """Serve until SIGINT or SIGTERM (a second one hurries); return the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._asked_to_stop)
        taken = taken_ports(self._config)
        if taken:
            print("\n".join(taken), file=sys.stderr)
            return 1
        try:
            self._servers.start()
            self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._end_leftovers()
            if self._log_dir is not None:
                self._log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._migrated():
                return 0 if self._stop.is_set() else 1
            threading.Thread(target=self._watch_servers, daemon=True).start()
            announced = False
            while not self._stop.wait(0.1):
                self._look_after()
                if not announced and _is_ready(self._config):
                    announced = True
                    self._announce()
            return 0
        except Refusal as refusal:
            print(refusal.message, file=sys.stderr)
            return 1
        finally:
            self._stop_parts()
            self._servers.stop()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._hurry = self._stop.is_set()
        self._stop.set()

    def _end_leftovers(self) -> None:
        """Kill what a killed supervisor's parts had forked: each part led a session, and its members name it."""
        for note in self._run_dir.glob("*.pid"):
            if note.stem in self._servers.alive():
                continue
            with contextlib.suppress(ValueError, OSError):
                leader = int(note.read_text())
                for process in psutil.process_iter():
                    with contextlib.suppress(psutil.Error, OSError):
                        if os.getsid(process.pid) == leader and Path(process.cwd()) == CHECKOUT:
                            process.kill()
            note.unlink(missing_ok=True)

    def _pulse(self, part: Part) -> Path:
        return self._run_dir / f"{part.name}.pulse"

    def _spawn(self, part: Part) -> None:
        self._pulse(part).unlink(missing_ok=True)
        part.silent = 0.0
        with contextlib.ExitStack() as stack:
            output = None
            if self._log_dir is not None:
                output = stack.enter_context((self._log_dir / f"{part.name}.log").open("ab"))
            # A session of its own: Ctrl-C in a terminal reaches the supervisor alone, which then stops in order.
            part.process = subprocess.Popen(  # noqa: S603
                tethered([sys.executable, "-m", part.module]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=CHECKOUT,
                env=os.environ | part.environment | {VARIABLE: str(self._pulse(part))},
                start_new_session=True,
            )
        if part.nice:
            _let_others_first(part.process.pid, part.nice)
        part.started_at = time.monotonic()
        (self._run_dir / f"{part.name}.pid").write_text(f"{part.process.pid}\n")

    def _migrated(self) -> bool:
        if self._servers.revision == newest_revision():
            return True
        migration = Part("migrate", "entrypoints.migrate")
        self._spawn(migration)
        while migration.running and not self._stop.is_set():
            time.sleep(0.02)
        if migration.process is not None and migration.running:
            migration.process.terminate()
            migration.process.wait()
        (self._run_dir / "migrate.pid").unlink(missing_ok=True)
        status = migration.process.returncode if migration.process is not None else None
        if status != 0 and not self._stop.is_set():
            _log.error("migrations failed", status=status)
        return status == 0

    def _look_after(self) -> None:
        now = time.monotonic()
        # At most a second a look: where everything was frozen, and this process with it, nobody is to blame.
        elapsed, self._looked_at = min(now - self._looked_at, 1.0), now
        if now >= self._servers_at and not all(self._servers.alive().values()):
            self._servers_at = now + 1
            try:
                for name in self._servers.restart_dead():
                    _log.warning("server died and was started again", server=name)
            except Conflict as refusal:
                _log.error("server does not start", reason=refusal.message)
        for part in self._parts:
            self._feel_pulse(part, elapsed)
            if part.process is not None and not part.running:
                status = part.process.returncode
                _kill_group(part.process.pid)
                part.plan_restart(now)
                _log.warning("part died", name=part.name, status=status, again_in=round(part.start_at - now, 1))
            if part.process is None and now >= part.start_at:
                self._spawn(part)

    def _feel_pulse(self, part: Part, elapsed: float) -> None:
        """Kill a part that has begun to beat and then stood still for too long: stopped, or its event loop stuck."""
        try:
            beat = self._pulse(part).stat().st_mtime_ns
        except OSError:
            return
        if beat != part.beat:
            part.beat, part.silent = beat, 0.0
            return
        part.silent += elapsed
        if part.process is not None and part.running and part.silent >= self._silent_seconds:
            _log.warning("part stands still and is killed", name=part.name, seconds=round(part.silent))
            part.process.kill()
            part.process.wait()

    def _watch_servers(self) -> None:
        silent = dict.fromkeys(self._servers.alive(), 0.0)
        looked_at = time.monotonic()
        while not self._stop.wait(1):
            # At most five seconds a look, as above.
            elapsed, looked_at = min(time.monotonic() - looked_at, 5.0), time.monotonic()
            for name in silent:
                silent[name] = silent[name] + elapsed if self._servers.stands_still(name) else 0.0
                if silent[name] >= self._silent_server_seconds:
                    _log.warning("server stands still and is killed", server=name)
                    self._servers.kill(name)
                    silent[name] = 0.0

    def _stop_parts(self) -> None:
        """End who asks for work before those who are asked: the sandbox provider goes last."""
        last = [part for part in self._parts if part.name == "sandbox_provider"]
        for group in ([part for part in self._parts if part not in last], last):
            for part in group:
                if part.process is not None and part.running:
                    part.process.terminate()
                    part.process.send_signal(signal.SIGCONT)
            deadline = time.monotonic() + _GENTLE_SECONDS
            while any(part.running for part in group) and time.monotonic() < deadline and not self._hurry:
                time.sleep(0.02)
            for part in group:
                if part.process is not None:
                    if part.running:
                        _log.warning("part did not stop and was killed", name=part.name)
                        part.process.kill()
                    part.process.wait()
                    _kill_group(part.process.pid)
                (self._run_dir / f"{part.name}.pid").unlink(missing_ok=True)
                self._pulse(part).unlink(missing_ok=True)

    def _announce(self) -> None:
        # Plain lines, flushed: programs wait for the first word.
        print(f"ready {self._config.public_url}\ndocs  {self._config.public_url}/api/v1/docs", flush=True)


def _let_others_first(pid: int, nice: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    # Where the kernel shares processors between sessions first, each part leads one of its own.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def _kill_group(leader: int) -> None:
    """Kill what a dead part had forked, lest it go on holding the port."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def taken_ports(config: Config) -> list[str]:
    """Say in a sentence each which of our ports somebody else listens on, and who."""
    wanted = {config.port: (config.host, "RAPPORT_PORT")}
    if config.sandbox and config.sandbox_provider_url.startswith("http://127.0.0.1:"):
        wanted[int(config.sandbox_provider_url.rsplit(":", 1)[1])] = ("127.0.0.1", "RAPPORT_SANDBOX_PROVIDER_URL")
    if config.metrics_port:
        wanted[config.metrics_port] = ("127.0.0.1", "RAPPORT_METRICS_PORT")
    return [
        f"Port {port} is taken by {_listener(port)}; stop it or set {variable}."
        for port, (host, variable) in wanted.items()
        if _is_taken(host, port)
    ]


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _listener(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                process = psutil.Process(connection.pid)
                return f"process {process.pid} ({' '.join(process.cmdline())[:80] or process.name()})"
    return "another program"


def _is_ready(config: Config) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)  # noqa: S104
    connection = http.client.HTTPConnection(host, config.port, timeout=2)
    try:
        connection.request("GET", "/api/v1/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def up(workers: int = 1, *, quiet: bool = False) -> int:
    """Load the settings and run everything until a signal; return the exit status."""
    try:
        config = Config.load()
    except Refusal as refusal:
        print(refusal.message, file=sys.stderr)
        return 1
    configure_logging(config.log_level, part="supervisor")
    given = os.environ.get("RAPPORT_LOG_DIR")
    log_dir = Path(given) if given else config.data_dir / "log" if quiet else None
    return Supervisor(config, parts_of(config, workers), log_dir=log_dir).run()


def main() -> None:
    """Run as the program `python -m entrypoints.supervisor [--workers N] [--quiet]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    sys.exit(up(options.workers, quiet=options.quiet))


if __name__ == "__main__":
    main()
