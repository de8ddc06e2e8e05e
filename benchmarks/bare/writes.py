"""The bare writes: `python -m benchmarks.bare.writes PORT DATABASE_URL ORGANIZATION_ID`.

One statement each into the same indexed tables, which answers the row as the list shows it: a lead with its contact; a
lead's stage with a row of history. No key, no event, no check, no version, no tenancy.
"""

import sys
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import uvloop
from litestar import Request, Response, patch, post
from litestar.datastructures import State
from litestar.params import FromPath

from benchmarks.bare.leads import PAGE
from benchmarks.bare.server import serve
from domain.kernel import new_id

HISTORY = """
CREATE TABLE IF NOT EXISTS bare_history (
  organization_id uuid, id uuid, lead_id uuid, stage_from text, stage_to text, at timestamptz,
  PRIMARY KEY (organization_id, id))
"""
_SHOWN = PAGE.partition("SELECT ")[2].partition("::text, leads.created_at")[0]
_ENTER = f"""
WITH contacts AS (
  INSERT INTO contacts (organization_id, id, first_name, last_name, name_key, email, phone, phone_type, sms_eligible,
                        zones, country, created_at, updated_at)
  VALUES ($1, $2, $4, $5, lower($5 || ' ' || $4), $6, $7, 'mobile', true, '{{Europe/London}}', 'GB', $10, $10)
  RETURNING *
), leads AS (
  INSERT INTO leads (organization_id, id, contact_id, phone, name_key, source, product, created_at, updated_at)
  SELECT $1, $3, id, phone, name_key, $8, $9, $10, $10 FROM contacts RETURNING *
)
SELECT {_SHOWN}::text FROM leads JOIN contacts ON contacts.id = leads.contact_id
"""
_MOVE = f"""
WITH before AS (
  SELECT id, stage FROM leads WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE
), history AS (
  INSERT INTO bare_history SELECT $1, $3, id, stage, $4, $5 FROM before
), moved AS (
  UPDATE leads SET stage = $4, version = version + 1, updated_at = $5 WHERE organization_id = $1 AND id = $2 RETURNING *
)
SELECT {_SHOWN}::text FROM moved AS leads JOIN contacts
  ON contacts.organization_id = leads.organization_id AND contacts.id = leads.contact_id
"""


class _Person(msgspec.Struct):
    first_name: str
    last_name: str
    email: str
    phone_number: str


class _NewLead(msgspec.Struct):
    contact: _Person
    source: str
    product: str


class _Stage(msgspec.Struct):
    stage: str


_NEW = msgspec.json.Decoder(_NewLead)
_TO = msgspec.json.Decoder(_Stage)


def _answer(item: str, status: int) -> Response[bytes]:
    return Response(b'{"data":' + item.encode() + b"}", status_code=status, media_type="application/json")


@post("/leads")
async def enter(request: Request[None, None, State], state: State) -> Response[bytes]:
    """Enter a lead with its contact."""
    given = _NEW.decode(await request.body())
    person = given.contact
    async with state.pool.acquire() as connection:
        item = await connection.fetchval(
            _ENTER,
            state.organization_id,
            new_id(),
            new_id(),
            person.first_name,
            person.last_name,
            person.email,
            person.phone_number,
            given.source,
            given.product,
            datetime.now(UTC),
        )
    return _answer(item, 201)


@patch("/leads/{lead_id:uuid}/stage")
async def move(request: Request[None, None, State], state: State, lead_id: FromPath[UUID]) -> Response[bytes]:
    """Put a lead into a stage."""
    stage = _TO.decode(await request.body()).stage
    async with state.pool.acquire() as connection:
        item = await connection.fetchval(_MOVE, state.organization_id, lead_id, new_id(), stage, datetime.now(UTC))
    return _answer(item, 200)


if __name__ == "__main__":
    uvloop.run(serve([enter, move], int(sys.argv[1]), sys.argv[2], UUID(sys.argv[3])))
