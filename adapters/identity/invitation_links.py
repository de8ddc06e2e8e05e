"""Links of invitations: HMAC-SHA256 of the invitation's id under a derived key, so that no token is ever stored."""

import base64
import hmac
from uuid import UUID

from domain.identity.invitation import Invitation, hash_of_token


class HmacInvitationLinks:
    """Make links; the first key makes new ones, all of them recognise."""

    def __init__(self, keys: tuple[bytes, ...], public_url: str) -> None:
        self._keys = keys
        self._public_url = public_url.rstrip("/")

    def token(self, identifier: UUID) -> str:
        """Make an invitation's token: 256 bits, URL-safe."""
        return _token(self._keys[0], identifier)

    def recall(self, invitation: Invitation) -> str | None:
        """Make the token again that an invitation was sent with; None when its key is gone."""
        for key in self._keys:
            token = _token(key, invitation.id)
            if hmac.compare_digest(hash_of_token(token), invitation.token_hash):
                return token
        return None

    def address(self, token: str) -> str:
        """Give the page of the front end that accepts it."""
        return f"{self._public_url}/invitations/{token}"


def _token(key: bytes, identifier: UUID) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, identifier.bytes, "sha256")).decode().rstrip("=")
