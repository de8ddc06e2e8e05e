"""Cut connections that hold a place and do nothing with it: silent ones, and those that do not read their answer.

The server itself cuts unfinished headers, and every operation its unfinished body; what is left stands here. Sockets
that say too much are cut too: the server gathers a message whole, up to 60 MB, before anybody can refuse it. It asks
Linux how many bytes moved, and does nothing on other systems.
"""

import asyncio
import contextlib
import fcntl
import itertools
import os
import socket
import struct
import sys
import termios
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

log = structlog.get_logger()
Peer = tuple[str, int]
_LOOK_SECONDS = 5
_SLOWEST_READER = 1_000
"""Bytes a second that somebody must read of an answer that waits for them."""
_UNREAD_SECONDS = 30.0
_SILENT_SECONDS = 75.0
_MOST_SAID = 64 << 10
"""Bytes that a socket may send within the second between two looks; a command has 8 KB at most."""
_RESET = struct.pack("ii", 1, 0)
_BYTES_IN_TCP_INFO = struct.Struct("=QQ")
_BYTES_AT, _TCP_INFO_SIZE = 120, 136


@dataclass(frozen=True, slots=True)
class _Seen:
    moved: int
    still_since: float
    received: int


class SlowClients:
    """Watch the connections of one port; `under_way` counts what is being worked on, by peer, `sockets` those of it."""

    def __init__(self, port: int, under_way: Counter[Peer], sockets: Counter[Peer]) -> None:
        self._port = port
        self._under_way = under_way
        self._sockets = sockets
        self._seen: dict[Peer, _Seen] = {}
        self._looked = 0.0

    async def watch(self) -> None:
        """Look every second while there are sockets, else every five, for ever."""
        for second in itertools.count() if sys.platform == "linux" else ():
            await asyncio.sleep(1)
            if second % _LOOK_SECONDS and not self._sockets:
                continue
            cut = await asyncio.to_thread(self.look, time.monotonic())
            if cut:
                log.info("slow clients cut", connections=cut)

    def look(self, now: float) -> int:
        """Cut what has been slow for too long; tells how many connections that were."""
        seen, cut = {}, 0
        for peer, connection in _connections(self._port):
            with contextlib.suppress(OSError):
                seen[peer], over = self._judge(peer, connection, now)
                if over:
                    # A reset: an ordinary end would wait for the same slow reader, and keep what it has not read.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    connection.shutdown(socket.SHUT_RDWR)
                    cut += 1
        self._seen, self._looked = seen, now
        return cut

    def _judge(self, peer: Peer, connection: socket.socket, now: float) -> tuple[_Seen, bool]:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        acknowledged, received = _BYTES_IN_TCP_INFO.unpack_from(info, _BYTES_AT)
        moved = acknowledged + received
        unread = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]
        before = self._seen.get(peer)
        if self._sockets[peer] and received - (before.received if before else 0) > _MOST_SAID:
            return _Seen(moved, now, received), True
        enough = _SLOWEST_READER * (now - self._looked) if unread else 1
        works = not unread and self._under_way[peer] > 0
        if works or before is None or moved - before.moved >= enough:
            return _Seen(moved, now, received), False
        still = now - before.still_since
        return _Seen(moved, before.still_since, received), still > (_UNREAD_SECONDS if unread else _SILENT_SECONDS)


def _connections(port: int) -> Iterator[tuple[Peer, socket.socket]]:
    """Open this process's own connections that came in at a port, each on a handle of its own."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    inward = connection.family in (socket.AF_INET, socket.AF_INET6)
                    if inward and connection.getsockname()[1] == port:
                        host, remote = connection.getpeername()[:2]
                        yield (host, remote), connection
