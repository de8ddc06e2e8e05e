"""The port that locks away what must be told to a provider and to nobody else."""

from collections.abc import Mapping
from typing import Protocol


class Secrets(Protocol):
    """Seal texts by name, and open them again."""

    def seal(self, texts: Mapping[str, str]) -> bytes:
        """Lock texts away, under the newest key."""
        ...

    def open(self, sealed: bytes) -> dict[str, str] | None:
        """Read them again; None when the key they lie under is not among ours any more."""
        ...
