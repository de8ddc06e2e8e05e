"""Who is at the door: the bearer token or the cookie, the address, and what the database says of them now."""

import hmac
import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection

from adapters.persistence.identity import Admissions
from application.identity.tokens import Tokens
from application.ports import Actor
from domain.identity.api_key import KEY_PREFIX, hash_of_key
from domain.kernel import NotFound, new_id
from entrypoints.config import Config
from entrypoints.http.errors import Refused

COOKIE = "token"
Connection = ASGIConnection[Any, Any, Any, Any]
Access = Literal["member", "of_path", "newcomer", "public", "cron", "signed"]
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Say who called, and from where."""

    actor: Actor
    address: str

    @property
    def is_known(self) -> bool:
        """Tell whether somebody signed in, or a program with a key, is calling."""
        return self.actor.user_id is not None or self.actor.key_id is not None

    @property
    def signature(self) -> str:
        """Name the caller as limits and Idempotency-Keys know them."""
        return str(self.actor.user_id or self.actor.key_id or "anonymous")


class Unadmitted(Refused):
    """Refuse somebody who is not, or no longer, signed in."""

    def __init__(self, message: str) -> None:
        super().__init__("UNAUTHORIZED", message, {"WWW-Authenticate": "Bearer"})


class Doorkeeper:
    """Let callers in: `member` acts for the token's organisation, `of_path` for the one in the address, `newcomer`
    for one that does not exist yet, `public` is nobody in an organisation that does not exist yet; `cron` and
    `signed` are let in as nobody too, and proved by their handlers."""

    def __init__(self, config: Config, tokens: Tokens) -> None:
        self._tokens = tokens
        self._trusted = tuple(ipaddress.ip_network(network) for network in config.trusted_proxies)
        self._origins = {_origin(config.public_url), *config.cors_origins}
        self._newcomers_key = config.derived_key("newcomers")

    def address(self, request: Connection) -> str:
        """Tell the caller's address; a forwarded one counts only as far as our own proxies vouch for it."""
        peer = request.scope.get("client")
        address = peer[0] if peer else "unknown"
        if not self._trusted or not self._trusts(address):
            return network_of(address)
        hops = [hop.strip() for line in request.headers.getall("x-forwarded-for", []) for hop in line.split(",")]
        for hop in reversed(hops):
            if not _is_address(hop):
                break
            address = hop
            if not self._trusts(hop):
                break
        return network_of(address)

    def _trusts(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self._trusted if network.version == parsed.version)

    def stranger(self, request: Request[Any, Any, Any], operation_id: str, key: str | None) -> Caller:
        """Let in nobody in particular, as an organisation to be."""
        return Caller(Actor(self._newcomer(f"{operation_id} {key}" if key else None)), self.address(request))

    def _newcomer(self, repeated: str | None) -> UUID:
        """Name an organisation to be; what is asked again under one Idempotency-Key gets the same id (UUIDv8)."""
        if repeated is None:
            return new_id()
        digest = hmac.digest(self._newcomers_key, repeated.encode(), "sha256")
        number = int.from_bytes(digest[:16], "big") & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62
        return UUID(int=number)

    async def member(
        self, request: Request[Any, Any, Any], access: Access, key: str | None, admissions: Admissions
    ) -> Caller:
        """Let in somebody who is signed in, or a program with its API key, or refuse with 401."""
        return await self._admit(request, self._given(request), access, key, admissions)

    async def bearer(self, socket: Connection, given: str, admissions: Admissions) -> Caller:
        """Let in whoever shows a token or an API key otherwise than in a header."""
        return await self._admit(socket, given, "member", None, admissions)

    def knows_origin(self, origin: str) -> bool:
        """Tell whether a browser's page of that origin is ours, or one that may call us."""
        return origin in self._origins

    async def _admit(
        self, request: Connection, given: str, access: Access, key: str | None, admissions: Admissions
    ) -> Caller:
        if given.startswith(KEY_PREFIX):
            return await self._program(request, given, access, admissions)
        bearer = self._tokens.read(given)
        if bearer is None:
            raise Unadmitted("Sign in first.")
        wanted = request.path_params["organization_id"] if access == "of_path" else bearer.organization_id
        admission = await admissions.find(bearer.account_id, wanted)
        if admission is None and wanted != bearer.organization_id:
            own = await admissions.find(bearer.account_id, bearer.organization_id)
            if own is not None and own.token_version == bearer.token_version:
                raise NotFound("There is no such organisation.")
        if admission is None or admission.token_version != bearer.token_version:
            raise Unadmitted("Your sign-in has ended. Sign in again.")
        if access == "newcomer":
            wanted = self._newcomer(f"{bearer.account_id} {key}" if key else None)
        return Caller(admission.actor(bearer.account_id, wanted), self.address(request))

    async def _program(self, request: Connection, key: str, access: Access, admissions: Admissions) -> Caller:
        admission = await admissions.find_key(hash_of_key(key))
        if admission is None:
            raise Unadmitted("This API key is not, or no longer, good.")
        if access == "newcomer":
            raise Refused("PERMISSION_DENIED", "An API key makes no organisations.")
        if access == "of_path" and request.path_params["organization_id"] != admission.organization_id:
            raise NotFound("There is no such organisation.")
        return Caller(admission.actor(), self.address(request))

    def _given(self, request: Request[Any, Any, Any]) -> str:
        """Read what the caller shows: the header goes first, and only a browser's own pages may show the cookie."""
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
        token = request.cookies.get(COOKIE, "")
        if token.startswith(KEY_PREFIX):
            return ""
        if token and request.method not in _SAFE and self._tokens.read(token) is not None:
            self._refuse_forged(request)
        return token

    def _refuse_forged(self, request: Request[Any, Any, Any]) -> None:
        """Refuse what another site made a browser send: its cookie comes along, its origin tells it apart."""
        origin = request.headers.get("origin")
        if origin in self._origins or (origin is None and request.headers.get("sec-fetch-site") == "same-origin"):
            return
        raise Refused("PERMISSION_DENIED", "A request with the cookie must come from our own pages (Origin).")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@lru_cache(4096)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(4096)
def network_of(address: str) -> str:
    """Name whom an address belongs to: itself, or the /64 of an IPv6 one, which one household has whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
