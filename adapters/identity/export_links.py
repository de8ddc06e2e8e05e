"""Links of written tables: whose and which they are, with HMAC-SHA256 of that under a derived key."""

import base64
import binascii
import hmac
from uuid import UUID

from domain.kernel import NotFound

_MAC_BYTES = 32


class HmacExportLinks:
    """Sign links; the first key signs new ones, all of them recognise."""

    def __init__(self, keys: tuple[bytes, ...], public_url: str) -> None:
        self._keys = keys
        self._public_url = public_url.rstrip("/")

    def address(self, organization_id: UUID, job_id: UUID) -> str:
        """Give where the file is fetched from."""
        said = organization_id.bytes + job_id.bytes
        link = base64.urlsafe_b64encode(said + _mac(self._keys[0], said)).decode().rstrip("=")
        return f"{self._public_url}/api/v1/exports/links/{link}"

    def read(self, link: str) -> tuple[UUID, UUID]:
        """Tell the organisation and the job, or refuse with `NotFound` what we did not sign."""
        try:
            whole = base64.b64decode(link + "=" * (-len(link) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise NotFound("There is no such export, or it is kept no longer.") from None
        said, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
        if len(said) != 32 or not any(hmac.compare_digest(_mac(key, said), mac) for key in self._keys):
            raise NotFound("There is no such export, or it is kept no longer.")
        return UUID(bytes=said[:16]), UUID(bytes=said[16:])


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, "sha256")
