"""A stand-in for Claude models that others wrote: npm's `aimock`, installed outside the checkout."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import platformdirs
import pydantic
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

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


GOOD = "That depends on the details. A colleague can go through it with you."
EVERY = "Call propose_reply once"  # how each of our requests ends


def refusing(status: int, kind: str, **more: Any) -> dict[str, Any]:
    """Refuse every request."""
    return fixture(EVERY, {"error": {"message": "No.", "type": kind}, "status": status, **more})


def require_message_params(params: Mapping[str, Any]) -> None:
    """Fail where a request is not what the SDK says that one is."""
    known = MessageCreateParamsNonStreaming
    read: Any = pydantic.TypeAdapter(known).validate_python(params)
    for name in ("tools", "system", "messages"):  # lazy: what does not fit is told when it is read
        assert list(read[name])
    assert set(params) <= known.__required_keys__ | known.__optional_keys__


class Model:
    """Let a running one answer otherwise from now on, and tell what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/__aimock", timeout=10, trust_env=False)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def answers(self, *fixtures: dict[str, Any]) -> None:
        """Answer so; without any, as a good model does."""
        self._http.delete("/chaos").raise_for_status()
        self._http.delete("/fixtures").raise_for_status()
        given = list(fixtures) or [fixture(EVERY, proposal(GOOD))]
        self._http.post("/fixtures", json={"fixtures": given}).raise_for_status()

    def ails(self, **chaos: float) -> None:
        """Answer no request well: by `latencyMs`, `malformedRate`, `disconnectRate`."""
        self._http.post("/chaos", json=chaos).raise_for_status()

    def asked(self) -> list[str]:
        """List what it was asked, each request as JSON."""
        journal = self._http.get("/journal", params={"path": "/v1/messages"}).raise_for_status().json()
        return [json.dumps(entry["body"], ensure_ascii=False) for entry in journal]


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
    command += ["--journal-max", "0"]
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
