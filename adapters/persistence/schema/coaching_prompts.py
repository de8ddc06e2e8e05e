"""What the AI is told, how that was tried and judged."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.schema.tenancy import (
    flag,
    index,
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
from domain.coaching.canary import CanaryStatus
from domain.coaching.evaluation import Outcome
from domain.coaching.prompt import PromptType

prompts = tenant_table(
    "prompts",
    text("prompt_type"),
    text("system_prompt"),
    text("user_prompt_template", null=True),
    uuid("drafted_by", null=True),
    time("drafted_at", null=True),
    number("live", default=0),
    number("latest", default=0),
    time("made_live_at", null=True),
    version(),
    organization_key(),
    sa.UniqueConstraint("organization_id", "prompt_type"),
    one_of("prompt_type", list(PromptType)),
)

# What was told under a number is never changed: messages remember the number alone.
prompt_versions = tenant_table(
    "prompt_versions",
    uuid("prompt_id"),
    number("number"),
    text("system_prompt"),
    text("user_prompt_template", null=True),
    sa.Column("lessons", JSONB(), nullable=False),
    sa.Column("left_out", JSONB(), nullable=False),
    uuid("made_by", null=True),
    time("made_at"),
    text("reason", null=True),
    uuid("evaluation_id", null=True),
    references("prompt_id", "prompts", ondelete="CASCADE"),
    key=("organization_id", "prompt_id", "number"),
)

canaries = tenant_table(
    "canaries",
    uuid("prompt_id"),
    text("prompt_type"),
    number("number"),
    number("baseline"),
    number("share"),
    number("hold_out", default=0),
    text("status"),
    flag("is_open", True),
    time("started_at"),
    uuid("started_by", null=True),
    time("ended_at", null=True),
    time("closed_at", null=True),
    text("reason", null=True),
    time("baseline_since", null=True),
    version(),
    references("prompt_id", "prompts", ondelete="CASCADE"),
    one_of("status", list(CanaryStatus)),
)
index(
    "uq_canaries_open",
    canaries.c.organization_id,
    canaries.c.prompt_id,
    unique=True,
    postgresql_where=canaries.c.is_open,
)
index("ix_canaries_started", canaries.c.organization_id, canaries.c.prompt_id, canaries.c.started_at)

# Past conversations as they stood when they were chosen; they go with the conversation.
evaluation_cases = tenant_table(
    "evaluation_cases",
    uuid("conversation_id"),
    uuid("lead_id", null=True),
    flag("chosen"),
    sa.Column("thread", JSONB(), nullable=False),
    uuid("created_by", null=True),
    time("created_at"),
    version(),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    references("lead_id", "leads", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "conversation_id"),
)
index(
    "ix_evaluation_cases_created",
    evaluation_cases.c.organization_id,
    evaluation_cases.c.created_at,
    evaluation_cases.c.id,
)
index("ix_evaluation_cases_lead", evaluation_cases.c.organization_id, evaluation_cases.c.lead_id)

evaluations = tenant_table(
    "evaluations",
    text("prompt_type"),
    number("baseline"),
    text("fingerprint"),
    uuid("job_id"),
    sa.Column("case_ids", sa.ARRAY(sa.Uuid()), nullable=False),
    *(number(name, default=0) for name in ("better", "same", "worse")),
    text("outcome", null=True),
    sa.Column("left_out", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("old", JSONB(), nullable=False),
    sa.Column("new", JSONB(), nullable=False),
    uuid("created_by", null=True),
    time("created_at"),
    time("ended_at", null=True),
    version(),
    organization_key(),
    one_of("prompt_type", list(PromptType)),
    one_of("outcome", list(Outcome)),
)
index("ix_evaluations_created", evaluations.c.organization_id, evaluations.c.created_at, evaluations.c.id)

evaluation_answers = tenant_table(
    "evaluation_answers",
    uuid("evaluation_id"),
    uuid("case_id"),
    text("outcome"),
    *(number(name) for name in ("old_score", "new_score")),
    *(text(name) for name in ("old_text", "new_text")),
    *(sa.Column(name, JSONB(), nullable=False) for name in ("old_findings", "new_findings")),
    number("cost_micros", default=0),
    references("evaluation_id", "evaluations", ondelete="CASCADE"),
    references("case_id", "evaluation_cases", ondelete="CASCADE"),
    one_of("outcome", list(Outcome)),
    key=("organization_id", "evaluation_id", "case_id"),
)
index("ix_evaluation_answers_case", evaluation_answers.c.organization_id, evaluation_answers.c.case_id)
