"""Bring teams: invitations, API keys, brands and locations, integrations, mail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from adapters.persistence.migrations.tenancy import APP, grant, protect

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("permissions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("dataset_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("location_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_api_keys_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_organization"), "api_keys", ["organization_id", "created_at", "id"], unique=False)
    op.create_index(op.f("uq_api_keys_hash"), "api_keys", ["key_hash"], unique=True)
    op.create_table(
        "brands",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_brands_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_brands")),
    )
    op.create_index(op.f("uq_brands_name"), "brands", ["organization_id", "name"], unique=True)
    op.create_table(
        "integrations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_integrations_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "provider", name=op.f("pk_integrations")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_invitations_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_invitations_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_account"), "invitations", ["account_id", "organization_id"], unique=False)
    op.create_index(op.f("ix_invitations_organization"), "invitations", ["organization_id"], unique=False)
    op.create_index(op.f("uq_invitations_token"), "invitations", ["token_hash"], unique=True)
    op.create_table(
        "mails",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("to_address", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'planned'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'handed', 'accepted', 'rejected', 'unknown', 'cancelled')",
            name=op.f("ck_mails_state"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_mails_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_mails")),
    )
    op.create_index(op.f("uq_mails_subject"), "mails", ["organization_id", "kind", "subject"], unique=True)
    op.create_table(
        "email_accounts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email_address", sa.Text(collation="C"), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "organization_id"],
            ["memberships.account_id", "memberships.organization_id"],
            name=op.f("fk_email_accounts_account_id_organization_id"),
            ondelete="SET NULL (account_id)",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_email_accounts_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_email_accounts")),
    )
    op.create_index(
        op.f("ix_email_accounts_account"), "email_accounts", ["account_id", "organization_id"], unique=False
    )
    op.create_index(op.f("uq_email_accounts_account"), "email_accounts", ["organization_id", "account_id"], unique=True)
    op.create_index(
        op.f("uq_email_accounts_address"), "email_accounts", ["organization_id", "email_address"], unique=True
    )
    op.create_table(
        "locations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "brand_id"],
            ["brands.organization_id", "brands.id"],
            name=op.f("fk_locations_organization_id_brand_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_locations_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_locations")),
    )
    op.create_index(op.f("ix_locations_name"), "locations", ["organization_id", "name", "id"], unique=False)
    op.create_index(op.f("uq_locations_name"), "locations", ["organization_id", "brand_id", "name"], unique=True)
    op.create_table(
        "sms_gateways",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("gateway_url", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "organization_id"],
            ["memberships.account_id", "memberships.organization_id"],
            name=op.f("fk_sms_gateways_account_id_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_sms_gateways_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sms_gateways")),
    )
    op.create_index(op.f("ix_sms_gateways_account"), "sms_gateways", ["account_id", "organization_id"], unique=False)
    op.create_index(op.f("uq_sms_gateways_account"), "sms_gateways", ["organization_id", "account_id"], unique=True)
    op.add_column(
        "accounts", sa.Column("is_platform_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("memberships", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE memberships SET joined_at = created_at")
    op.add_column(
        "memberships", sa.Column("can_manage_users", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "memberships", sa.Column("can_edit_lessons", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "memberships", sa.Column("can_push_to_live", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("memberships", sa.Column("location_ids", sa.ARRAY(sa.Uuid()), nullable=True))
    op.add_column("memberships", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    protect("brands", "email_accounts", "integrations", "locations", "mails", "sms_gateways")
    grant(APP, "SELECT, INSERT, UPDATE, DELETE", "api_keys", "invitations")


def downgrade() -> None:
    """Take it back."""
    op.drop_column("memberships", "version")
    op.drop_column("memberships", "location_ids")
    op.drop_column("memberships", "can_push_to_live")
    op.drop_column("memberships", "can_edit_lessons")
    op.drop_column("memberships", "can_manage_users")
    op.drop_column("memberships", "joined_at")
    op.drop_column("accounts", "is_platform_admin")
    op.drop_index(op.f("uq_sms_gateways_account"), table_name="sms_gateways")
    op.drop_index(op.f("ix_sms_gateways_account"), table_name="sms_gateways")
    op.drop_table("sms_gateways")
    op.drop_index(op.f("uq_locations_name"), table_name="locations")
    op.drop_index(op.f("ix_locations_name"), table_name="locations")
    op.drop_table("locations")
    op.drop_index(op.f("uq_email_accounts_address"), table_name="email_accounts")
    op.drop_index(op.f("uq_email_accounts_account"), table_name="email_accounts")
    op.drop_index(op.f("ix_email_accounts_account"), table_name="email_accounts")
    op.drop_table("email_accounts")
    op.drop_index(op.f("uq_mails_subject"), table_name="mails")
    op.drop_table("mails")
    op.drop_index(op.f("uq_invitations_token"), table_name="invitations")
    op.drop_index(op.f("ix_invitations_organization"), table_name="invitations")
    op.drop_index(op.f("ix_invitations_account"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_table("integrations")
    op.drop_index(op.f("uq_brands_name"), table_name="brands")
    op.drop_table("brands")
    op.drop_index(op.f("uq_api_keys_hash"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_organization"), table_name="api_keys")
    op.drop_table("api_keys")
