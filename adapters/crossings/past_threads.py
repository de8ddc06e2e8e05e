"""The coach reads messaging's threads, as far as the actor may see them, and freezes them as they stand."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from adapters.persistence.coaching_authors import author_of
from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.visibility import LeadVisibility
from application.coaching.evaluation_ports import PastMessage, PastThread
from application.messaging.answering import Background, ReplyStore
from application.messaging.conversations import ConversationStore
from application.messaging.outreach import Parties
from domain.kernel import Conflict, NotFound
from domain.messaging.conversation import Conversation

MOST_MESSAGES = 30
RECENT = 5_000
"""Among how many of the latest messages a sample is drawn: more would read all that an organisation ever wrote."""
# What a lead wrote last ends a case: it is answered, and what we said to it then is not shown. A touch answers nothing.
_MESSAGES = f"""
SELECT m.id, {author_of("m")} AS by, m.body, m.created_at FROM messages m
WHERE m.organization_id = $1 AND m.conversation_id = $2
  AND m.status NOT IN ('refused', 'cancelled', 'draft', 'failed')
  AND NOT (m.direction = 'outbound' AND m.category IN ('help', 'opt_in', 'opt_out_confirmation'))
  AND ($4 OR m.created_at <= (SELECT max(created_at) FROM messages
                              WHERE organization_id = $1 AND conversation_id = $2 AND direction = 'inbound'))
ORDER BY m.created_at DESC, (m.direction = 'outbound') DESC, m.id DESC LIMIT $3
"""  # noqa: S608 - our own words
_SAMPLE = """
SELECT t.id FROM (
  SELECT DISTINCT conversation_id FROM (
    SELECT conversation_id, direction FROM messages WHERE organization_id = $1
    ORDER BY created_at DESC, id DESC LIMIT {recent}
  ) AS latest WHERE direction = 'inbound'
) AS wrote
JOIN conversations t ON t.organization_id = $1 AND t.id = wrote.conversation_id AND t.channel = 'sms'
JOIN leads l ON l.organization_id = $1 AND l.id = t.lead_id
WHERE NOT EXISTS (SELECT FROM evaluation_cases c WHERE c.organization_id = $1 AND c.conversation_id = t.id)
  AND {visible}
ORDER BY sha256(t.id::text::bytea), t.id LIMIT $2
"""


class ThreadsForCoaching:
    """Be the coach's `PastThreads`."""

    def __init__(
        self,
        uow: PostgresUnitOfWork,
        conversations: ConversationStore,
        parties: Parties,
        replies: ReplyStore,
        visibility: LeadVisibility,
    ) -> None:
        self._uow = uow
        self._conversations = conversations
        self._parties = parties
        self._replies = replies
        self._visibility = visibility

    async def of(self, conversation_id: UUID) -> tuple[UUID | None, PastThread]:
        """Give a thread that may be seen, and its lead."""
        if await self._conversations.thread(conversation_id) is None:
            raise NotFound("There is no such conversation.")
        thread = await self._conversations.get(conversation_id)
        return thread.lead_id, await self._frozen(thread)

    async def of_lead(self, lead_id: UUID) -> PastThread:
        """Give the thread with a lead that may be seen."""
        party = await self._parties.of_lead(lead_id)
        found = await self._conversations.find_with(party.contact_id, "sms")
        if found is None or await self._conversations.thread(found.id) is None:
            raise NotFound("There is no conversation with this lead.")
        return await self._frozen(found)

    async def before_touch(self, lead_id: UUID) -> PastThread:
        """Give what a touch is written from: all of the thread, if there is one."""
        party = await self._parties.of_lead(lead_id)
        found = await self._conversations.find_with(party.contact_id, "sms")
        if found is not None and await self._conversations.thread(found.id) is None:
            raise NotFound("You do not see the conversation that this text would be part of.")
        background = await self._replies.background_of(party.contact_id, lead_id)
        rows = [] if found is None else await self._said(found.id, to_its_end=True)
        return replace(_past(background, rows), now=background.now)

    async def sample(self, limit: int) -> Sequence[UUID]:
        """Name conversations that may be seen, in an order that is chance and yet always the same."""
        visible, parameters = self._visibility.sql("l", 3)
        rows = await self._uow.connection.fetch(
            _SAMPLE.format(visible=visible, recent=RECENT), self._uow.organization_id, max(limit, 0), *parameters
        )
        return [row["id"] for row in rows]

    async def _frozen(self, thread: Conversation) -> PastThread:
        background = await self._replies.background(thread)
        rows = await self._said(thread.id, to_its_end=False)
        if not rows:
            raise Conflict("The lead has not written in this conversation: there is nothing to answer.")
        return _past(background, rows)

    async def _said(self, thread_id: UUID, *, to_its_end: bool) -> list[Any]:
        latest = await self._uow.connection.fetch(
            _MESSAGES, self._uow.organization_id, thread_id, MOST_MESSAGES, to_its_end
        )
        return list(reversed(latest))


def _past(background: Background, rows: Sequence[Any]) -> PastThread:
    return PastThread(
        organization=background.organization,
        locale=background.locale,
        messages=tuple(_message(row) for row in rows),
        lead=tuple(background.lead),
        first_name=background.first_name,
        product=background.product,
        facts=tuple(line for line in background.settings.facts.splitlines() if line.strip()),
        threshold=background.settings.threshold,
        most_segments=background.settings.most_segments,
    )


def _message(row: Any) -> PastMessage:
    return PastMessage(row["id"], row["by"], row["body"], row["created_at"])
