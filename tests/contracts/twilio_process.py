"""npm `emulate` as Twilio: a real process that nobody here wrote, and a lever between it and the adapter."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from application.messaging.texting import TextingAccount, account_of
from tests.contracts.node_stand_ins import node, packages, running, seed
from tests.contracts.sandbox_process import free_port

SID, TOKEN, NUMBER = f"AC{'0' * 31}1", "a-token-for-the-tests", "+15005550006"
ACCOUNT = account_of("twilio", {"account_sid": SID, "phone_number": NUMBER}, {"auth_token": TOKEN})


class TwilioProcess:
    """Run `emulate` with one account and one number, as often as liked; its books are asked by its own API."""

    def __init__(self, folder: Path, sms_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.account: TextingAccount = ACCOUNT
        self.http = httpx.Client(base_url=self.url, auth=(SID, TOKEN), timeout=10)
        content = {
            "twilio": {
                "account": {"sid": SID, "auth_token": TOKEN, "friendly_name": "Tests"},
                "phone_numbers": [{"phone_number": NUMBER, "friendly_name": "Tests", "sms_url": sms_url}],
            }
        }
        program = packages() / "node_modules" / "emulate" / "dist" / "index.js"
        command: list[str | Path] = [node(), program, "start", "-s", "twilio", "-p", str(self.port)]
        self._running = running([*command, "--seed", seed(folder, content)], self.port, folder / "emulate.log")

    def start(self) -> None:
        """Start it, with empty books."""
        self.process = self._running.__enter__()

    def close(self) -> None:
        """End it."""
        self._running.__exit__(None, None, None)
        self.http.close()

    def messages(self, **filters: str) -> list[dict[str, Any]]:
        """List what it has of messages."""
        answer = self.http.get(f"/2010-04-01/Accounts/{SID}/Messages.json", params={"PageSize": "1000", **filters})
        return list(answer.raise_for_status().json()["messages"])

    def says(self, sender: str, body: str) -> dict[str, Any]:
        """Let somebody write to the number; it calls the number's address, signed."""
        form = {"To": NUMBER, "From": sender, "Body": body}
        return dict(self.http.post("/_twilio/simulate/inbound-message", data=form).raise_for_status().json())

    def reports(self, sid: str, status: str) -> None:
        """Let a message come to a status; its callback is told, signed."""
        form = {"MessageSid": sid, "Status": status}
        self.http.post("/_twilio/simulate/message-status", data=form).raise_for_status()

    def freeze(self) -> None:
        """Stop it from running, while its socket still takes connections."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self.process.send_signal(signal.SIGCONT)


class Line:
    """Stand between adapter and provider, and cut or answer the next call as told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answer = b""
        self.fault: str | None = None
        self.url = ""
        self._server: asyncio.Server | None = None
        self._here = free_port()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        """Listen."""
        self.url = f"http://127.0.0.1:{self._here}"
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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one call; the connection is not kept, so that a cut line is cut for everybody."""
        try:
            request = await _message(reader)
            fault, self.fault = self.fault, None
            if request is None or fault == "before":
                return
            if fault == "answer":
                writer.write(self._answer)
            else:
                theirs, ours = await asyncio.open_connection("127.0.0.1", self._port)
                ours.write(request)
                answer = await _message(theirs)
                ours.close()
                if fault == "after" or answer is None:
                    return
                writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


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
