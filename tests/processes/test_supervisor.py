"""The supervisor as a real process over parts as small as can be: kept alive, told apart, ended with it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from entrypoints.config import CHECKOUT, Config
from entrypoints.demo.house import free_port
from entrypoints.supervisor import Part, parts_of, taken_ports
from tests.processes.office import wait_for

# `stubborn` forks a child that ignores SIGTERM, as a server's own workers may.
_PROGRAM = """
import sys
from entrypoints.config import Config
from entrypoints.supervisor import Part, Supervisor
parts = [
    Part("steady", "rapport_part", {"STUBBORN": "0"}, nice=4),
    Part("stubborn", "rapport_part", {"STUBBORN": "1"}),
]
sys.exit(Supervisor(Config.load(), parts).run())
"""
_PART = """
import os, subprocess, sys, time
if os.environ["STUBBORN"] == "1":
    subprocess.Popen([sys.executable, "-S", "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="rapport-test-"))
    (made / "rapport_part.py").write_text(_PART)
    yield made
    shutil.rmtree(made)


def _pid(folder: Path, name: str) -> int:
    try:
        return int((folder / "run" / f"{name}.pid").read_text())
    except (OSError, ValueError):
        return 0


def _session(leader: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (OSError, psutil.Error):
            continue
    return found


@contextmanager
def _supervised(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], cwd=CHECKOUT, stderr=(folder / "log.txt").open("ab"),
        env=environment | {
            "RAPPORT_DATA_DIR": str(folder), "RAPPORT_PORT": str(port), "RAPPORT_METRICS_PORT": "0",
            "RAPPORT_SANDBOX_PROVIDER_URL": f"http://127.0.0.1:{free_port()}", "PYTHONPATH": str(folder),
        },
    )  # fmt: skip
    try:
        wait_for(
            lambda: len(_session(_pid(folder, "stubborn"))) == 2 and _pid(folder, "steady"), 15, "both parts are up"
        )
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            print((folder / "log.txt").read_text())  # pytest shows it where a test fails


def test_a_dead_part_is_started_again_and_its_orphans_are_gone(folder: Path) -> None:
    with _supervised(folder) as supervisor:
        steady, before = _pid(folder, "steady"), _pid(folder, "stubborn")
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: _pid(folder, "stubborn") not in (0, before), 5, "the dead part is started again")
        assert _session(before) == []
        assert _pid(folder, "steady") == steady
        postgres = _pid(folder, "postgres")
        os.kill(postgres, signal.SIGKILL)
        wait_for(lambda: _pid(folder, "postgres") not in (0, postgres), 10, "PostgreSQL is started again")
        supervisor.terminate()
        assert supervisor.wait(20) == 0


def test_only_what_is_nice_has_the_processor_after_others(folder: Path) -> None:
    with _supervised(folder):
        found = {name: psutil.Process(_pid(folder, name)).nice() for name in ("steady", "stubborn", "postgres")}
    ours = psutil.Process().nice()
    assert found == {"steady": 4, "stubborn": ours, "postgres": ours}


def test_workers_are_nice_and_nobody_else_is(folder: Path) -> None:
    config = Config.load({"RAPPORT_DATA_DIR": str(folder), "RAPPORT_SANDBOX": "1"})
    assert {part.name for part in parts_of(config, 2) if part.nice} == {"worker-1", "worker-2"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_and_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    with _supervised(folder) as supervisor:
        leaders = [_pid(folder, name) for name in ("steady", "stubborn", "postgres", "valkey")]
        supervisor.send_signal(number)
        assert supervisor.wait(20) == 0
    assert [process for leader in leaders for process in _session(leader)] == []
    assert list((folder / "run").glob("*.pid")) == []


def test_a_killed_supervisor_takes_its_parts_along_and_the_next_ends_the_orphans(folder: Path) -> None:
    with _supervised(folder) as supervisor:
        leaders = [_pid(folder, name) for name in ("steady", "stubborn", "postgres", "valkey")]
        supervisor.kill()
        supervisor.wait()
        wait_for(lambda: not any(psutil.pid_exists(leader) for leader in leaders), 15, "all parts are gone")
        assert len(_session(leaders[1])) == 1
    with _supervised(folder):
        assert _session(leaders[1]) == []


def test_a_taken_port_is_told_with_its_holder(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        config = Config.load({"RAPPORT_DATA_DIR": str(folder), "RAPPORT_PORT": str(port)})
        told = [sentence for sentence in taken_ports(config) if sentence.startswith(f"Port {port} ")]
        assert f"process {os.getpid()}" in told[0]
        done = subprocess.run(
            [sys.executable, "-m", "entrypoints.supervisor"], cwd=CHECKOUT, capture_output=True, text=True, check=False,
            env=os.environ | {"RAPPORT_DATA_DIR": str(folder), "RAPPORT_PORT": str(port)},
        )  # fmt: skip
    assert (done.returncode, f"process {os.getpid()}" in done.stderr) == (1, True)


def test_restarts_are_put_off_ever_longer_and_a_long_life_forgives() -> None:
    part = Part("api", "entrypoints.http.app")
    pauses = []
    for _ in range(8):
        part.started_at = 100.0
        part.plan_restart(100.5)
        pauses.append(round(part.start_at - 100.5, 1))
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0, 3.0]
    part.plan_restart(103.0)
    assert round(part.start_at - 103.0, 1) == 0.2


def test_the_sandbox_provider_is_a_part_in_the_sandbox_only(folder: Path) -> None:
    inside = Config.load({"RAPPORT_DATA_DIR": str(folder)})
    outside = Config.load({"RAPPORT_DATA_DIR": str(folder), "RAPPORT_SANDBOX": "0", "RAPPORT_SECRET_KEYS": "A" * 43})
    names = [part.name for part in parts_of(outside, 2)]
    assert names == ["api", "worker-1", "worker-2", "relay", "scheduler"]
    assert [part.name for part in parts_of(inside, 2)] == ["sandbox_provider", *names]
