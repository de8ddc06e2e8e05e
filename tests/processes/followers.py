"""Clients that follow the stream of events over plain sockets, many of them at a time."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec


class Follower:
    """Follow a stream, from the last event on when it is opened again; keeps what it was told, in order."""

    def __init__(self, url: str, token: str, path: str = "/api/v1/events/stream") -> None:
        self._address = urlsplit(url)
        self._token = token
        self._path = path
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.status = 0
        self.last: int | None = None
        self.events: list[dict[str, Any]] = []
        self.at: list[float] = []

    async def open(self, receive_buffer: int = 0) -> None:
        """Ask for the stream and wait until it has begun, or was refused."""
        link = socket.socket()
        if receive_buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        link.setblocking(False)
        await asyncio.get_running_loop().sock_connect(link, (self._address.hostname, self._address.port))
        reader, self._writer = await asyncio.open_connection(sock=link, limit=2**16)
        last = "" if self.last is None else f"Last-Event-ID: {self.last}\r\n"
        # HTTP/1.0: the answer comes as it is, not in chunks.
        asked = f"GET {self._path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n{last}\r\n"
        self._writer.write(asked.encode())
        self.status = int((await reader.readline()).split()[1])
        while await reader.readline() not in (b"\r\n", b""):
            pass
        if receive_buffer:
            self._writer.transport.pause_reading()  # type: ignore[attr-defined]
        else:
            self._reading = asyncio.create_task(self._read(reader))
            await self.until(lambda: self.last is not None or self.ended, 10)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        said: dict[str, str] = {}
        while line := (await reader.readline()).decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if line != "\n":
                said[name] = value
                continue
            self.last = int(said.get("id", self.last or 0))
            if "data" in said:
                self.at.append(time.monotonic())
                self.events.append({"event": said["event"], **msgspec.json.decode(said["data"])})
            said = {}

    @property
    def ended(self) -> bool:
        """Tell whether the stream is over."""
        return self._reading is not None and self._reading.done()

    @property
    def subjects(self) -> list[str]:
        """Name what it was told of."""
        return [event["subject_id"] for event in self.events if "subject_id" in event]

    async def told(self, count: int, seconds: float = 10) -> float:
        """Wait until it was told of so much and tell how many seconds it took, or fail."""
        return await self.until(lambda: len(self.subjects) >= count, seconds)

    async def end(self, seconds: float = 5) -> None:
        """Wait for the end of the stream, or fail."""
        await self.until(lambda: self.ended, seconds)

    async def until(self, holds: Callable[[], object], seconds: float) -> float:
        """Wait until something holds and tell how many seconds it took, or fail."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < seconds, f"not within {seconds} s; told {len(self.events)} events"
            await asyncio.sleep(0.02)
        return time.monotonic() - start

    async def close(self) -> None:
        """Leave."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
