"""The one way out to addresses that users give: looked up, checked, pinned, bounded in time and size."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from application.provider import Rejected, Unavailable, Unknown

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

SECONDS = 10.0
LARGEST_ANSWER = 64_000
_NOT_OURS_TO_CALL = "This address is not one of a server on the public internet."
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Clouds answer their machines here too, credentials among the rest (Azure; Oracle, global to Python 3.11).
_SHUT = tuple(ipaddress.ip_network(network) for network in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24"))


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver, which also reads numbers written as decimal, octal or hex."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def is_public(address: str, allowed: Sequence[IPNetwork] = ()) -> bool:
    """Tell whether an address is a public server's; `allowed` networks are let pass. What an IPv6 address carries of
    IPv4 (mapped, 6to4, Teredo, NAT64) must be public too."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or _translated(parsed) or parsed
    if any(parsed in network for network in allowed if network.version == parsed.version):
        return True
    return all(_is_global(one) for one in (parsed, *_carried(parsed)))


def _is_global(address: IPAddress) -> bool:
    shut = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not shut and not any(address in network for network in _SHUT)


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address that a network's translator calls for this one (RFC 6052)."""
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _carried(address: IPAddress) -> list[IPAddress]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    return [*(address.teredo or ()), *([address.sixtofour] if address.sixtofour else [])]


class GuardedTransport(httpx.AsyncBaseTransport):
    """Be the transport of a client that may be sent anywhere: every request, a redirect's too, goes to an address that
    was checked, and to no other that its name may stand for a moment later."""

    def __init__(
        self,
        *,
        allowed: Sequence[IPNetwork] = (),
        resolve: Resolve = resolve,
        largest: int = LARGEST_ANSWER,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._largest = largest
        # No server that hangs may keep the connections of another: who calls bounds how many calls there are.
        self._inner = inner or httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request to the checked address; raises `Rejected` where there is none."""
        url = request.url
        if url.scheme not in ("http", "https") or url.userinfo:
            raise Rejected("address", _NOT_OURS_TO_CALL, permanent=True)
        address = await self._checked(url.host, url.port or (443 if url.scheme == "https" else 80))
        request.headers.setdefault("Host", url.netloc.decode())
        # An answer that unpacks to more than it weighs would go past its bound.
        request.headers["Accept-Encoding"] = "identity"
        pinned = httpx.Request(
            request.method,
            url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions | {"sni_hostname": url.host},
        )
        response = await self._inner.handle_async_request(pinned)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise Unavailable(reason="This server answers in a packed form that was not asked for.")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Bounded(response.stream, self._largest),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()

    async def _checked(self, host: str, port: int) -> str:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            addresses = []
        # One and the same sentence for no address and a private one: our own network's names are nobody's business.
        if not addresses or not all(is_public(address, self._allowed) for address in addresses):
            raise Rejected("address", _NOT_OURS_TO_CALL, permanent=True)
        return addresses[0]


class _Bounded(httpx.AsyncByteStream):
    """Pass an answer on until it is too long."""

    def __init__(self, stream: httpx.AsyncByteStream, largest: int) -> None:
        self._stream = stream
        self._largest = largest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > self._largest:
                raise Unavailable(reason="This server's answer is too long.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


@dataclass(frozen=True, slots=True)
class Egress:
    """Call an address that a user gave, without following where it sends us."""

    client: httpx.AsyncClient
    seconds: float = SECONDS

    @classmethod
    def through(cls, transport: GuardedTransport, seconds: float = SECONDS) -> "Egress":
        """Make one; `seconds` bounds the whole of a call, however slowly its parts come."""
        timeout = httpx.Timeout(seconds / 2)
        return cls(httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False), seconds)

    async def post(self, address: str, content: object, *, auth: tuple[str, str], seconds: float) -> httpx.Response:
        """Hand something over as JSON; raises `Unknown` where it may have been taken though nobody said so."""
        try:
            async with asyncio.timeout(seconds):
                return await self.client.post(address, json=content, auth=auth, timeout=httpx.Timeout(seconds))
        except httpx.InvalidURL:
            raise Rejected("address", _NOT_OURS_TO_CALL, permanent=True) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Unavailable(reason="This server cannot be reached.") from None
        except (httpx.HTTPError, Unavailable, TimeoutError):  # what is unavailable here is its answer
            raise Unknown("This server did not say whether it took it.") from None

    async def get(self, address: str, *, auth: tuple[str, str] | None = None) -> httpx.Response:
        """Ask for an address and read the whole, bounded answer; raises `Rejected` or `Unavailable`."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self.client.get(address, auth=auth)
        except httpx.InvalidURL:
            raise Rejected("address", _NOT_OURS_TO_CALL, permanent=True) from None
        except (httpx.TimeoutException, TimeoutError):
            raise Unavailable(reason="This server does not answer in time.") from None
        except httpx.HTTPError:
            raise Unavailable(reason="This server cannot be reached.") from None
