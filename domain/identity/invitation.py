"""An invitation: a link, good once and for a day, by which somebody comes into an organisation."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from domain.kernel import NotFound, Phone, new_id

LIFE = timedelta(hours=24)
"""How long a link is good, in machine time."""


def hash_of_token(token: str) -> bytes:
    """Hash a link's token for keeping; it is random enough that a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


@dataclass(slots=True, kw_only=True)
class Invitation:
    """Hold one link's hash, whom it is for, and what the inviter calls them until they come; `expires_at` is set when
    it is stored."""

    id: UUID = field(default_factory=new_id)
    organization_id: UUID
    account_id: UUID
    token_hash: bytes
    invited_by: UUID
    first_name: str
    last_name: str | None = None
    phone: Phone | None = None
    expires_at: datetime | None = None


class NoSuchInvitation(NotFound):
    """Refuse a link that is unknown, used, replaced or too old, without telling which."""

    def __init__(self) -> None:
        super().__init__("This invitation is not good, or no longer. Ask for a new one.")
