"""Organisations, accounts, memberships, routes."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.schema.tenancy import flag, index, metadata, number, one_of, text, time, uuid, version
from domain.identity.role import Role

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
    flag("can_view_all_leads"),
    sa.Column("dataset_ids", sa.ARRAY(sa.Uuid()), nullable=True),
    uuid("invited_by", null=True),
    time("created_at"),
    sa.PrimaryKeyConstraint("account_id", "organization_id"),
    one_of("role", list(Role)),
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
)

routes = sa.Table(
    "routes",
    metadata,
    text("provider"),
    text("address"),
    sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    sa.PrimaryKeyConstraint("provider", "address"),
)
index("ix_routes_organization", routes.c.organization_id)
