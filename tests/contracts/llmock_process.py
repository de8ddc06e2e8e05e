"""A stand-in for Claude models that breaks on demand: PyPI's `llmock`, installed outside the checkout and this venv.

npm has another program of this name, which streams OpenAI's events only.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from entrypoints.demo.house import free_port
from entrypoints.demo.stand_ins import INSTALL_SECONDS, installed
from tests.contracts.node_stand_ins import had, running

REQUIREMENTS = Path(__file__).parent / "llmock" / "requirements.txt"
_RUN = "import sys; from llmock.cli import app; sys.argv[0] = 'llmock'; app()"


def _install(folder: Path) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    command = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    command += ["--quiet", "--target", str(folder), "--require-hashes", "-r", str(REQUIREMENTS)]
    environment = os.environ | {"UV_SYSTEM_CERTS": "1"}
    subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS, env=environment)


class Llmock:
    """Let a running one behave as told, and tell how many requests it got."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/anthropic"
        self._http = httpx.Client(base_url=f"{url}/_llmock", timeout=10, trust_env=False)

    def will(self, *behaviours: dict[str, Any]) -> None:
        """Forget what was, and behave so at the next request."""
        self._http.post("/reset").raise_for_status()
        if behaviours:
            self.will_too(*behaviours)

    def will_too(self, *behaviours: dict[str, Any]) -> None:
        """Behave so as well, once what was told before has come to its requests."""
        self._http.post("/scenario", json={"behaviors": list(behaviours)}).raise_for_status()

    def pending(self) -> int:
        """Count the behaviours that wait for a request; one for all requests always does."""
        return len(self._http.get("/scenario").raise_for_status().json()["pending"])

    def count(self) -> int:
        """Count the requests since then, once the first has its end, which may come after whoever asked has gone."""
        deadline, count = time.monotonic() + 20, 0
        while not count and time.monotonic() < deadline:
            count = int(self._http.get("/requests").raise_for_status().json()["count"])
        return count


@contextmanager
def llmock(folder: Path) -> Iterator[Llmock]:
    """Run it."""
    packages, port = had(lambda: installed("llmock", REQUIREMENTS, _install)), free_port()
    # Without the site's packages: it has other versions of what we use too.
    command: list[str | Path] = [
        sys.executable,
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(packages)!r}); {_RUN}",
    ]
    with running([*command, "serve", "--port", str(port), "--log-level", "warning"], port, folder / "llmock.log"):
        yield Llmock(f"http://127.0.0.1:{port}")
