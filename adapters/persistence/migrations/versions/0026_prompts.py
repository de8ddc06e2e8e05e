"""Keep an organisation's own prompts, how they were tried and judged, and what followed the AI's messages."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from adapters.persistence.migrations.tenancy import protect

revision = "0026"
down_revision: str | None = "0025"
_TYPES = "prompt_type IN ('master', 'm1', 'm2', 'm3', 'reply')"
_OUTCOMES = "outcome IN ('better', 'same', 'worse')"
_FOLLOWED = ("replied", "positive", "booked", "opted_out", "settled")
_TABLES = ("prompts", "prompt_versions", "canaries", "evaluation_cases", "evaluations", "evaluation_answers")


def _id(name: str, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _time(name: str, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _text(name: str, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _number(name: str, default: int | None = None) -> sa.Column[int]:
    server_default = None if default is None else sa.text(str(default))
    return sa.Column(name, sa.BigInteger(), server_default=server_default, nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(), nullable=False)


def _version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)


def _of_organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id"), ondelete="CASCADE"
    )


def _references(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{target}.organization_id", f"{target}.id"],
        name=op.f(f"fk_{table}_organization_id_{column}"),
        ondelete="CASCADE",
    )


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("organization_id", *(columns or ("id",)), name=op.f(f"pk_{table}"))


def upgrade() -> None:
    """Take the step."""
    for name in _FOLLOWED:
        op.add_column("replies", sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("replies", _time("measured_at", null=True))
    op.create_index(
        "ix_replies_unsettled",
        "replies",
        ["organization_id", "created_at"],
        postgresql_where=sa.text("status = 'sent' AND NOT settled"),
    )
    op.create_table(
        "prompts",
        _id("organization_id"),
        _id("id"),
        _text("prompt_type"),
        _text("system_prompt"),
        _text("user_prompt_template", null=True),
        _id("drafted_by", null=True),
        _time("drafted_at", null=True),
        _number("live", 0),
        _number("latest", 0),
        _time("made_live_at", null=True),
        _version(),
        sa.CheckConstraint(_TYPES, name=op.f("ck_prompts_prompt_type")),
        _of_organization("prompts"),
        _key("prompts"),
        sa.UniqueConstraint("organization_id", "prompt_type", name=op.f("uq_prompts_organization_id_prompt_type")),
    )
    op.create_table(
        "prompt_versions",
        _id("organization_id"),
        _id("prompt_id"),
        _number("number"),
        _text("system_prompt"),
        _text("user_prompt_template", null=True),
        _json("lessons"),
        _json("left_out"),
        _id("made_by", null=True),
        _time("made_at"),
        _text("reason", null=True),
        _id("evaluation_id", null=True),
        _references("prompt_versions", "prompt_id", "prompts"),
        _key("prompt_versions", "prompt_id", "number"),
    )
    op.create_table(
        "canaries",
        _id("organization_id"),
        _id("id"),
        _id("prompt_id"),
        _text("prompt_type"),
        _number("number"),
        _number("baseline"),
        _number("share"),
        _number("hold_out", 0),
        _text("status"),
        sa.Column("is_open", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _time("started_at"),
        _id("started_by", null=True),
        _time("ended_at", null=True),
        _text("reason", null=True),
        _version(),
        sa.CheckConstraint(
            "status IN ('running', 'promoted', 'rolled_back', 'stopped')", name=op.f("ck_canaries_status")
        ),
        _references("canaries", "prompt_id", "prompts"),
        _key("canaries"),
    )
    op.create_index(
        "uq_canaries_open",
        "canaries",
        ["organization_id", "prompt_id"],
        unique=True,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("ix_canaries_started", "canaries", ["organization_id", "prompt_id", "started_at"])
    op.create_table(
        "evaluation_cases",
        _id("organization_id"),
        _id("id"),
        _id("conversation_id"),
        _id("lead_id", null=True),
        sa.Column("chosen", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _json("thread"),
        _id("created_by", null=True),
        _time("created_at"),
        _version(),
        _references("evaluation_cases", "conversation_id", "conversations"),
        _references("evaluation_cases", "lead_id", "leads"),
        _key("evaluation_cases"),
        sa.UniqueConstraint(
            "organization_id", "conversation_id", name=op.f("uq_evaluation_cases_organization_id_conversation_id")
        ),
    )
    op.create_index("ix_evaluation_cases_created", "evaluation_cases", ["organization_id", "created_at", "id"])
    op.create_index("ix_evaluation_cases_lead", "evaluation_cases", ["organization_id", "lead_id"])
    op.create_table(
        "evaluations",
        _id("organization_id"),
        _id("id"),
        _text("prompt_type"),
        _number("baseline"),
        _text("fingerprint"),
        _id("job_id"),
        sa.Column("case_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        *(_number(name, 0) for name in ("better", "same", "worse")),
        _text("outcome", null=True),
        _json("old"),
        _json("new"),
        _id("created_by", null=True),
        _time("created_at"),
        _time("ended_at", null=True),
        _version(),
        sa.CheckConstraint(_TYPES, name=op.f("ck_evaluations_prompt_type")),
        sa.CheckConstraint(_OUTCOMES, name=op.f("ck_evaluations_outcome")),
        _of_organization("evaluations"),
        _key("evaluations"),
    )
    op.create_index("ix_evaluations_created", "evaluations", ["organization_id", "created_at", "id"])
    op.create_table(
        "evaluation_answers",
        _id("organization_id"),
        _id("evaluation_id"),
        _id("case_id"),
        _text("outcome"),
        *(_number(name) for name in ("old_score", "new_score")),
        *(_text(name) for name in ("old_text", "new_text")),
        *(_json(name) for name in ("old_findings", "new_findings")),
        _number("cost_micros", 0),
        sa.CheckConstraint(_OUTCOMES, name=op.f("ck_evaluation_answers_outcome")),
        _references("evaluation_answers", "evaluation_id", "evaluations"),
        _references("evaluation_answers", "case_id", "evaluation_cases"),
        _key("evaluation_answers", "evaluation_id", "case_id"),
    )
    op.create_index("ix_evaluation_answers_case", "evaluation_answers", ["organization_id", "case_id"])
    protect(*_TABLES)


def downgrade() -> None:
    """Take it back."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_index("ix_replies_unsettled", table_name="replies")
    for name in (*_FOLLOWED, "measured_at"):
        op.drop_column("replies", name)
