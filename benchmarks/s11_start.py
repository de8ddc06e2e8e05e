"""S11: how long a person waits for `rapport up` on a data folder that is there, and for `rapport --help`."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.worlds import Worlds
from entrypoints.config import CHECKOUT
from entrypoints.demo.house import free_port
from entrypoints.tether import tethered

_UP_SECONDS = 5.0
_HELP_SECONDS = 0.4


def measure(worlds: Worlds) -> Iterator[Figure]:
    """Give the medians; the first start, which makes the folder, does not count."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-start-"))
    try:
        started = [_up(folder) for _ in range(worlds.rounds + 1)][1:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    helped = [_help() for _ in range(worlds.rounds + 1)][1:]
    for name, seconds, goal in (
        ("S11 rapport up, cold, until ready", started, _UP_SECONDS),
        ("S11 rapport --help", helped, _HELP_SECONDS),
    ):
        took = statistics.median(seconds)
        yield Figure(f"{name} / {goal:g} s", f"{took:.2f} s", f"{goal:g} s", took / goal, at_most=1.0)


def _up(folder: Path) -> float:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    environment = outside | {
        "RAPPORT_DATA_DIR": str(folder),
        "RAPPORT_PORT": str(free_port()),
        "RAPPORT_SANDBOX": "1",
        "RAPPORT_SANDBOX_PROVIDER_URL": f"http://127.0.0.1:{free_port()}",
        "RAPPORT_METRICS_PORT": "0",
        "RAPPORT_LOG_DIR": str(folder / "log"),
    }
    began = time.perf_counter()
    child = subprocess.Popen(
        tethered([sys.executable, "-m", "entrypoints.cli", "up"], signal.SIGTERM),
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert child.stdout is not None
        first = child.stdout.readline()
        took = time.perf_counter() - began
    finally:
        child.terminate()
        child.wait(60)
    if not first.startswith(b"ready"):
        raise RuntimeError(f"rapport up did not get ready: {first!r}")
    return took


def _help() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "entrypoints.cli", "--help"], cwd=CHECKOUT, check=True, capture_output=True)
    return time.perf_counter() - began
