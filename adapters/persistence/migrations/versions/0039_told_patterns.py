"""Keep what people are told of a pattern beside its counts, and put what was counted so far into the rules' words."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision: str | None = "0038"
_TOLD = """
WITH words (feature, what, lesson) AS (VALUES
  ('names_the_lead', 'call the lead by name', 'Call the lead by name.'),
  ('names_the_business', 'say who writes', 'Say which business writes.'),
  ('asks_a_question', 'ask a question', 'Ask one question.'),
  ('offers_two_times', 'offer two times', 'Offer two times to choose from.'),
  ('holds_a_link', 'hold a link', 'Put in a link.'),
  ('is_short', 'are short', 'Keep it to a hundred characters.'),
  ('is_long', 'are longer than one text', 'Write more than fits into one text.'),
  ('exclaims', 'exclaim', 'Use an exclamation mark.'),
  ('leaves_in_the_morning', 'leave in the morning', 'Send it before noon.'),
  ('leaves_in_the_evening', 'leave in the evening', 'Send it after five.'),
  ('leaves_at_the_weekend', 'leave at the weekend', 'Send it on Saturday or Sunday.')
), told AS (
  SELECT p.organization_id, p.id, l.language, w.what, coalesce(w.lesson, 'Write in ' || l.language || '.') AS lesson,
         p.successes::float / nullif(p.occurrences, 0) AS rate, p.other_successes::float / nullif(p.others, 0) AS other
  FROM patterns p LEFT JOIN words w USING (feature)
  CROSS JOIN LATERAL (SELECT replace(substr(p.feature, 7), '_', ' ') AS language) l
)
UPDATE patterns p SET
  title = CASE p.step WHEN 'opening' THEN 'Openings' ELSE 'First answers' END || ' that '
    || coalesce(t.what, 'are written in ' || t.language)
    || CASE p.step WHEN 'opening' THEN ' are answered ' ELSE ' lead to a call ' END
    || CASE WHEN t.rate > t.other THEN 'more often' ELSE 'less often' END,
  description = format('%s of %s (%s%%) against %s of %s (%s%%) of the others; p = %s.', p.successes, p.occurrences,
    round(100 * t.rate), p.other_successes, p.others, round(100 * t.other), round(p.p_value::numeric, 3)),
  lesson = CASE p.action WHEN 'adopt' THEN t.lesson
    WHEN 'avoid' THEN 'Do not ' || lower(left(t.lesson, 1)) || substr(t.lesson, 2) END
FROM told t WHERE t.organization_id = p.organization_id AND t.id = p.id
"""


def upgrade() -> None:
    """Take the step."""
    for name in ("title", "description"):
        op.add_column("patterns", sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("patterns", sa.Column("lesson", sa.Text()))
    op.execute("ALTER TABLE patterns NO FORCE ROW LEVEL SECURITY")
    op.execute(_TOLD)
    op.execute("ALTER TABLE patterns FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Take it back."""
    for name in ("title", "description", "lesson"):
        op.drop_column("patterns", name)
