"""A client's plain connection to the house, many of them at a time: what listeners and followers have in common."""

import asyncio
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psutil


class Link(ABC):
    """Connect, read beside whoever waits, and leave; keeps what it was told, in order."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._reading: asyncio.Task[None] | None = None
        self._unread: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.events: list[dict[str, Any]] = []

    async def _connect(self, receive_buffer: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        link = socket.socket()
        if receive_buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        link.setblocking(False)
        await asyncio.get_running_loop().sock_connect(link, (self._address.hostname, self._address.port))
        reader, self.writer = await asyncio.open_connection(sock=link, limit=2**16)
        return reader, self.writer

    @abstractmethod
    async def _read(self, reader: asyncio.StreamReader) -> None: ...

    def _sleep(self, reader: asyncio.StreamReader) -> None:
        assert self.writer is not None
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]
        self._unread = reader

    def wake(self) -> None:
        """Read what has come meanwhile, and go on."""
        assert self._unread is not None
        assert self.writer is not None
        self._reading = asyncio.create_task(self._read(self._unread))
        self.writer.transport.resume_reading()  # type: ignore[attr-defined]

    def _state(self) -> str:
        return f"told {len(self.events)} events"

    async def until(self, holds: Callable[[], object], seconds: float) -> float:
        """Wait until something holds and tell how many seconds it took, or fail."""
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < seconds, f"not within {seconds} s; {self._state()}"
            await asyncio.sleep(0.02)
        return time.monotonic() - start

    def is_held(self, by: psutil.Process) -> bool:
        """Tell whether a process still holds the other end."""
        assert self.writer is not None
        mine = self.writer.get_extra_info("sockname")
        return any(one.raddr == mine for one in by.net_connections("tcp"))

    async def close(self) -> None:
        """Leave."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self.writer is not None:
            self.writer.close()
