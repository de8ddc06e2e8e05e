"""Clients that follow the stream of events over plain sockets, many of them at a time."""

import asyncio
import time

import msgspec

from tests.processes.links import Link


class Follower(Link):
    """Follow a stream, from the last event on when it is opened again; keeps what it was told, in order."""

    def __init__(self, url: str, token: str, path: str = "/api/v1/events/stream") -> None:
        super().__init__(url)
        self._token = token
        self._path = path
        self.status = 0
        self.last: int | None = None
        self.at: list[float] = []

    async def open(self, receive_buffer: int = 0) -> None:
        """Wait until the stream has begun, or was refused; with a small buffer nothing is read before `wake`."""
        reader, writer = await self._connect(receive_buffer)
        last = "" if self.last is None else f"Last-Event-ID: {self.last}\r\n"
        # HTTP/1.0: the answer comes as it is, not in chunks.
        asked = f"GET {self._path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n{last}\r\n"
        writer.write(asked.encode())
        self.status = int((await reader.readline()).split()[1])
        while await reader.readline() not in (b"\r\n", b""):
            pass
        if receive_buffer:
            self._sleep(reader)
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
