"""Who wrote a message, as the coach tells them apart."""


def author_of(message: str) -> str:
    """Give the SQL that tells who wrote a row of messages, as an `Author`, by what the query calls it.

    Touches that the AI wrote are the AI's; what else leaves by itself is a campaign's.
    """
    return f"""CASE WHEN {message}.direction = 'inbound' THEN 'lead' WHEN {message}.category = 'ai_response' OR EXISTS (
    SELECT FROM replies r
    WHERE r.organization_id = {message}.organization_id AND r.id = {message}.id AND r.status = 'sent') THEN 'ai'
  WHEN {message}.category = 'human_manual' THEN 'person' ELSE 'campaign' END"""
