"""Keep what the coach has to review, what it found, and what shows it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import protect

revision = "0028"
down_revision: str | None = "0027"
_TABLES = ("reviewed_conversations", "reviews", "message_scores", "patterns", "insights", "insight_evidence")


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null, server_default=default)


def _uuid(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _time(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _number(name: str, *, null: bool = False, default: int | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(str(default))
    return sa.Column(name, sa.BigInteger(), nullable=null, server_default=server_default)


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{target}.organization_id", f"{target}.id"],
        name=op.f(f"fk_{table}_organization_id_{column}"),
        ondelete="CASCADE",
    )


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))


def _make(table: str, *parts: Any, key: str = "id") -> None:
    own = [_uuid("id")] if key == "id" else []
    op.create_table(
        table,
        _uuid("organization_id"),
        *own,
        *parts,
        sa.PrimaryKeyConstraint("organization_id", key, name=op.f(f"pk_{table}")),
    )


def _index(table: str, name: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{name}", table, ["organization_id", *columns])


def upgrade() -> None:
    """Take the step."""
    _make(
        "reviewed_conversations",
        _uuid("conversation_id"),
        _time("due_at", null=True),
        _time("waiting_since", null=True),
        _number("failures", default=0),
        _time("reviewed_to", null=True),
        _number("score", null=True),
        _points("reviewed_conversations", "conversation_id", "conversations"),
        key="conversation_id",
    )
    op.create_index(
        "ix_reviewed_conversations_due",
        "reviewed_conversations",
        ["organization_id", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    _make(
        "reviews",
        _uuid("conversation_id"),
        _uuid("asked_by", null=True),
        _text("status"),
        _text("fault", null=True),
        _number("score", null=True),
        _number("findings", default=0),
        _text("model"),
        *map(_number, ("input_tokens", "output_tokens", "cached_tokens", "cost_micros", "latency_ms")),
        _time("created_at"),
        _points("reviews", "conversation_id", "conversations"),
        _one_of("reviews", "status", "done", "failed"),
    )
    _index("reviews", "conversation", "conversation_id", "created_at")
    _index("reviews", "created", "created_at")
    _make(
        "message_scores",
        _uuid("message_id"),
        _uuid("conversation_id"),
        _number("score"),
        _text("prompt_version", null=True),
        sa.Column("lesson_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        _time("scored_at"),
        _points("message_scores", "message_id", "messages"),
        _points("message_scores", "conversation_id", "conversations"),
        key="message_id",
    )
    _index("message_scores", "conversation", "conversation_id")
    _patterns()
    _insights()
    protect(*_TABLES)


def _patterns() -> None:
    table = "patterns"
    _make(
        table,
        _uuid("dataset_id", null=True),
        *map(_text, ("step", "feature")),
        *map(_number, ("occurrences", "successes", "others", "other_successes")),
        sa.Column("p_value", sa.Float(), nullable=False),
        _text("action"),
        _uuid("insight_id", null=True),
        _number("cost_micros", default=0),
        _time("created_at"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id"), ondelete="CASCADE"
        ),
        _points(table, "dataset_id", "datasets"),
        _one_of(table, "step", "opening", "answer"),
        _one_of(table, "action", "adopt", "avoid", "test_more"),
    )
    _index(table, "created", "created_at", "id")
    _index(table, "dataset", "dataset_id", "created_at")


def _insights() -> None:
    _make(
        "insights",
        _text("rule"),
        sa.Column("fingerprint", sa.Text(collation="C"), nullable=False),
        *map(_text, ("title", "category", "severity")),
        _text("status", default="pending"),
        _number("affected_leads", default=0),
        _time("created_at"),
        _time("raised_at"),
        _time("viewed_at", null=True),
        _time("decided_at", null=True),
        _uuid("decided_by", null=True),
        _text("note", null=True),
        _uuid("lesson_id", null=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_insights_organization_id"), ondelete="CASCADE"
        ),
        _one_of("insights", "category", "compliance", "accuracy", "tone", "grammar", "strategy"),
        _one_of("insights", "severity", "critical", "urgent", "warning", "suggestion", "info"),
        _one_of("insights", "status", "pending", "viewed", "approved_and_learned", "taught_sophie", "dismissed"),
    )
    _index("insights", "created", "created_at", "id")
    _index("insights", "raised", "raised_at", "id")
    _index("insights", "status_created", "status", "created_at", "id")
    _index("insights", "fingerprint", "fingerprint")
    op.create_index(
        "uq_insights_open",
        "insights",
        ["organization_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("status IN ('pending', 'viewed')"),
    )
    table = "insight_evidence"
    _make(
        table,
        *map(_uuid, ("insight_id", "conversation_id", "message_id")),
        _uuid("lead_id", null=True),
        _uuid("review_id", null=True),
        *map(_text, ("words", "description", "suggestion")),
        _text("suggested_text", null=True),
        _time("created_at"),
        _points(table, "insight_id", "insights"),
        _points(table, "conversation_id", "conversations"),
        _points(table, "message_id", "messages"),
        _points(table, "lead_id", "leads"),
        sa.UniqueConstraint(
            "organization_id",
            "insight_id",
            "message_id",
            name=op.f(f"uq_{table}_organization_id_insight_id_message_id"),
        ),
    )
    _index(table, "insight", "insight_id", "id")
    for column in ("conversation_id", "message_id", "lead_id"):
        _index(table, column.removesuffix("_id"), column)


def downgrade() -> None:
    """Take it back; what the coach found is lost, what was said stays."""
    for table in reversed(_TABLES):
        op.drop_table(table)
