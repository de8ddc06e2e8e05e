"""An API key: what a program shows at the door instead of a person's sign-in."""

import hashlib
import secrets

KEY_PREFIX = "rpt_"


def new_key() -> str:
    """Make a key of 256 random bits, shown once and never stored."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_of_key(key: str) -> bytes:
    """Hash a key for keeping; it is random enough that a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(key.encode()).digest()
