"""Calls to a model, not while it is down: whoever waits behind it is told at once."""

import hashlib
from contextlib import AbstractContextManager

from adapters.egress.breaker import Breaker


class Breakers:
    """Keep a breaker a key: one that is over its limits is no reason to leave another alone."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = {}

    def call(self, own_key: str | None) -> AbstractContextManager[None]:
        """Let one call through, or raise where the model is left alone just now."""
        name = "" if own_key is None else hashlib.sha256(own_key.encode()).hexdigest()
        if name not in self._breakers:
            self._breakers[name] = Breaker("anthropic")
        return self._breakers[name].call()
