"""The prompt that a lead is written to with: what is live, or what is being tried on them; never a draft."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.persistence.coaching_prompts import LIVE_SINCE, version_of
from adapters.persistence.database import PostgresUnitOfWork
from application.messaging.reply_writing import Lesson
from application.messaging.reply_writing import Prompt as WritersPrompt
from domain.coaching.built_in import built_in
from domain.coaching.canary import Canary
from domain.coaching.prompt import BUILT_IN, PromptType, Standing, Told, beside, told
from domain.messaging import reply_prompt

_LIVE = f"""
SELECT p.id, p.prompt_type, p.live, {LIVE_SINCE} AS since, to_jsonb(c) AS canary FROM prompts p
LEFT JOIN canaries c ON c.organization_id = $1 AND c.prompt_id = p.id AND c.is_open
WHERE p.organization_id = $1 AND p.prompt_type IN ('master', $2)
"""  # noqa: S608 - our own words
_VERSION = """
SELECT number, system_prompt, user_prompt_template, lessons, left_out, made_by, made_at, reason, evaluation_id
FROM prompt_versions WHERE organization_id = $1 AND prompt_id = $2 AND number = $3
"""


class PostgresLivePrompt:
    """Be the `LivePrompt` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def live(self, lead_id: UUID, touch: str | None = None) -> WritersPrompt:
        """Give the prompt for a lead: the master's words before those of answers, or of a touch."""
        prompt_type = _type_of(touch)
        rows = await self._rows(prompt_type)
        master = await self._standing(PromptType.MASTER, rows, lead_id)
        special = await self._standing(prompt_type, rows, lead_id)
        both = told(master, prompt_type, special)
        if prompt_type is PromptType.REPLY and master.version.number == special.version.number == BUILT_IN:
            return WritersPrompt(reply_prompt.VERSION, both.text)
        return prompt_of(both)

    async def labels(self, lead_ids: Iterable[UUID], touch: str) -> dict[UUID, str]:
        """Name what a touch would be written with for each of these leads."""
        prompt_type = _type_of(touch)
        rows = await self._rows(prompt_type)
        return {
            lead_id: beside(_number(PromptType.MASTER, rows, lead_id), prompt_type, _number(prompt_type, rows, lead_id))
            for lead_id in lead_ids
        }

    async def _rows(self, prompt_type: PromptType) -> dict[PromptType, Any]:
        rows = await self._uow.connection.fetch(_LIVE, self._uow.organization_id, prompt_type.value)
        return {PromptType(row["prompt_type"]): row for row in rows}

    async def _standing(self, prompt_type: PromptType, rows: Mapping[PromptType, Any], lead_id: UUID) -> Standing:
        number = _number(prompt_type, rows, lead_id)
        if number == BUILT_IN:
            return Standing(built_in(prompt_type, reply_prompt.PROMPT))
        found = await self._uow.connection.fetchrow(
            _VERSION, self._uow.organization_id, rows[prompt_type]["id"], number
        )
        return Standing(version_of(found), _since(rows[prompt_type], number))


def _type_of(touch: str | None) -> PromptType:
    return PromptType.REPLY if touch is None else PromptType(touch.lower())


def _number(prompt_type: PromptType, rows: Mapping[PromptType, Any], lead_id: UUID) -> int:
    row = rows.get(prompt_type)
    if row is None:
        return BUILT_IN
    if row["canary"] is None:
        return int(row["live"])
    return msgspec.json.decode(row["canary"], type=Canary).number_for(lead_id)


def _since(row: Any, number: int) -> datetime | None:
    """Tell since when people let a version be told, to whom it is told now."""
    if number == row["live"]:
        since: datetime | None = row["since"]
        return since
    return msgspec.json.decode(row["canary"], type=Canary).since(number)


def prompt_of(said: Told) -> WritersPrompt:
    """Give writers what two versions come to."""
    return WritersPrompt(
        said.label, said.text, [Lesson(one.id, one.text, one.trigger, one.say) for one in said.lessons]
    )
