"""What the AI was taught, and what followed."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from adapters.persistence.schema.tenancy import (
    index,
    metadata,
    number,
    one_of,
    organization_key,
    tenant_table,
    text,
    time,
    uuid,
    version,
)
from domain.coaching.lesson import LessonScope, LessonStatus

LESSON_WORDS = (
    "to_tsvector('english', title || ' ' || description || ' ' || coalesce(trigger, '') || ' '"
    " || coalesce(correct_response, '') || ' ' || coalesce(incorrect_response, '') || ' ' || reasoning)"
)


def _lesson(scope: LessonScope) -> list[sa.schema.SchemaItem]:
    return [
        text("lesson_type"),
        text("scope", default=scope),
        text("status", default=LessonStatus.ACTIVE),
        text("title"),
        text("description"),
        text("trigger", null=True),
        text("correct_response", null=True),
        text("incorrect_response", null=True),
        text("reasoning", default=""),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        number("priority", default=5),
        sa.Column("example_conversation", JSONB(), nullable=True),
        sa.Column("accepted_clashes", JSONB(), nullable=False, server_default=sa.text("'[]'")),
        uuid("insight_id", null=True),
        text("mutes", null=True),
        uuid("created_by", null=True),
        time("created_at"),
        time("updated_at"),
        sa.Column("words", TSVECTOR(), sa.Computed(LESSON_WORDS, persisted=True), nullable=False),
        version(),
        one_of("scope", [scope]),
        one_of("status", list(LessonStatus)),
        sa.CheckConstraint("priority BETWEEN 1 AND 10", name="priority"),
    ]


# Some hundreds an organisation: they are found by the organisation, and looked through by their words.
lessons = tenant_table("lessons", *_lesson(LessonScope.CLIENT_SPECIFIC), organization_key())
index("ix_lessons_created", lessons.c.organization_id, lessons.c.created_at, lessons.c.id)
index(
    "ix_lessons_mutes",
    lessons.c.organization_id,
    lessons.c.mutes,
    postgresql_where=lessons.c.mutes.is_not(None),
)

platform_lessons = sa.Table(
    "platform_lessons",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    *_lesson(LessonScope.UNIVERSAL),
)

# To how many messages a lesson was applied, in how many conversations, and in how many of those what followed; of one
# organisation, also where the lesson is everybody's.
lesson_figures = tenant_table(
    "lesson_figures",
    uuid("lesson_id"),
    *(
        number(name, default=0)
        for name in ("applied", "conversations", "succeeded", "replied", "positive", "booked", "opted_out")
    ),
    organization_key(),
    key=("organization_id", "lesson_id"),
)
