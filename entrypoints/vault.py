"""The box in which stored secrets and answers lie: the first key encrypts, all of them decrypt."""

import base64
from collections.abc import Mapping

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

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
