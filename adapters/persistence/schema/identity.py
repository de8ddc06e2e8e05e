"""Organisations, accounts, memberships, routes."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.schema.tenancy import (
    flag,
    index,
    metadata,
    number,
    one_of,
    organization_key,
    references,
    tenant_table,
    text,
    time,
    uuid,
    version,
)
from domain.identity.role import MEMBER_ROLES


def _member(ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id", "organization_id"],
        ["memberships.account_id", "memberships.organization_id"],
        ondelete=ondelete,
    )


organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    uuid("organization_id"),
    text("name"),
    text("country", default="GB"),
    text("time_zone", default="Europe/London"),
    text("currency", default="GBP"),
    text("locale", default="en"),
    text("industry", null=True),
    text("business_type", null=True),
    text("phone", null=True),
    text("email", null=True),
    text("logo_url", null=True),
    text("primary_color", null=True),
    sa.Column("business_hours", JSONB(), nullable=True),
    sa.Column("settings", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    text("coach_name", default="Sophie"),
    text("sender", null=True),
    time("created_at"),
    time("deleted_at", null=True),
    version(),
    sa.CheckConstraint("organization_id = id", name="own_tenant"),
    info={"tenant": True},
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    text("email"),
    text("password_hash", null=True),
    text("first_name"),
    text("last_name", null=True),
    text("phone", null=True),
    text("avatar_url", null=True),
    number("token_version", default=1),
    flag("is_platform_admin"),
    uuid("last_organization_id", null=True),
    time("last_login_at", null=True),
    time("created_at"),
    version(),
)
index("uq_accounts_email", accounts.c.email, unique=True)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    text("role"),
    flag("is_active", True),
    time("joined_at", null=True),
    flag("can_view_all_leads"),
    flag("can_manage_users"),
    flag("can_edit_lessons"),
    flag("can_push_to_live"),
    sa.Column("dataset_ids", sa.ARRAY(sa.Uuid()), nullable=True),
    sa.Column("location_ids", sa.ARRAY(sa.Uuid()), nullable=True),
    uuid("invited_by", null=True),
    time("last_login_at", null=True),
    time("created_at"),
    version(),
    sa.PrimaryKeyConstraint("account_id", "organization_id"),
    one_of("role", MEMBER_ROLES),
)
index("ix_memberships_organization", memberships.c.organization_id, memberships.c.account_id)

installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.Integer(), sa.CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    sa.Column(
        "first_organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="SET NULL"), nullable=True
    ),
    flag("is_set_up"),
    time("backed_up_at", null=True),
    time("restored_at", null=True),
)

# The accounts at providers that the environment names, for everybody; what fails there is nobody's own to mend.
installation_accounts = sa.Table(
    "installation_accounts",
    metadata,
    sa.Column("name", sa.Text(), primary_key=True),
    time("failing_since", null=True),
    time("noted_at"),
    text("error"),
)

routes = sa.Table(
    "routes",
    metadata,
    text("provider"),
    text("address"),
    sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    sa.Column("sources", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{settings}'")),
    sa.PrimaryKeyConstraint("provider", "address"),
)
index("ix_routes_organization", routes.c.organization_id)

# Outside tenancy: found by the hash of what somebody holds, before a tenant is known.
invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    sa.Column("token_hash", sa.LargeBinary(), nullable=False),
    uuid("invited_by"),
    text("first_name", default=""),
    text("last_name", null=True),
    text("phone", null=True),
    time("created_at"),
    time("expires_at"),
    time("ended_at", null=True),
)
index("uq_invitations_token", invitations.c.token_hash, unique=True)
index("ix_invitations_account", invitations.c.account_id, invitations.c.organization_id)
index("ix_invitations_organization", invitations.c.organization_id)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    text("name"),
    text("prefix"),
    sa.Column("key_hash", sa.LargeBinary(), nullable=False),
    sa.Column("permissions", sa.ARRAY(sa.Text()), nullable=False),
    sa.Column("dataset_ids", sa.ARRAY(sa.Uuid()), nullable=True),
    sa.Column("location_ids", sa.ARRAY(sa.Uuid()), nullable=True),
    uuid("created_by", null=True),
    time("created_at"),
    time("expires_at", null=True),
    time("last_used_at", null=True),
    time("revoked_at", null=True),
    version(),
)
index("uq_api_keys_hash", api_keys.c.key_hash, unique=True)
index("ix_api_keys_organization", api_keys.c.organization_id, api_keys.c.created_at, api_keys.c.id)

brands = tenant_table(
    "brands",
    text("name", sortable=True),
    text("logo_url", null=True),
    time("created_at"),
    version(),
    organization_key(),
)
index("uq_brands_name", brands.c.organization_id, brands.c.name, unique=True)

locations = tenant_table(
    "locations",
    uuid("brand_id"),
    text("name", sortable=True),
    text("address", null=True),
    text("city", null=True),
    text("postcode", null=True),
    text("country", null=True),
    text("time_zone", null=True),
    text("phone", null=True),
    text("email", null=True),
    flag("is_active", True),
    time("created_at"),
    version(),
    organization_key(),
    references("brand_id", "brands"),
)
index("uq_locations_name", locations.c.organization_id, locations.c.brand_id, locations.c.name, unique=True)
index("ix_locations_name", locations.c.organization_id, locations.c.name, locations.c.id)

integrations = tenant_table(
    "integrations",
    text("provider"),
    sa.Column("settings", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("credentials", sa.LargeBinary(), nullable=True),
    flag("is_active", True),
    time("last_tested_at", null=True),
    text("last_error", null=True),
    time("last_used_at", null=True),
    time("created_at"),
    version(),
    organization_key(),
    key=("organization_id", "provider"),
)

sms_gateways = tenant_table(
    "sms_gateways",
    uuid("account_id"),
    text("label"),
    text("gateway_url"),
    text("username"),
    sa.Column("password", sa.LargeBinary(), nullable=False),
    text("from_number"),
    flag("is_active", True),
    time("created_at"),
    version(),
    organization_key(),
    _member("CASCADE"),
)
index("uq_sms_gateways_account", sms_gateways.c.organization_id, sms_gateways.c.account_id, unique=True)
index("ix_sms_gateways_account", sms_gateways.c.account_id, sms_gateways.c.organization_id)

email_accounts = tenant_table(
    "email_accounts",
    text("email_address", sortable=True),
    text("display_name", null=True),
    uuid("account_id", null=True),
    time("created_at"),
    version(),
    organization_key(),
    _member("SET NULL (account_id)"),
)
index("uq_email_accounts_address", email_accounts.c.organization_id, email_accounts.c.email_address, unique=True)
index("uq_email_accounts_account", email_accounts.c.organization_id, email_accounts.c.account_id, unique=True)
index("ix_email_accounts_account", email_accounts.c.account_id, email_accounts.c.organization_id)

mails = tenant_table(
    "mails",
    text("kind"),
    uuid("subject"),
    text("to_address"),
    text("state", default="planned"),
    text("reason", null=True),
    text("account", null=True),
    text("provider_id", null=True),
    time("created_at"),
    time("handed_at", null=True),
    time("doubted_at", null=True),
    time("next_try_at", null=True),
    time("settled_at", null=True),
    organization_key(),
    one_of("state", ["planned", "handed", "accepted", "rejected", "unknown", "parked", "cancelled"]),
)
index("ix_mails_created", mails.c.organization_id, mails.c.created_at, mails.c.id)
index("ix_mails_state", mails.c.organization_id, mails.c.state, mails.c.created_at, mails.c.id)
index("uq_mails_subject", mails.c.organization_id, mails.c.kind, mails.c.subject, unique=True)
index(
    "ix_mails_open",
    mails.c.organization_id,
    mails.c.handed_at,
    mails.c.id,
    postgresql_where=mails.c.state.in_([sa.literal_column(f"'{state}'") for state in ("planned", "handed", "unknown")]),
)
