"""The way out to addresses that users give (ASVS 5.0: 1.3.6, 13.2.4, 13.2.5, 13.2.6)."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from adapters.egress.guarded import Egress, GuardedTransport, is_public
from application.provider import Rejected, Unavailable

pytestmark = pytest.mark.anyio
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",  # noqa: S104
        "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::1", "::7f00:1", "not an address",
    ],
)  # fmt: skip
def test_what_is_not_on_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is(address: str) -> None:
    assert is_public(address)


def test_an_operator_may_let_networks_pass() -> None:
    assert is_public("127.0.0.1", LOOPBACK)
    assert is_public("::ffff:127.0.0.1", LOOPBACK)
    assert not is_public("10.0.0.1", LOOPBACK)
    assert not is_public("::1", LOOPBACK)


def _resolving(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Resolve any name to each of these in turn, the last for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        del host, port
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


class _Recording(httpx.AsyncBaseTransport):
    def __init__(self, response: httpx.Response) -> None:
        self.asked: list[httpx.Request] = []
        self.response = response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.response


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://localhost./", "http://2130706433/", "http://0x7f000001/",
        "http://0177.0.0.1/", "http://127.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://name.that.does.not.exist.invalid/", "https://user:pass@example.com/", "ftp://example.com/", "http://",
        "http://" + "a" * 300 + "/",
    ],
)  # fmt: skip
async def test_no_other_way_of_writing_a_private_address_passes(url: str) -> None:
    inner = _Recording(httpx.Response(200))
    with pytest.raises((Rejected, Unavailable)) as refused:
        await Egress.through(GuardedTransport(inner=inner)).get(url)
    assert inner.asked == []
    if url.startswith("http://") and url != "http://":
        assert isinstance(refused.value, Rejected)


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    inner = _Recording(httpx.Response(200))
    egress = Egress.through(GuardedTransport(inner=inner, resolve=_resolving(["8.8.8.8", "10.0.0.1"])))
    with pytest.raises(Rejected):
        await egress.get("https://both.example/")
    assert inner.asked == []


async def test_the_checked_address_is_the_one_that_is_called() -> None:
    inner = _Recording(httpx.Response(200, stream=httpx.ByteStream(b"ok")))
    resolve = _resolving(["8.8.8.8"], ["127.0.0.1"])
    await Egress.through(GuardedTransport(inner=inner, resolve=resolve)).get("https://rebinding.example:8443/x?y=1")
    [asked] = inner.asked
    assert str(asked.url) == "https://8.8.8.8:8443/x?y=1"
    assert asked.headers["host"] == "rebinding.example:8443"
    assert asked.extensions["sni_hostname"] == "rebinding.example"
    assert asked.headers["accept-encoding"] == "identity"


async def test_a_redirect_is_not_followed_and_would_be_checked() -> None:
    moved = httpx.Response(302, headers={"Location": "http://169.254.169.254/"}, stream=httpx.ByteStream(b""))
    inner = _Recording(moved)
    transport = GuardedTransport(inner=inner, resolve=_resolving(["8.8.8.8"], ["169.254.169.254"]))
    answer = await Egress.through(transport).get("https://moved.example/")
    assert answer.status_code == 302
    followed = GuardedTransport(inner=inner, resolve=_resolving(["8.8.8.8"], ["169.254.169.254"]))
    async with httpx.AsyncClient(transport=followed, follow_redirects=True) as client:
        with pytest.raises(Rejected):
            await client.get("https://moved.example/")
    assert len(inner.asked) == 2


@asynccontextmanager
async def _server(answer: Answer) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)
    del writer


async def _packed(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx")
    await writer.drain()


@pytest.mark.parametrize(
    ("answer", "says"),
    [(_endless, "too long"), (_drip, "in time"), (_silence, "in time"), (_packed, "packed")],
)
async def test_a_server_cannot_hold_or_fill_us(answer: Answer, says: str) -> None:
    started = time.perf_counter()
    async with _server(answer) as address:
        egress = Egress.through(GuardedTransport(allowed=LOOPBACK), seconds=0.6)
        with pytest.raises(Unavailable, match=says):
            await egress.get(address)
        await egress.client.aclose()
    assert time.perf_counter() - started < 5


async def test_a_server_that_is_not_there_is_said_to_be_away() -> None:
    async with _server(_packed) as address:
        gone = address
    egress = Egress.through(GuardedTransport(allowed=LOOPBACK))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await egress.get(gone)
    await egress.client.aclose()


async def test_servers_that_hang_keep_nobody_from_another() -> None:
    async def well(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        await writer.drain()

    egress = Egress.through(GuardedTransport(allowed=LOOPBACK), seconds=3)
    async with _server(_silence) as silent, _server(well) as answering:
        hanging = [asyncio.ensure_future(egress.get(silent)) for _ in range(40)]
        await asyncio.sleep(0.2)
        assert (await egress.get(answering)).status_code == 200
        assert not any(call.done() for call in hanging)
        for call in hanging:
            call.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    await egress.client.aclose()
