"""npm `emulate` as Twilio, and a lever between it and the adapter."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from entrypoints.demo.house import free_port
from entrypoints.demo.twilio_emulator import ACCOUNT, NUMBER, SID, TOKEN, TwilioEmulator
from tests.contracts.node_stand_ins import packages

__all__ = ["ACCOUNT", "NUMBER", "SID", "TOKEN", "Line", "LineLevers", "TwilioProcess"]


class TwilioProcess(TwilioEmulator):
    """Be the demo's, or skip where it cannot be had."""

    def __init__(self, folder: Path, sms_url: str, api_keys: Mapping[str, str] | None = None) -> None:
        packages()
        super().__init__(folder, sms_url, api_keys)


class Line:
    """Stand between adapter and provider, and cut or answer the next call as told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answer = b""
        self.fault: str | None = None
        self._server: asyncio.Server | None = None
        self._here = free_port()
        self.url = f"http://127.0.0.1:{self._here}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        """Listen."""
        await self.up()
        try:
            yield self
        finally:
            await self.cut()

    async def up(self) -> None:
        """Let callers connect."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._here)

    async def cut(self) -> None:
        """Let nobody connect."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def answers(self, status: int, body: str, **headers: str) -> None:
        """Answer the next call so, without asking the provider."""
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        self.fault, self._answer = "answer", (head + body).encode()

    def _fault_of(self, _request: bytes, /) -> str | None:
        """Tell what is to happen to a call: `before` or `after` the provider, `answer`, or nothing."""
        fault, self.fault = self.fault, None
        return fault

    def _onward(self, request: bytes, /) -> bytes:
        """Give what the provider is asked."""
        return request

    def _carried(self, request: bytes, answer: bytes, /) -> None:
        """Take note of what the provider answered, whoever is told."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one call; the connection is not kept, so that a cut line is cut for everybody."""
        try:
            request = await _message(reader)
            if request is None or (fault := self._fault_of(request)) == "before":
                return
            if fault == "answer":
                writer.write(self._answer)
            else:
                theirs, ours = await asyncio.open_connection("127.0.0.1", self._port)
                ours.write(self._onward(request))
                answer = await _message(theirs)
                ours.close()
                if answer is not None:
                    self._carried(request, answer)
                if fault == "after" or answer is None:
                    return
                writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


class LineLevers:
    """Let a test make a provider fail by the line to it; `answers` holds status and body of what it answers then."""

    def __init__(self, line: Line, answers: Mapping[str, tuple[int, str]]) -> None:
        self.line = line
        self._answers = answers

    def misbehave(self, fault: str) -> None:
        """Show a fault on the next call."""
        if fault in self._answers:
            self.line.answers(*self._answers[fault], retry_after="1")
        else:
            self.line.fault = {"timeout_before_accept": "before", "timeout_after_accept": "after"}[fault]

    async def kill(self) -> None:
        """Take the provider away."""
        await self.line.cut()

    async def start(self) -> None:
        """Bring it back."""
        await self.line.up()


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """Read one whole request or answer; None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode("latin-1").lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    body = b""
    if "chunked" in fields.get("transfer-encoding", ""):
        while True:
            line = await reader.readline()
            chunk = await reader.readexactly(int(line.strip() or b"0", 16) + 2)
            body += line + chunk
            if int(line.strip() or b"0", 16) == 0:
                return head + body
    return head + await reader.readexactly(int(fields.get("content-length", "0")))
