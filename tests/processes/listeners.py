"""Clients of the socket over plain connections (RFC 6455), many of them at a time."""

import asyncio
import base64
import os
import secrets
import struct
from typing import Any

import msgspec

from tests.processes.links import Link

LATE_SECONDS = 30  # after which a house that neither reads nor hangs up fails a test, and does not hang it


class Listener(Link):
    """Listen to channels; keeps what it was told, in order, and the code that it ended with."""

    def __init__(self, url: str, token: str, *channels: str) -> None:
        super().__init__(url)
        self._token = token
        self._channels = channels
        self.subscribed: set[str] = set()
        self.code: int | None = None

    async def open(self, receive_buffer: int = 0) -> None:
        """Connect, show the token and subscribe; with a small buffer nothing is read before `wake`."""
        reader, writer = await self._connect(receive_buffer)
        await self._upgrade(reader, writer)
        self._say(type="authenticate", token=self._token)
        for channel in self._channels:
            self._say(type="subscribe", channel=channel)
        if receive_buffer:
            await asyncio.sleep(0.5)
            self._sleep(reader)
            return
        self._reading = asyncio.create_task(self._read(reader))
        await self.until(lambda: self.subscribed == set(self._channels) or self.code is not None, 20)

    async def _upgrade(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        writer.write(
            f"GET /api/v1/realtime HTTP/1.1\r\nHost: {self._address.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        status = (await reader.readline()).split()[1]
        assert status == b"101", status
        while await reader.readline() not in (b"\r\n", b""):
            pass

    async def shout(self, megabytes: int, seconds: float) -> int:
        """Send a message that never ends, showing no token; gives how many bytes went until the house cut it."""
        reader, writer = await self._connect()
        await self._upgrade(reader, writer)
        sent, piece = 0, b"a" * 2**16
        header, again = (bytes([kind, 0xFF]) + struct.pack(">Q", 2**16) + bytes(4) for kind in (1, 0))
        try:
            async with asyncio.timeout(seconds + LATE_SECONDS):
                while sent < megabytes * 2**20:
                    writer.write(header + piece)
                    await writer.drain()
                    header = again
                    sent += len(piece)
                    await asyncio.sleep(seconds * len(piece) / (megabytes * 2**20))
        except ConnectionError:
            pass
        return sent

    def _say(self, **said: str) -> None:
        assert self.writer is not None
        body, mask = msgspec.json.encode(said), os.urandom(4)
        masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(body))
        length = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(body))
        self.writer.write(b"\x81" + length + mask + masked)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                kind, length = await reader.readexactly(2)
                if length == 126:
                    [length] = struct.unpack(">H", await reader.readexactly(2))
                elif length == 127:
                    [length] = struct.unpack(">Q", await reader.readexactly(8))
                body = await reader.readexactly(length)
                match kind & 0x0F:
                    case 0x8:
                        self.code = struct.unpack(">H", body[:2])[0] if body else 1005
                        return
                    case 0x1:
                        self._take(msgspec.json.decode(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.code = self.code or 1006

    def _take(self, told: dict[str, Any]) -> None:
        if told["type"] == "subscribed":
            self.subscribed.add(told["channel"])
        elif told["type"] == "event":
            self.events.append(told)

    @property
    def positions(self) -> list[int]:
        """Give where in the log what it was told stands."""
        return [event["position"] for event in self.events]

    def _state(self) -> str:
        return f"{super()._state()}, {self.code}"
