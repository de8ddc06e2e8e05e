"""Who wrote a message, as the coach tells them apart."""

AUTHOR = """CASE WHEN m.direction = 'inbound' THEN 'lead' WHEN m.category = 'ai_response' OR EXISTS (
    SELECT FROM replies r WHERE r.organization_id = $1 AND r.id = m.id AND r.status = 'sent') THEN 'ai'
  WHEN m.category = 'human_manual' THEN 'person' ELSE 'campaign' END"""
"""Who wrote `m`, as an `Author`: touches that the AI wrote are the AI's, what else leaves by itself is a campaign's."""
