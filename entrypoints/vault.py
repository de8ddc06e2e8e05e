"""The box in which stored secrets and answers lie: the first key encrypts, all of them decrypt."""

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Vault = MultiFernet


def vault_of(secret_keys: tuple[bytes, ...]) -> Vault:
    """Derive one encryption key from each secret key (HKDF-SHA256)."""
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(HKDF(SHA256(), length=32, salt=None, info=b"rapport/vault").derive(key)))
            for key in secret_keys
        ]
    )
