"""The load: so many requests over keep-alive connections, in a process of its own, told and answered in JSON."""

import asyncio
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
import uvloop

_PATIENCE = 300.0


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Say what to ask for, how often in all, and over how many connections.

    `path` is asked for again and again, unless `script` names a file of whole requests to send, in turn.
    """

    port: int
    path: str = "/"
    token: str = ""
    requests: int = 2000
    connections: int = 16
    script: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what came of it: seconds in all, and seconds of one request."""

    seconds: float
    p50: float
    p99: float
    requests: int

    @property
    def rate(self) -> float:
        """Give requests answered a second."""
        return self.requests / self.seconds


class _Line(asyncio.Protocol):
    """Be one connection: the next request goes out when the last was answered whole."""

    def __init__(self, requests: Iterator[bytes], took: list[float], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._took = took
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._missing = -1
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass of it
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError("the server closed a connection") if exc is None else exc)

    def _ask(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._asked_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            try:
                self._missing = content_length(self._head[:end]) - (len(self._head) - end - 4)
            except ValueError as error:
                self._done.set_exception(error)
                return
            self._head = b""
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._missing = -1
            self._took.append(time.perf_counter() - self._asked_at)
            self._ask()


def content_length(head: bytes) -> int:
    """Read the length of a body from its answer's head; anything but a success that says its length is an error."""
    first, *lines = head.split(b"\r\n")
    status = first.split(b" ")[1:2]
    if status == [b"204"]:
        return 0
    if status not in ([b"200"], [b"201"]):
        raise ValueError(f"The server answered {first.decode(errors='replace')}.")
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("The server did not say the length of its answer.")


def request_of(
    method: str, path: str, *, token: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """Write a whole request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{n}: {v}" for n, v in (headers or {}).items())]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _requests(task: Task) -> Iterator[bytes]:
    if not task.script:
        return itertools.repeat(request_of("GET", task.path, token=task.token), task.requests)
    written = msgspec.msgpack.decode(Path(task.script).read_bytes(), type=list[bytes])
    return itertools.islice(itertools.cycle(written), task.requests)


async def drive(task: Task) -> Run:
    """Do it."""
    loop = asyncio.get_running_loop()
    requests, took = _requests(task), list[float]()
    began = time.perf_counter()
    ends: list[asyncio.Future[None]] = []
    for _ in range(task.connections):
        end = loop.create_future()
        ends.append(end)
        await loop.create_connection(lambda end=end: _Line(requests, took, end), "127.0.0.1", task.port)  # type: ignore[misc]
    async with asyncio.timeout(_PATIENCE):
        await asyncio.gather(*ends)
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return Run(seconds=seconds, p50=cuts[49], p99=cuts[98], requests=len(took))


def load(task: Task) -> Run:
    """Run the load in another process, so that its own work is not the server's clock."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=msgspec.json.encode(task), capture_output=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return msgspec.json.decode(done.stdout, type=Run)


def send_all(port: int, requests: Sequence[bytes], *, times: int | None = None, connections: int = 16) -> Run:
    """Send whole requests, each once, or in turn so many `times` in all."""
    with tempfile.NamedTemporaryFile() as script:
        script.write(msgspec.msgpack.encode(requests))
        script.flush()
        return load(Task(port=port, script=script.name, requests=times or len(requests), connections=connections))


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(drive(given))))
