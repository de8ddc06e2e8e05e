"""Hand all mails over on one schedule, whoever wrote them down."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision: str | None = "0017"
_OPEN = "state IN ('planned', 'handed', 'unknown')"
# An invitation whose mail an event was to send finds the schedule instead.
_TOGETHER = """
INSERT INTO schedules (name, organization_id, next_due_at)
SELECT 'mails.settle', organization_id, min(due_at) FROM (
  SELECT organization_id, next_due_at AS due_at FROM schedules
  WHERE name IN ('invitation_mail.settle', 'bookings.mail') AND next_due_at IS NOT NULL
  UNION ALL
  SELECT organization_id, now() FROM deliveries
  WHERE subscription IN ('invitation_mail.send', 'invitation_mail.settle', 'bookings.mail')
  UNION ALL
  SELECT organization_id, now() FROM outbox WHERE type = 'user.invited'
) AS owed GROUP BY organization_id
"""
_APART = """
INSERT INTO schedules (name, organization_id, next_due_at)
SELECT apart.name, organization_id, next_due_at
FROM schedules, (VALUES ('invitation_mail.settle'), ('bookings.mail')) AS apart (name)
WHERE schedules.name = 'mails.settle' AND next_due_at IS NOT NULL
"""


def upgrade() -> None:
    """Take the step."""
    op.create_index("ix_mails_open", "mails", ["organization_id", "handed_at", "id"], postgresql_where=sa.text(_OPEN))
    op.execute(_TOGETHER)
    op.execute("DELETE FROM schedules WHERE name IN ('invitation_mail.settle', 'bookings.mail')")
    op.execute(
        "DELETE FROM deliveries WHERE subscription IN ('invitation_mail.send', 'invitation_mail.settle',"
        " 'bookings.mail')"
    )


def downgrade() -> None:
    """Take it back."""
    op.execute(_APART)
    op.execute("DELETE FROM schedules WHERE name = 'mails.settle'")
    op.drop_index("ix_mails_open", table_name="mails")
