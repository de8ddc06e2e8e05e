"""The bare webhook: `python -m benchmarks.bare.inbound PORT DATABASE_URL ORGANIZATION_ID`.

A form, its HMAC as Twilio makes it, one insert, an empty answer. No number looked up, no transaction, no event.
"""

import base64
import hmac
import sys
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import msgspec
import uvloop
from litestar import Request, Response, post

from benchmarks.bare.server import serve

KEY = b"bare"
TABLE = "CREATE TABLE IF NOT EXISTS bare_inbound (LIKE inbound INCLUDING ALL)"
_STORE = """
INSERT INTO bare_inbound (id, provider, account, external_id, organization_id, kind, payload)
VALUES ($1, 'bare', '', $2, $3, 'text', $4) ON CONFLICT DO NOTHING
"""


def signature(form: bytes) -> str:
    """Sign a form: the address and its fields by name."""
    said = "http://127.0.0.1/inbound" + "".join(f"{name}{value}" for name, value in sorted(parse_qsl(form.decode())))
    return base64.b64encode(hmac.digest(KEY, said.encode(), "sha1")).decode()


@post("/inbound")
async def take_in(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Take a text in."""
    raw = await request.body()
    if not hmac.compare_digest(signature(raw), request.headers.get("x-signature", "")):
        return Response(b"", status_code=403)
    form = dict(parse_qsl(raw.decode()))
    state = request.app.state
    async with state.pool.acquire() as connection:
        payload = msgspec.json.encode(form).decode()
        await connection.execute(_STORE, uuid4(), form["MessageSid"], state.organization_id, payload)
    return Response(b"", status_code=204)


if __name__ == "__main__":
    uvloop.run(serve([take_in], int(sys.argv[1]), sys.argv[2], UUID(sys.argv[3])))
