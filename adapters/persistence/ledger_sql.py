"""The send ledger's statements; `ledger.py` says what each is for."""

from domain.messaging.policy import Purpose

THREADS = """
INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, started_at, last_message_at)
SELECT $1, t.id, t.contact_id, t.lead_id, t.channel, t.address, $7, $7
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[]) AS t(id, contact_id, lead_id, channel, address)
ON CONFLICT (organization_id, contact_id, channel) DO UPDATE
SET lead_id = coalesce(excluded.lead_id, conversations.lead_id), address = excluded.address
RETURNING id, contact_id, channel, turn_number
"""
MESSAGES = """
INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction, category, status,
                      body, sender, recipient, author_id, created_at)
SELECT $1, m.id, m.conversation_id, m.contact_id, m.lead_id, m.channel, 'outbound', m.category, m.status, m.body, $2,
       m.recipient, m.author_id, $3
FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[],
            $12::text[], $13::uuid[])
     AS m(id, conversation_id, contact_id, lead_id, channel, category, status, body, recipient, author_id)
"""
SENDS = """
INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, held, campaign_id, touch, variant,
                   lead_id, contact_id, conversation_id, recipient, sender, turn_number, due_at, verdict, reasons,
                   delayed_by, useful_until, created_at)
SELECT $1, s.id, s.natural_key, s.purpose, s.channel, s.state, s.held, s.campaign_id, s.touch, s.variant, s.lead_id,
       s.contact_id, s.conversation_id, s.recipient, $2, s.turn_number, s.due_at, s.verdict, s.reasons, s.delayed_by,
       s.useful_until, $3
FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[], $10::uuid[], $11::text[],
            $12::text[], $13::uuid[], $14::uuid[], $15::uuid[], $16::text[], $17::bigint[], $18::timestamptz[],
            $19::text[], $20::jsonb[], $21::text[], $22::timestamptz[])
     AS s(id, natural_key, purpose, channel, state, held, campaign_id, touch, variant, lead_id, contact_id,
          conversation_id, recipient, turn_number, due_at, verdict, reasons, delayed_by, useful_until)
"""
KNOWN = "SELECT natural_key FROM sends WHERE organization_id = $1 AND natural_key = ANY ($2)"
COLUMNS = """s.id, s.purpose, s.channel, s.contact_id, s.lead_id, s.campaign_id, s.touch, s.variant, s.recipient,
          s.sender, s.turn_number, s.useful_until, s.attempts, s.provider, s.left_from, s.handed_at,
          s.handed_machine_at, m.author_id, m.body, (
            SELECT i.backed_up_at FROM installation i WHERE s.created_at < i.restored_at + interval '30 days'
              OR EXISTS (SELECT 1 FROM campaigns c WHERE c.organization_id = $1 AND c.id = s.campaign_id
                         AND c.started_at < i.restored_at)) AS doubted_since"""
CLAIM = """
WITH due AS (
  SELECT id FROM sends WHERE organization_id = $1 AND state = 'planned' AND NOT held AND due_at <= $2 AND {which}
  ORDER BY due_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends s SET state = 'claimed', batch = $4, lease_until = clock_timestamp() + $5, attempts = s.attempts + 1
FROM due, messages m
WHERE s.organization_id = $1 AND s.id = due.id AND m.organization_id = $1 AND m.id = s.id
RETURNING {columns}
"""
CLAIM_ONE = CLAIM.format(which="id = $6", columns=COLUMNS)
WRITTEN_BY = """EXISTS (SELECT 1 FROM messages w WHERE w.organization_id = $1 AND w.id = sends.id
                  AND w.author_id = ANY ({people}))"""
