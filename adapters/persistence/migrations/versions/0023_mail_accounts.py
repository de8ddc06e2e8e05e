"""Remember through whom a mail was handed over, and park what nobody will ever know of."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision: str | None = "0022"
_STATES = "state IN ('planned', 'handed', 'accepted', 'rejected', 'unknown', {}'cancelled')"


def upgrade() -> None:
    """Take the step."""
    op.add_column("mails", sa.Column("account", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_mails_state"), "mails")
    op.create_check_constraint(op.f("ck_mails_state"), "mails", _STATES.format("'parked', "))


def downgrade() -> None:
    """Take it back; what is parked was refused for all that anybody will know."""
    op.drop_constraint(op.f("ck_mails_state"), "mails")
    op.execute("ALTER TABLE mails NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE mails SET state = 'rejected' WHERE state = 'parked'")
    op.execute("ALTER TABLE mails FORCE ROW LEVEL SECURITY")
    op.create_check_constraint(op.f("ck_mails_state"), "mails", _STATES.format(""))
    op.drop_column("mails", "account")
