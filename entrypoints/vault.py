"""The box in which stored secrets and answers lie: the first key encrypts, all of them decrypt."""

import base64
from collections.abc import Callable, Mapping

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.kernel import Conflict

Vault = MultiFernet


def locks_of(secret_keys: tuple[bytes, ...]) -> list[Fernet]:
    """Derive one encryption key from each secret key (HKDF-SHA256)."""
    return [
        Fernet(base64.urlsafe_b64encode(HKDF(SHA256(), length=32, salt=None, info=b"rapport/vault").derive(key)))
        for key in secret_keys
    ]


def vault_of(secret_keys: tuple[bytes, ...]) -> Vault:
    """Make the box of all the keys."""
    return MultiFernet(locks_of(secret_keys))


def unsealing(vault: Vault) -> Callable[[bytes], bytes]:
    """Open what lies in the box, or refuse in a sentence where its key is gone (`Conflict`)."""

    def unseal(sealed: bytes) -> bytes:
        try:
            return vault.decrypt(sealed)
        except InvalidToken:
            raise Conflict(
                "The answer to this request lies under a key that is gone; use another Idempotency-Key."
            ) from None

    return unseal


def relocking(secret_keys: tuple[bytes, ...]) -> Callable[[bytes], bytes | None]:
    """Bring a sealed text under the first key: the same where it lies under it, None where no key opens it."""
    first, box = locks_of(secret_keys)[0], vault_of(secret_keys)

    def relock(sealed: bytes) -> bytes | None:
        try:
            first.decrypt(sealed)
        except InvalidToken:
            try:
                return box.rotate(sealed)
            except InvalidToken:
                return None
        return sealed

    return relock


class VaultSecrets:
    """Implement `Secrets` on the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal(self, texts: Mapping[str, str]) -> bytes:
        """Lock texts away."""
        return self._vault.encrypt(msgspec.json.encode(dict(texts)))

    def open(self, sealed: bytes) -> dict[str, str] | None:
        """Read them again; None when no key fits."""
        try:
            return msgspec.json.decode(self._vault.decrypt(sealed), type=dict[str, str])
        except InvalidToken:
            return None