# What somebody waits for goes before any campaign's touch, however long those have been due.
AWAITED = ", ".join(f"'{purpose.value}'" for purpose in Purpose if purpose is not Purpose.CAMPAIGN)
CLAIM_AWAITED = CLAIM.format(which=f"purpose IN ({AWAITED})", columns=COLUMNS)
CLAIM_OF = CLAIM.format(which=f"purpose IN ({AWAITED}) AND {WRITTEN_BY.format(people='$6::uuid[]')}", columns=COLUMNS)
CLAIM_TOUCHES = CLAIM.format(which="purpose = 'campaign'", columns=COLUMNS)
LOCK = """
SELECT 1 FROM sends WHERE organization_id = $1 AND id = ANY ($2) AND state = 'claimed' ORDER BY id FOR NO KEY UPDATE
"""
HAND = """
UPDATE sends SET state = 'handed', handed_at = $3, handed_machine_at = clock_timestamp(), provider = a.provider,
       left_from = coalesce(nullif(a.left_from, ''), sends.sender)
FROM unnest($4::uuid[], $5::text[], $6::text[]) AS a(id, provider, left_from)
WHERE organization_id = $1 AND batch = $2 AND state = 'claimed' AND sends.id = a.id
  AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.organization_id = $1 AND x.address = sends.recipient
                  AND sends.purpose <> 'opt_out_confirmation')
RETURNING sends.id
"""
TURN_BACK = """
WITH v AS (
  SELECT * FROM unnest($4::uuid[], $5::text[], $6::bool[], $7::timestamptz[], $8::text[], $9::jsonb[], $10::text[])
         AS v(id, state, held, due_at, verdict, reasons, delayed_by)
), delayed AS (
  SELECT s.id, s.campaign_id, s.due_at AS was_due_at, v.due_at,
         interval '1 minute' / (c.settings ->> 'rate_per_minute')::int AS gap
  FROM v JOIN sends s ON s.organization_id = $1 AND s.id = v.id
  JOIN campaigns c ON c.organization_id = $1 AND c.id = s.campaign_id WHERE v.due_at IS NOT NULL
), queues AS (
  SELECT d.campaign_id, d.due_at, (
    SELECT max(q.due_at) FROM sends q WHERE q.organization_id = $1 AND q.campaign_id = d.campaign_id
      AND q.state = 'planned' AND NOT q.held AND q.due_at >= d.due_at) AS ends
  FROM (SELECT DISTINCT campaign_id, due_at FROM delayed) d
), slots AS (
  SELECT d.id, greatest(d.due_at, queues.ends + d.gap) + d.gap * (row_number() OVER (
           PARTITION BY d.campaign_id, d.due_at ORDER BY d.was_due_at, d.id) - 1) AS due_at
  FROM delayed d JOIN queues USING (campaign_id, due_at)
)
UPDATE sends s SET state = v.state, held = v.held, due_at = coalesce(slots.due_at, v.due_at, s.due_at),
       verdict = v.verdict, reasons = v.reasons, delayed_by = coalesce(v.delayed_by, s.delayed_by), batch = NULL,
       lease_until = NULL, attempts = s.attempts - 1,
       settled_at = CASE WHEN v.state = 'refused' THEN $3::timestamptz END
FROM v LEFT JOIN slots ON slots.id = v.id
WHERE s.organization_id = $1 AND s.batch = $2 AND s.state = 'claimed' AND s.id = v.id
RETURNING s.id, s.state
"""
WRITE = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND id = ANY ($3) ORDER BY id FOR NO KEY UPDATE
)
UPDATE sends s SET state = r.state, provider_id = coalesce(r.provider_id, s.provider_id), error = r.error,
       due_at = coalesce(r.due_at, s.due_at), batch = NULL, attempts = s.attempts - r.untried::int,
       lease_until = CASE WHEN r.state = 'unknown' THEN clock_timestamp() END,
       settled_at = CASE WHEN r.state IN ('accepted', 'rejected', 'parked') THEN $2::timestamptz END
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $9::bool[])
     AS r(id, state, provider_id, error, due_at, untried) JOIN mine USING (id)
WHERE s.organization_id = $1 AND s.id = mine.id
  AND ((s.state = 'handed' AND s.batch = $8) OR (s.state = 'unknown' AND $8 IS NULL))
RETURNING s.id, s.state, s.handed_at, split_part(s.provider, ':', 1) AS provider
"""
TELL = """
UPDATE messages m SET status = CASE WHEN m.status IN ('pending', 'unknown') THEN t.status ELSE m.status END,
       provider = t.provider, provider_id = coalesce(t.provider_id, m.provider_id),
       error_code = CASE WHEN m.status IN ('pending', 'unknown') THEN t.error ELSE coalesce(t.error, m.error_code) END,
       segments = coalesce(t.segments, m.segments), price = coalesce(t.price, m.price),
       price_currency = coalesce(t.currency, m.price_currency),
       sent_at = CASE WHEN t.status = 'sent' THEN t.at ELSE m.sent_at END
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::timestamptz[], $8::text[],
            $9::numeric[], $10::text[])
     AS t(id, status, provider_id, error, segments, at, provider, price, currency)
