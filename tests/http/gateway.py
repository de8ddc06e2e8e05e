"""An SMS gateway as its makers describe it: it asks for a login, and tells its webhooks."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest


@dataclass
class FakeGateway:
    """Serve on a port of its own, and remember what was asked."""

    address: str = ""
    password: str = "the gateway's own"
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.partition(" HTTP")[0])
        login = base64.b64encode(f"olga:{self.password}".encode()).decode()
        status = "200 OK" if f"Basic {login}" in head else "401 Unauthorized"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def fake_gateway() -> AsyncIterator[FakeGateway]:
    """Run one on loopback."""
    gateway = FakeGateway()
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    gateway.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield gateway
    server.close()
    await server.wait_closed()
