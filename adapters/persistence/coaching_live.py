"""The prompt that a conversation is answered with: what is live, or what is being tried on it; never a draft."""

from typing import Any
from uuid import UUID

import msgspec

from adapters.persistence.coaching_prompts import version_of
from adapters.persistence.database import PostgresUnitOfWork
from application.messaging.reply_writing import Lesson
from application.messaging.reply_writing import Prompt as WritersPrompt
from domain.coaching.built_in import built_in
from domain.coaching.canary import Canary
from domain.coaching.prompt import BUILT_IN, PromptType, PromptVersion, Told, told
from domain.messaging import reply_prompt

_LIVE = """
SELECT p.id, p.prompt_type, p.live, to_jsonb(c) AS canary FROM prompts p
LEFT JOIN canaries c ON c.organization_id = $1 AND c.prompt_id = p.id AND c.is_open
WHERE p.organization_id = $1 AND p.prompt_type IN ('master', 'reply')
"""
_VERSION = """
SELECT number, system_prompt, user_prompt_template, lessons, left_out, made_by, made_at, reason, evaluation_id
FROM prompt_versions WHERE organization_id = $1 AND prompt_id = $2 AND number = $3
"""


class PostgresLivePrompt:
    """Be the `LivePrompt` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def live(self, conversation_id: UUID) -> WritersPrompt:
        """Give the prompt for a conversation: the master's words before those of answers."""
        rows = await self._uow.connection.fetch(_LIVE, self._uow.organization_id)
        found = {PromptType(row["prompt_type"]): row for row in rows}
        master = await self._chosen(PromptType.MASTER, found.get(PromptType.MASTER), conversation_id)
        special = await self._chosen(PromptType.REPLY, found.get(PromptType.REPLY), conversation_id)
        both = told(master, PromptType.REPLY, special)
        if master.number == special.number == BUILT_IN:
            return WritersPrompt(reply_prompt.VERSION, both.text)
        return prompt_of(both)

    async def _chosen(self, prompt_type: PromptType, row: Any, conversation_id: UUID) -> PromptVersion:
        if row is None:
            return built_in(prompt_type, reply_prompt.PROMPT)
        number = row["live"]
        if row["canary"] is not None:
            number = msgspec.json.decode(row["canary"], type=Canary).number_for(conversation_id)
        if number == BUILT_IN:
            return built_in(prompt_type, reply_prompt.PROMPT)
        found = await self._uow.connection.fetchrow(_VERSION, self._uow.organization_id, row["id"], number)
        return version_of(found)


def prompt_of(said: Told) -> WritersPrompt:
    """Give writers what two versions come to."""
    return WritersPrompt(
        said.label, said.text, [Lesson(one.id, one.text, one.trigger, one.say) for one in said.lessons]
    )
