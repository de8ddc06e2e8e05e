"""Keep what people teach the AI, and what followed where it was applied."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from adapters.persistence.migrations.tenancy import APP, grant, protect

revision = "0025"
down_revision: str | None = "0024"
_WORDS = (
    "to_tsvector('english', title || ' ' || description || ' ' || coalesce(trigger, '') || ' '"
    " || coalesce(correct_response, '') || ' ' || coalesce(incorrect_response, '') || ' ' || reasoning)"
)


def _lesson(table: str, scope: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lesson_type", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), server_default=sa.text(f"'{scope}'"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("title", "description")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("trigger", "correct_response", "incorrect_response")),
        sa.Column("reasoning", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("priority", sa.BigInteger(), server_default=sa.text("5"), nullable=False),
        sa.Column("example_conversation", postgresql.JSONB(), nullable=True),
        sa.Column("insight_id", sa.Uuid(), nullable=True),
        sa.Column("mutes", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), sa.Computed(_WORDS, persisted=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(f"scope IN ('{scope}')", name=op.f(f"ck_{table}_scope")),
        sa.CheckConstraint("status IN ('active', 'testing', 'archived')", name=op.f(f"ck_{table}_status")),
        sa.CheckConstraint("priority BETWEEN 1 AND 10", name=op.f(f"ck_{table}_priority")),
    ]


def _of_organization(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id"), ondelete="CASCADE"
        )
    ]


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "lessons",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *_lesson("lessons", "client_specific"),
        *_of_organization("lessons"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_lessons")),
    )
    op.create_index("ix_lessons_created", "lessons", ["organization_id", "created_at", "id"])
    op.create_index(
        "ix_lessons_mutes", "lessons", ["organization_id", "mutes"], postgresql_where=sa.text("mutes IS NOT NULL")
    )
    op.create_table(
        "platform_lessons",
        *_lesson("platform_lessons", "universal"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_lessons")),
    )
    op.create_table(
        "lesson_figures",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in ("applied", "succeeded", "replied", "positive", "booked", "opted_out")
        ),
        *_of_organization("lesson_figures"),
        sa.PrimaryKeyConstraint("organization_id", "lesson_id", name=op.f("pk_lesson_figures")),
    )
    protect("lessons", "lesson_figures")
    grant(APP, "SELECT, INSERT, UPDATE", "platform_lessons")


def downgrade() -> None:
    """Take it back."""
    op.drop_table("lesson_figures")
    op.drop_table("platform_lessons")
    op.drop_table("lessons")
