"""How keyed requests are remembered: claimed before their effect, answered in its transaction."""

# In this order: the key alone is not waited for as long as anything else may be.
CLAIM = """
WITH claimed AS (
  INSERT INTO idempotency (organization_id, actor, route, key, request_hash) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM claimed), set_config('lock_timeout', '0', true), business_now()
"""
EARLIER = """
SELECT request_hash, status, answer FROM idempotency
WHERE organization_id = $1 AND actor = $2 AND route = $3 AND key = $4
"""
ANSWER = """
UPDATE idempotency SET status = $5, answer = $6 WHERE organization_id = $1 AND actor = $2 AND route = $3 AND key = $4
"""
ANSWER_BESIDE = """
UPDATE idempotency SET status = $14, answer = $15
WHERE organization_id = $1 AND actor = $11 AND route = $12 AND key = $13
"""
"""The same beside events that are appended, whose parameters come first."""
LEFT_FREE = "DELETE FROM idempotency WHERE organization_id = $1 AND actor = $2 AND route = $3 AND key = $4"
