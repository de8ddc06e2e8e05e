"""The bare list of leads: `python -m benchmarks.bare.leads PORT DATABASE_URL ORGANIZATION_ID`.

granian, Litestar, msgspec and asyncpg, nothing else: no sign-in, no tenancy, no permissions, no limits, no
transaction, no logs. The same rows by the same plan, and the same bytes, as `GET /api/v1/leads?status=…&limit=50`.
"""

import base64
import sys
from uuid import UUID

import msgspec
import uvloop
from litestar import Response, get
from litestar.datastructures import State

from benchmarks.bare.server import serve

_STAMP = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
PAGE = f"""
SELECT json_build_object('id', leads.id, 'contact', json_build_object('id', contacts.id,
         'first_name', contacts.first_name, 'last_name', contacts.last_name, 'email', contacts.email,
         'phone_number', contacts.phone, 'postcode', contacts.postcode, 'sms_eligible', contacts.sms_eligible,
         'phone_type', contacts.phone_type),
       'dataset_id', leads.dataset_id, 'stage', leads.stage, 'contact_status', leads.contact_status,
       'lead_sentiment', leads.sentiment, 'source', leads.source, 'score', leads.score,
       'tags', coalesce((SELECT json_agg(tags.slug ORDER BY tags.sort_order, tags.slug) FROM lead_tags
          JOIN tags ON tags.organization_id = lead_tags.organization_id AND tags.id = lead_tags.tag_id
          WHERE lead_tags.organization_id = leads.organization_id AND lead_tags.lead_id = leads.id), '[]'),
       'latest_lead_reply', leads.latest_reply, 'reply_received_at', to_char(leads.reply_received_at, {_STAMP}),
       'call_booked', leads.call_booked, 'call_booked_time', to_char(leads.call_booked_time, {_STAMP}),
       'cal_booking_id', leads.cal_booking_id,
       'manual_mode', leads.manual_mode, 'archived', leads.archived, 'assigned_to', leads.assigned_to,
       'inquiry_date', leads.inquiry_date, 'product', leads.product,
       'created_at', to_char(leads.created_at, {_STAMP}), 'updated_at', to_char(leads.updated_at, {_STAMP}),
       'version', leads.version)::text, leads.created_at, leads.id,
       (SELECT count(*) FROM (SELECT 1 FROM leads WHERE organization_id = $1 AND contact_status = $2 LIMIT 1001) AS m)
FROM leads LEFT JOIN contacts ON contacts.organization_id = leads.organization_id AND contacts.id = leads.contact_id
WHERE leads.organization_id = $1 AND leads.contact_status = $2
ORDER BY leads.created_at DESC, leads.id DESC LIMIT 51
"""
_ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT 1 FROM leads WHERE organization_id = $1 AND contact_status = $2"


class _Pagination(msgspec.Struct):
    page: int
    limit: int
    total: int
    total_pages: int
    total_is_estimate: bool
    has_next: bool
    next_cursor: str | None


@get("/leads")
async def list_leads(state: State, status: str, limit: int, mark: str = "") -> Response[bytes]:
    """Answer the first page of fifty; `mark` is what our cursor says of filters and order, not worked out here."""
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(PAGE, state.organization_id, status)
        total = rows[0][3] if rows else 0
        estimated = total > 1000
        if estimated:
            plan = await connection.fetchval(_ESTIMATE, state.organization_id, status)
            total = max(msgspec.json.decode(plan)[0]["Plan"]["Plan Rows"], 1001)
    more, rows = len(rows) > limit, rows[:limit]
    cursor = None
    if more:
        _, created_at, identifier, _ = rows[-1]
        place = msgspec.json.encode([mark, created_at, str(identifier)])
        cursor = base64.urlsafe_b64encode(place).rstrip(b"=").decode()
    pagination = _Pagination(1, limit, total, -(-total // limit), estimated, more, cursor)
    items = b",".join([row[0].encode() for row in rows])
    body = b'{"data":[' + items + b'],"pagination":' + msgspec.json.encode(pagination) + b"}"
    return Response(body, media_type="application/json")


if __name__ == "__main__":
    uvloop.run(serve([list_leads], int(sys.argv[1]), sys.argv[2], UUID(sys.argv[3])))