WHERE m.organization_id = $1 AND m.id = t.id
"""
COUNT = """
WITH n AS (
  SELECT conversation_id, count(*) AS messages FROM messages WHERE organization_id = $1 AND id = ANY ($2)
  GROUP BY conversation_id
), mine AS (
  SELECT id FROM conversations WHERE organization_id = $1 AND id IN (SELECT conversation_id FROM n)
  ORDER BY contact_id, channel FOR NO KEY UPDATE
)
UPDATE conversations c SET message_count = c.message_count + n.messages,
       last_message_at = greatest(c.last_message_at, $3)
FROM mine JOIN n ON n.conversation_id = mine.id
WHERE c.organization_id = $1 AND c.id = mine.id
"""
# Whoever has a row locked is changing it; what they leave claimed is released when the lease ends.
UNCLAIM = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND id = ANY ($3) AND batch = $2 AND state = 'claimed'
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends s SET state = 'planned', batch = NULL, lease_until = NULL, attempts = s.attempts - 1
FROM mine WHERE s.organization_id = $1 AND s.id = mine.id
"""
RELEASE = """
WITH ended AS (
  SELECT id FROM sends
  WHERE organization_id = $1 AND state IN ('claimed', 'handed') AND lease_until <= clock_timestamp()
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends SET state = CASE state WHEN 'claimed' THEN 'planned' ELSE 'unknown' END, batch = NULL,
       lease_until = CASE state WHEN 'claimed' THEN NULL ELSE lease_until END
FROM ended WHERE sends.organization_id = $1 AND sends.id = ended.id
"""
# `lease_until` of an unknown row is when it is to be asked about. Whoever asks sets it before the call, so that others
# ask about others, and the older a row is, the further it goes back.
UNKNOWN = f"""
WITH due AS (
  SELECT id FROM sends WHERE organization_id = $1 AND state = 'unknown' AND lease_until <= clock_timestamp()
    AND handed_machine_at <= clock_timestamp() - $2::interval
  ORDER BY lease_until LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends s SET lease_until = clock_timestamp()
       + least(greatest((clock_timestamp() - s.handed_machine_at) / 2, $2::interval / 2), interval '1 hour')
FROM due, messages m
WHERE s.organization_id = $1 AND s.id = due.id AND m.organization_id = $1 AND m.id = s.id
RETURNING {COLUMNS}
"""  # noqa: S608 - our own column names
# Others may lock rows in the order of their ids; who comes to this with some locked already must wait for none of them.
ASK_AGAIN = """
WITH mine AS (
  SELECT id FROM sends WHERE organization_id = $1 AND id = ANY ($2) AND state = 'unknown'
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sends s SET lease_until = clock_timestamp() + make_interval(secs => w.seconds)
FROM unnest($2::uuid[], $3::float8[]) AS w(id, seconds) JOIN mine USING (id)
WHERE s.organization_id = $1 AND s.id = mine.id
"""
ONE_ASKS = "SELECT pg_advisory_xact_lock(hashtextextended('receipts/' || $1, 0))"
BEARING = """
SELECT recipient, state, provider_id FROM sends WHERE organization_id = $1 AND recipient = ANY ($2)
  AND (provider_id = ANY ($3) OR (state = 'handed' AND batch IS DISTINCT FROM $4::uuid))
"""
NEXT_LOOK = """
SELECT extract(epoch FROM min(
  CASE state WHEN 'unknown' THEN greatest(lease_until, handed_machine_at + $2::interval)
  ELSE coalesce(lease_until, clock_timestamp()) END) - clock_timestamp())::float8
FROM sends WHERE organization_id = $1 AND state IN ('claimed', 'handed', 'unknown')
"""
NEXT_DUE = "SELECT min(due_at) FROM sends WHERE organization_id = $1 AND state = 'planned' AND NOT held"
NEXT_DUE_OF = f"{NEXT_DUE} AND purpose IN ({AWAITED}) AND {WRITTEN_BY.format(people='$2::uuid[]')}"
