"""What is due for review, the threads that are reviewed, what they scored and what it cost."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.persistence.coaching_authors import author_of
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.model_access import own_access
from adapters.persistence.model_spending import InstallationBudget, day_budget, dollars, spent_since
from adapters.persistence.visibility import LeadVisibility
from application.coaching.lessons import LessonStore
from application.coaching.reviewed import Means, ReviewRecord, UnderReview
from application.coaching.reviewing import KnownInsight, ReviewTask, Taught
from application.identity.secrets import Secrets
from domain.coaching.finding import ReviewedMessage
from domain.coaching.judgement import Judged
from domain.coaching.lesson import Lesson
from domain.coaching.review import LONGEST_WAIT, SETTLES
from domain.kernel import NotFound

MOST_MESSAGES = 60
MOST_INSIGHTS = 40
MOST_LESSONS = 40
UNASKED = 0.5
"""The part of the day's budget that reviews and patterns may take where nothing is said: the rest is for answers."""
_TODAY = "date_trunc('day', business_now(), o.time_zone)"
_MEANS = f"""
SELECT o.settings, business_now() AS now,
       (date_trunc('day', business_now() AT TIME ZONE o.time_zone) + interval '1 day') AT TIME ZONE o.time_zone
         AS tomorrow,
       (date_trunc('day', business_now() AT TIME ZONE o.time_zone - interval '3 hours') + interval '27 hours')
         AT TIME ZONE o.time_zone AS night,
       (SELECT coalesce(sum(cost_micros), 0)::bigint FROM reviews
        WHERE organization_id = $1 AND created_at >= {_TODAY})
       + (SELECT coalesce(sum(cost_micros), 0)::bigint FROM model_calls
          WHERE organization_id = $1 AND created_at >= {_TODAY} AND purpose = 'patterns') AS spent_unasked,
       {spent_since(_TODAY)} AS spent
FROM organizations o WHERE o.organization_id = $1
"""  # noqa: S608 - our own tables
_MOVED_BY = """
SELECT DISTINCT conversation_id FROM messages
WHERE organization_id = $1 AND id = ANY ($2) AND category IN ('ai_response', 'human_manual')
"""
# Due once it is still, or at the latest when the first thing that moved it has waited long enough.
_EXPECT = """
INSERT INTO reviewed_conversations AS r (organization_id, conversation_id, due_at, waiting_since)
SELECT $1, c.id, $3::timestamptz + $4::interval, $3 FROM conversations c
WHERE c.organization_id = $1 AND c.id = ANY ($2) ORDER BY c.id
ON CONFLICT (organization_id, conversation_id) DO UPDATE SET
  waiting_since = coalesce(r.waiting_since, excluded.waiting_since),
  due_at = least(excluded.due_at, coalesce(r.waiting_since, excluded.waiting_since) + $5::interval), failures = 0
RETURNING due_at
"""
_TAKE_DUE = """
WITH due AS (
  SELECT conversation_id FROM reviewed_conversations WHERE organization_id = $1 AND due_at <= $2
  ORDER BY due_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE reviewed_conversations r SET due_at = NULL, waiting_since = NULL FROM due
WHERE r.organization_id = $1 AND r.conversation_id = due.conversation_id RETURNING r.conversation_id
"""
_COUNT_DUE = """
SELECT count(*) FROM (SELECT FROM reviewed_conversations
WHERE organization_id = $1 AND due_at <= business_now() LIMIT $2) due
"""
_PUT_OFF = """
UPDATE reviewed_conversations r SET due_at = least(coalesce(r.due_at, $3), $3), failures = $4,
  reviewed_to = CASE WHEN $3::timestamptz IS NULL THEN c.last_message_at ELSE r.reviewed_to END
FROM conversations c
WHERE r.organization_id = $1 AND r.conversation_id = $2 AND c.organization_id = $1 AND c.id = r.conversation_id
"""
# A thread in which only a campaign spoke is looked at when somebody answers.
_MOVED = """
WITH moved AS (
  SELECT c.id FROM conversations c LEFT JOIN reviewed_conversations r
    ON r.organization_id = $1 AND r.conversation_id = c.id
  WHERE c.organization_id = $1 AND c.last_message_at >= $2 AND r.due_at IS NULL
    AND (r.reviewed_to IS NULL OR r.reviewed_to < c.last_message_at)
    AND EXISTS (SELECT FROM messages m WHERE m.organization_id = $1 AND m.conversation_id = c.id
                AND (m.direction = 'inbound' OR m.category IN ('ai_response', 'human_manual')))
  ORDER BY c.last_message_at LIMIT $4
)
INSERT INTO reviewed_conversations AS r (organization_id, conversation_id, due_at, waiting_since)
SELECT $1, id, $3, $3 FROM moved ORDER BY id
ON CONFLICT (organization_id, conversation_id) DO UPDATE SET due_at = coalesce(r.due_at, $3)
"""
_HEAD = """
SELECT o.name AS organization, o.settings, c.lead_id, c.last_message_at, contact.first_name, contact.last_name,
       contact.company_name, own.credentials, own.settings ->> 'model' AS model, coalesce(r.failures, 0) AS failures
FROM conversations c JOIN organizations o ON o.organization_id = $1
JOIN contacts contact ON contact.organization_id = $1 AND contact.id = c.contact_id
LEFT JOIN reviewed_conversations r ON r.organization_id = $1 AND r.conversation_id = c.id
LEFT JOIN integrations own ON own.organization_id = $1 AND own.provider = 'anthropic' AND own.is_active
WHERE c.organization_id = $1 AND c.id = $2
"""
# A campaign's text is read where it left, once it did; fixed wordings are nobody's to judge.
_MESSAGES = f"""
SELECT m.id, {author_of("m")} AS by, s.natural_key, m.body, coalesce(m.sent_at, m.created_at) AS at
FROM messages m LEFT JOIN sends s ON s.organization_id = $1 AND s.id = m.id
WHERE m.organization_id = $1 AND m.conversation_id = $2
  AND m.status NOT IN ('refused', 'cancelled', 'draft', 'failed')
  AND (m.status <> 'pending' OR s.purpose <> 'campaign')
  AND (m.direction = 'inbound' OR m.category IN ('ai_response', 'human_manual') OR s.purpose = 'campaign')
ORDER BY coalesce(m.sent_at, m.created_at) DESC, (m.direction = 'outbound') DESC, m.id DESC LIMIT $3
"""  # noqa: S608 - our own words
_WRITTEN_WITH = """
SELECT id, answers_id, prompt_version, lessons FROM replies
WHERE organization_id = $1 AND conversation_id = $2 AND status = 'sent'
"""
_KNOWN = """
SELECT id, title FROM insights WHERE organization_id = $1
AND (status IN ('pending', 'viewed', 'taught_sophie') OR decided_at >= business_now() - interval '30 days')
ORDER BY raised_at DESC, id LIMIT $2
"""
_TAUGHT = """
SELECT i.title, l.description AS why FROM lessons l
JOIN insights i ON i.organization_id = $1 AND i.id = l.insight_id
WHERE l.organization_id = $1 AND l.mutes IS NOT NULL AND l.status = 'active' ORDER BY l.created_at DESC LIMIT $2
"""
_VISIBLE = """
SELECT c.id FROM conversations c LEFT JOIN leads l ON l.organization_id = $1 AND l.id = c.lead_id
WHERE c.organization_id = $1 AND c.id = $2 AND """
_CONVERSATION_OF = """
SELECT m.conversation_id FROM messages m LEFT JOIN leads l ON l.organization_id = $1 AND l.id = m.lead_id
WHERE m.organization_id = $1 AND m.id = $2 AND """
_RECORD = """
INSERT INTO reviews (organization_id, id, conversation_id, asked_by, status, fault, score, findings, model,
  input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
_SCORES = """
INSERT INTO message_scores (organization_id, message_id, conversation_id, score, prompt_version, lesson_ids, scored_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (organization_id, message_id) DO UPDATE SET score = excluded.score, scored_at = excluded.scored_at
"""
_SCORE = """
INSERT INTO reviewed_conversations AS r (organization_id, conversation_id, reviewed_to, score)
VALUES ($1, $2, $3, $4)
ON CONFLICT (organization_id, conversation_id) DO UPDATE SET reviewed_to = excluded.reviewed_to,
  score = excluded.score, failures = 0,
  due_at = CASE WHEN (SELECT last_message_at FROM conversations WHERE organization_id = $1 AND id = $2) > $3
           THEN r.due_at END
"""


class PostgresReviews:
    """Be the `ReviewStore` of the open unit of work."""

    def __init__(
        self,
        uow: PostgresUnitOfWork,
        secrets: Secrets,
        visibility: LeadVisibility,
        lessons: LessonStore,
        standard: InstallationBudget,
    ) -> None:
        self._lessons = lessons
        self._uow = uow
        self._secrets = secrets
        self._visibility = visibility
        self._standard = standard

    async def means(self) -> Means:
        """Tell whether reviews are wanted and paid for."""
        row = await self._fetchrow(_MEANS)
        free = msgspec.json.decode(row["settings"])
        budget = day_budget(free, self._standard)
        unasked = dollars(free, "coach_daily_budget_usd", None if budget is None else round(budget * UNASKED))
        spent = (budget is not None and row["spent"] >= budget) or (
            unasked is not None and row["spent_unasked"] >= unasked
        )
        return Means(
            wanted=free.get("coach_reviews") is not False,
            spent=spent,
            again_at=row["tomorrow"],
            now=row["now"],
            night_at=row["night"],
        )

    async def moved_by(self, message_ids: Iterable[UUID]) -> list[UUID]:
        """Name the conversations in which the AI or a person wrote."""
        return [row["conversation_id"] for row in await self._fetch(_MOVED_BY, list(message_ids))]

    async def expect(self, conversation_ids: Iterable[UUID], at: datetime, *, now: bool = False) -> datetime | None:
        """Let conversations fall due."""
        settles = SETTLES * 0 if now else SETTLES
        rows = await self._fetch(_EXPECT, list(conversation_ids), at, settles, LONGEST_WAIT)
        return min((row["due_at"] for row in rows), default=None)

    async def count_due(self, limit: int) -> int:
        """Count what is due."""
        return int(await self._fetchval(_COUNT_DUE, limit))

    async def take_due(self, limit: int, at: datetime) -> list[UUID]:
        """Give what is due, and let it be due no more."""
        return [row["conversation_id"] for row in await self._fetch(_TAKE_DUE, at, limit)]

    async def next_due(self) -> datetime | None:
        """Tell when the next one is due."""
        found: datetime | None = await self._fetchval(
            "SELECT min(due_at) FROM reviewed_conversations WHERE organization_id = $1 AND due_at IS NOT NULL"
        )
        return found

    async def put_off(self, conversation_id: UUID, until: datetime | None, failures: int) -> None:
        """Let a conversation be due later, or not until it moves again."""
        await self._execute(_PUT_OFF, conversation_id, until, failures)

    async def let_moved_fall_due(self, since: datetime, at: datetime, limit: int) -> int:
        """Let what moved and was missed fall due."""
        return int((await self._execute(_MOVED, since, at, limit)).rpartition(" ")[2])

    async def read(self, conversation_id: UUID) -> UnderReview | None:
        """Read a conversation for review."""
        head = await self._fetchrow(_HEAD, conversation_id)
        rows = [] if head is None else await self._fetch(_MESSAGES, conversation_id, MOST_MESSAGES + 1)
        if head is None or all(row["by"] == "lead" for row in rows):
            return None
        said = list(reversed(rows[:MOST_MESSAGES]))
        written_with = await self._written_with(conversation_id)
        task = ReviewTask(
            organization=head["organization"],
            messages=[_message(row, written_with) for row in said],
            names=[name for name in (head["first_name"], head["last_name"], head["company_name"]) if name],
            facts=facts_of(msgspec.json.decode(head["settings"])),
            lessons=[one.instruction for one in await self._active_lessons()],
            taught=[Taught(**dict(row)) for row in await self._fetch(_TAUGHT, MOST_LESSONS)],
            insights=[KnownInsight(row["id"], row["title"]) for row in await self._fetch(_KNOWN, MOST_INSIGHTS)],
            begins=len(rows) <= MOST_MESSAGES,
            access=own_access(self._secrets, head["credentials"], head["model"]),
        )
        return UnderReview(
            conversation_id=conversation_id,
            lead_id=head["lead_id"],
            task=task,
            last_at=head["last_message_at"],
            failures=head["failures"],
        )

    async def _active_lessons(self) -> Sequence[Lesson]:
        """Give what our messages should follow, but what teaches the coach itself."""
        return [one for one in await self._lessons.active() if one.mutes is None][:MOST_LESSONS]

    async def _written_with(self, conversation_id: UUID) -> Mapping[str, Any]:
        """Map a message's id, or what its ledger row is called, to what the AI wrote it with."""
        rows = await self._fetch(_WRITTEN_WITH, conversation_id)
        return {f"reply:{row['answers_id']}": row for row in rows} | {str(row["id"]): row for row in rows}

    async def require_visible(self, conversation_id: UUID) -> None:
        """Refuse what the actor may not see."""
        condition, parameters = self._visibility.sql("l", first=3)
        if await self._fetchval(f"{_VISIBLE}{condition}", conversation_id, *parameters) is None:
            raise NotFound("There is no such conversation.")

    async def conversation_of(self, message_id: UUID) -> UUID:
        """Name the conversation of a message that the actor may see."""
        condition, parameters = self._visibility.sql("l", first=3)
        found: UUID | None = await self._fetchval(f"{_CONVERSATION_OF}{condition}", message_id, *parameters)
        if found is None:
            raise NotFound("There is no such message.")
        return found

    async def hold(self, under: UnderReview) -> None:
        """Share-lock lead and conversation, in the order in which an erasure locks them."""
        if under.lead_id is not None and not await self._fetchval(
            "SELECT true FROM leads WHERE organization_id = $1 AND id = $2 FOR KEY SHARE", under.lead_id
        ):
            raise NotFound("There is no such lead any more.")
        if not await self._fetchval(
            "SELECT true FROM conversations WHERE organization_id = $1 AND id = $2 FOR KEY SHARE",
            under.conversation_id,
        ):
            raise NotFound("There is no such conversation any more.")

    async def record(self, record: ReviewRecord, at: datetime) -> None:
        """Write down one call of the reviewer."""
        usage = record.usage
        await self._execute(
            _RECORD,
            record.id,
            record.conversation_id,
            record.asked_by,
            record.status,
            record.fault,
            record.score,
            record.findings,
            usage.model,
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.cost_micros,
            usage.latency_ms,
            at,
        )

    async def score(self, under: UnderReview, judged: Judged, at: datetime) -> None:
        """Write the scores."""
        by_id = {message.id: message for message in under.task.messages}
        rows = [
            (self._uow.organization_id, message_id, under.conversation_id, score, by_id[message_id].prompt_version,
             list(by_id[message_id].lesson_ids), at)
            for message_id, score in sorted(judged.scores.items())
        ]  # fmt: skip
        await self._uow.connection.executemany(_SCORES, rows)
        await self._execute(_SCORE, under.conversation_id, under.last_at, judged.score)

    async def _fetch(self, statement: str, *values: Any) -> list[Any]:
        return list(await self._uow.connection.fetch(statement, self._uow.organization_id, *values))

    async def _fetchrow(self, statement: str, *values: Any) -> Any:
        return await self._uow.connection.fetchrow(statement, self._uow.organization_id, *values)

    async def _fetchval(self, statement: str, *values: Any) -> Any:
        return await self._uow.connection.fetchval(statement, self._uow.organization_id, *values)

    async def _execute(self, statement: str, *values: Any) -> str:
        return str(await self._uow.connection.execute(statement, self._uow.organization_id, *values))


def facts_of(settings: Mapping[str, Any]) -> Sequence[str]:
    """Give the facts of the business that stand in an organisation's free settings, a line each."""
    facts = settings.get("ai_facts")
    return [line for line in facts.splitlines() if line.strip()][:100] if isinstance(facts, str) else ()


def _message(row: Any, written_with: Mapping[str, Any]) -> ReviewedMessage:
    reply = written_with.get(str(row["id"])) or written_with.get(row["natural_key"] or "")
    return ReviewedMessage(
        id=row["id"],
        by=row["by"],
        text=row["body"],
        at=row["at"],
        prompt_version=None if reply is None else reply["prompt_version"],
        lesson_ids=() if reply is None else tuple(reply["lessons"]),
    )
