"""Keep what texts cost, and let organisations that share a provider's account each have what it tells them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision: str | None = "0021"
_SHARED = "uq_inbound_provider_account_external_id"
_EACH = "uq_inbound_provider_account_external_id_organization_id"
# Of what two organisations were told, the earlier stays.
_ONCE = """
DELETE FROM inbound later USING inbound earlier
WHERE later.provider = earlier.provider AND later.account = earlier.account
  AND later.external_id = earlier.external_id AND later.id > earlier.id
"""


def upgrade() -> None:
    """Take the step."""
    op.add_column("messages", sa.Column("price", sa.Numeric(), nullable=True))
    op.add_column("messages", sa.Column("price_currency", sa.Text(), nullable=True))
    op.create_unique_constraint(
        _EACH, "inbound", ["provider", "account", "external_id", "organization_id"], postgresql_nulls_not_distinct=True
    )
    op.drop_constraint(_SHARED, "inbound")


def downgrade() -> None:
    """Take it back."""
    op.execute(_ONCE)
    op.create_unique_constraint(_SHARED, "inbound", ["provider", "account", "external_id"])
    op.drop_constraint(_EACH, "inbound")
    op.drop_column("messages", "price_currency")
    op.drop_column("messages", "price")
