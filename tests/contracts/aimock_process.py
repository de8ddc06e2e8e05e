"""A stand-in for Claude models that others wrote: npm's `aimock`, installed outside the checkout."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pydantic
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from entrypoints.demo.house import free_port
from entrypoints.demo.stand_ins import from_npm
from tests.contracts.node_stand_ins import had, node, running

PACKAGES = Path(__file__).parent / "aimock"


def _node() -> Path:
    """Name a Node of version 20 or newer, or skip where there is none."""
    found = node()
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    if not told.startswith("v") or int(told[1:].split(".")[0]) < 20:
        pytest.skip("There is no Node 20: the Anthropic adapter was not tried against aimock.")
    return found


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
    adapter = pydantic.TypeAdapter(known)  # its definitions have to live as long as what is read lazily
    read: Any = adapter.validate_python(params)
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
    program, port = _node(), free_port()
    packages = had(lambda: from_npm("aimock", PACKAGES))
    answers = folder / "fixtures.json"
    answers.write_text(json.dumps({"fixtures": list(fixtures)}))
    command: list[str | Path] = [program, packages / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"]
    command += ["-p", str(port), "-f", answers, "--log-level", "warn", "--strict", "--journal-max", "0"]
    with running(command, port, folder / "aimock.log"):
        yield f"http://127.0.0.1:{port}"
