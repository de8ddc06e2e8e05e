"""A stand-in for Claude models that others wrote: npm's `aimock`, installed outside the checkout."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import platformdirs
import pytest

PACKAGES = Path(__file__).parent / "aimock"


def _node() -> str:
    """Name a Node of version 20 or newer, or skip where there is none."""
    found = shutil.which("node")
    if found is not None:
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
        if told.startswith("v") and int(told[1:].split(".")[0]) >= 20:
            return found
    pytest.skip("There is no Node 20: the Anthropic adapter was not tried against aimock.")


def _package(node: str) -> Path:
    """Install what `aimock/package-lock.json` pins, once, in a cache of the user's; skip where it cannot be had."""
    lock = (PACKAGES / "package-lock.json").read_bytes()
    folder = platformdirs.user_cache_path("rapport") / f"aimock-{sha256(lock).hexdigest()[:12]}"
    program = folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    if program.exists():
        return program
    npm = shutil.which("npm", path=f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if npm is None:
        pytest.skip("There is no npm: the Anthropic adapter was not tried against aimock.")
    draft = folder.with_name(f"{folder.name}-{os.getpid()}")
    draft.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, draft)
    try:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=draft, check=True, capture_output=True, timeout=300)
        draft.rename(folder)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not program.exists():  # else another process was faster
            pytest.skip(f"aimock could not be had from npm ({type(error).__name__}).")
    return program


def fixture(mark: str, response: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Answer a request whose last message holds a mark."""
    return {"match": {"userMessage": mark}, "response": response, **more}


def proposal(text: str, **more: Any) -> dict[str, Any]:
    """Answer by the tool, as the model should."""
    said = {"reasoning": "so", "sentiment": "NEUTRAL", "intent": "question", "text": text, "confidence": 0.95}
    return {"toolCalls": [{"name": "propose_reply", "arguments": json.dumps(said | more)}]}


@contextmanager
def aimock(folder: Path, fixtures: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Run it with these answers; gives its address."""
    node = _node()
    program = _package(node)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answers = folder / "fixtures.json"
    answers.write_text(json.dumps({"fixtures": list(fixtures)}))
    command = [node, str(program), "-p", str(port), "-f", str(answers), "--log-level", "warn", "--strict"]
    with (folder / "aimock.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            assert process.poll() is None, (folder / "aimock.log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait(10)
