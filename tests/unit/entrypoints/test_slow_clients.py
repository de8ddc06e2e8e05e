"""Who holds a connection and does nothing with it is cut; who works, waits or reads is not."""

import asyncio
import contextlib
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from entrypoints.http.edge import Edge
from entrypoints.http.slow_clients import SlowClients

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how many bytes moved")


@dataclass
class Pair:
    """Hold both ends of one connection, and what watches the server's."""

    client: socket.socket
    server: socket.socket
    watch: SlowClients
    under_way: Counter[tuple[str, int]]
    sockets: Counter[tuple[str, int]]

    def looks(self, *moments: float) -> list[int]:
        """Look at these moments; tells how many connections each look cut."""
        return [self.watch.look(moment) for moment in moments]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Connect."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            server, _ = listening.accept()
            with server:
                under_way: Counter[tuple[str, int]] = Counter()
                sockets: Counter[tuple[str, int]] = Counter()
                yield Pair(client, server, SlowClients(port, under_way, sockets), under_way, sockets)


def test_a_silent_connection_is_cut(pair: Pair) -> None:
    assert pair.looks(0, 70, 80) == [0, 0, 1]
    assert pair.client.recv(1) == b""


def test_who_speaks_is_not_cut(pair: Pair) -> None:
    assert pair.looks(0) == [0]
    pair.client.sendall(b"hello")
    assert pair.looks(70, 140, 150) == [0, 0, 1]


def test_who_waits_for_an_answer_is_not_cut(pair: Pair) -> None:
    pair.under_way[pair.client.getsockname()] = 1
    assert pair.looks(0, 100, 200) == [0, 0, 0]


def test_who_does_not_read_an_answer_is_cut_even_while_it_is_made(pair: Pair) -> None:
    pair.under_way[pair.client.getsockname()] = 1
    pair.server.setblocking(False)
    pair.server.send(b"x" * 1_000_000)
    assert pair.looks(0, 20) == [0, 0]
    pair.client.recv(100)
    assert pair.looks(25, 31) == [0, 1]


def test_who_reads_slowly_but_reads_is_not_cut(pair: Pair) -> None:
    pair.server.setblocking(False)
    for moment in range(0, 100, 5):
        with contextlib.suppress(BlockingIOError):
            pair.server.send(b"x" * 1_000_000)
        assert pair.looks(moment) == [0]
        left = 20_000
        while left > 0:
            left -= len(pair.client.recv(left))


def says(pair: Pair, count: int) -> None:
    """Let the client say so many bytes, and the server take them."""
    for _ in range(count // 1_000):
        pair.client.sendall(b"x" * 1_000)
        left = 1_000
        while left:
            left -= len(pair.server.recv(left))


def test_a_socket_that_says_too_much_within_a_second_is_cut(pair: Pair) -> None:
    pair.sockets[pair.client.getsockname()] = pair.under_way[pair.client.getsockname()] = 1
    for moment in range(5):
        says(pair, 60_000)
        assert pair.looks(moment) == [0]
    says(pair, 70_000)
    assert pair.looks(5) == [1]


def test_a_new_socket_that_says_too_much_is_cut_and_an_upload_is_not(pair: Pair) -> None:
    pair.under_way[pair.client.getsockname()] = 1
    says(pair, 1_000_000)
    assert pair.looks(0) == [0]
    pair.sockets[pair.client.getsockname()] = 1
    assert pair.looks(1) == [0]
    says(pair, 70_000)
    assert pair.looks(2) == [1]


def test_a_socket_is_known_by_the_number_of_its_port_however_the_server_says_it() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive, send
        seen.extend([dict(edge.sockets), dict(edge.under_way)])

    edge = Edge(app)
    asyncio.run(
        edge(cast("Any", {"type": "websocket", "client": ("127.0.0.1", "5000")}), cast("Any", 0), cast("Any", 0))
    )
    assert seen == [{("127.0.0.1", 5000): 1}] * 2
    assert not edge.sockets
    assert not edge.under_way
