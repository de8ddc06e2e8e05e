"""Tokens as signed JWTs (HS256, seven days); read ones are remembered for a short while."""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import jwt
import msgspec

from application.identity.tokens import Bearer

LIFE_SECONDS = 7 * 86_400
_REMEMBERED_SECONDS = 30.0
_REMEMBERED = 10_000


class _Claims(msgspec.Struct, frozen=True):
    sub: UUID
    org: UUID
    ver: int
    exp: int


class JwtTokens:
    """Issue tokens under the first of some derived keys and read them under any; machine time, never the sandbox's."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)
        self._read: dict[str, tuple[Bearer, float]] = {}

    def issue(self, bearer: Bearer) -> str:
        """Sign a token for seven days."""
        now = int(time.time())
        claims = {
            "sub": str(bearer.account_id),
            "org": str(bearer.organization_id),
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "ver": bearer.token_version,
        }
        return jwt.encode(claims, self._keys[0], algorithm="HS256")

    def read(self, token: str) -> Bearer | None:
        """Check signature and expiry; None for anything that is not a token of ours."""
        now = time.time()
        known = self._read.get(token)
        if known is not None and known[1] > now:
            return known[0]
        claims = self._verified(token)
        if claims is None:
            return None
        bearer = Bearer(claims.sub, claims.org, claims.ver)
        if len(self._read) >= _REMEMBERED:
            self._read.clear()
        self._read[token] = (bearer, min(claims.exp, now + _REMEMBERED_SECONDS))
        return bearer

    def _verified(self, token: str) -> _Claims | None:
        options: Any = {"require": ["sub", "org", "exp", "ver"]}
        for key in self._keys:
            try:
                return msgspec.convert(jwt.decode(token, key, algorithms=["HS256"], options=options), _Claims)
            except jwt.InvalidSignatureError:
                continue
            except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError):
                return None
        return None
