"""Who wrote a message, as the coach tells them apart."""


def author_of(message: str) -> str:
    """Give the SQL that tells who wrote a row of messages, as an `Author`, by what the query calls it.

    Touches that the AI wrote are the AI's; what else leaves by itself is a campaign's. Asked of one row of replies by
    its key: for `EXISTS` PostgreSQL may read all of them, to look them up in memory.
    """
    return f"""CASE WHEN {message}.direction = 'inbound' THEN 'lead' WHEN {message}.category = 'ai_response' OR (
    SELECT r.status = 'sent' FROM replies r
    WHERE r.organization_id = {message}.organization_id AND r.id = {message}.id) THEN 'ai'
  WHEN {message}.category = 'human_manual' THEN 'person' ELSE 'campaign' END"""  # noqa: S608 - our own words
