"""A socket's client over the application itself: what ASGI says, and nothing between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar

PATH = "/api/v1/realtime"


class Socket:
    """Say things and hear things, the end among them."""

    def __init__(self, unread: int = 0) -> None:
        self.to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue(unread)

    async def say(self, **said: Any) -> None:
        """Send one command."""
        await self.to_server.put({"type": "websocket.receive", "text": msgspec.json.encode(said).decode()})

    async def hears(self, kind: str | None = None, seconds: float = 5) -> dict[str, Any]:
        """Wait for the next message, of a kind if one is named; heartbeats are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.from_server.get()
                if message["type"] == "websocket.close":
                    return {"type": "closed", "code": message["code"], "reason": message.get("reason")}
                if message["type"] != "websocket.send":
                    continue
                told: dict[str, Any] = msgspec.json.decode(message.get("text") or message["bytes"])
                if told["type"] == kind or (kind is None and told["type"] != "heartbeat"):
                    return told

    async def authenticate(self, token: str) -> dict[str, Any]:
        """Show a token."""
        await self.say(type="authenticate", token=token)
        return await self.hears()

    async def subscribe(self, channel: str) -> dict[str, Any]:
        """Ask for a channel."""
        await self.say(type="subscribe", channel=channel)
        return await self.hears()


@asynccontextmanager
async def connected(app: Litestar, unread: int = 0, **headers: str) -> AsyncIterator[Socket]:
    """Connect, as a browser's page or a program would; takes so many messages unread, where a number is given."""
    socket = Socket(unread)
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "testserver", **headers}.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 80),
        "subprotocols": [],
        "state": {},
        "extensions": {},
    }
    await socket.to_server.put({"type": "websocket.connect"})
    running = asyncio.create_task(app(scope, socket.to_server.get, socket.from_server.put))  # type: ignore[arg-type]
    try:
        yield socket
    finally:
        await socket.to_server.put({"type": "websocket.disconnect", "code": 1001})
        try:
            async with asyncio.timeout(5):
                await running
        finally:
            running.cancel()
