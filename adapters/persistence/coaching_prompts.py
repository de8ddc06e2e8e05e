"""An organisation's prompts, their versions, and how the live one does."""

from typing import Any

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.coaching_prompts import prompt_versions, prompts
from adapters.persistence.store import PostgresStore, encode_json
from application.ports import Filter, Found, PageRequest
from domain.coaching.built_in import built_in
from domain.coaching.prompt import BUILT_IN, Prompt, PromptType, PromptVersion, Standing, label
from domain.kernel import NotFound
from domain.messaging import reply_prompt
from domain.statistics import Share

BUDGET = 1_500
"""Tokens of lessons, where the organisation says nothing else."""
MOST_BUDGET = 50_000
LONGEST_COUNTED = 90
"""Days of which conversations are counted: a version that is live for years is shown by how it does lately."""
# A promotion moves the pointer to what people chose when the trial began; whatever they chose since is later.
LIVE_SINCE = """
coalesce((SELECT max(c.started_at) FROM canaries c WHERE c.organization_id = p.organization_id AND c.prompt_id = p.id
          AND c.number = p.live AND c.status = 'promoted' AND c.ended_at = p.made_live_at), p.made_live_at)
"""
VERSIONS = Listing(
    source=prompt_versions.join(
        prompts,
        sa.and_(
            prompts.c.organization_id == prompt_versions.c.organization_id, prompts.c.id == prompt_versions.c.prompt_id
        ),
    ),
    organization=prompt_versions.c.organization_id,
    identifier=prompt_versions.c.number,
    shown={
        "version": prompt_versions.c.number,
        "lessons_included": sa.func.jsonb_array_length(prompt_versions.c.lessons),
        "made_by": prompt_versions.c.made_by,
        "made_at": prompt_versions.c.made_at,
        "reason": prompt_versions.c.reason,
        "is_live": prompts.c.live == prompt_versions.c.number,
    },
    sorts={"version": prompt_versions.c.number},
    default_sort="version",
    filters={"prompt_type": lambda p: prompts.c.prompt_type == p},
)
_VERSION = """
SELECT v.number, v.system_prompt, v.user_prompt_template, v.lessons, v.left_out, v.made_by, v.made_at, v.reason,
       v.evaluation_id
FROM prompt_versions v JOIN prompts p ON p.organization_id = $1 AND p.id = v.prompt_id
WHERE v.organization_id = $1 AND p.prompt_type = $2 AND v.number = $3
"""
_ADD_VERSION = """
INSERT INTO prompt_versions (organization_id, prompt_id, number, system_prompt, user_prompt_template, lessons, left_out,
  made_by, made_at, reason, evaluation_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_PERFORMANCE = f"""
SELECT count(*) AS conversations, count(*) FILTER (WHERE succeeded) AS succeeded FROM (
  SELECT conversation_id, bool_or(positive OR booked) AS succeeded FROM replies
  WHERE organization_id = $1 AND status = 'sent'
    AND created_at >= (SELECT greatest($3, business_now() - interval '{LONGEST_COUNTED} days'))
    AND $2 = ANY (string_to_array(prompt_version, '/'))
  GROUP BY conversation_id
) AS threads
"""  # noqa: S608 - a number
_LIVE = f"SELECT live, {LIVE_SINCE} AS since FROM prompts p WHERE organization_id = $1 AND prompt_type = $2"  # noqa: S608
_BUDGET = "SELECT settings -> 'coach_lesson_tokens' FROM organizations WHERE organization_id = $1"


class PostgresPrompts(PostgresStore[Prompt]):
    """Be the `PromptStore` of the open unit of work."""

    entity = Prompt
    table = prompts
    noun = "prompt"

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder) -> None:
        super().__init__(uow)
        self._finder = finder

    async def of_type(self, prompt_type: PromptType) -> Prompt | None:
        """Give the organisation's prompt of a type."""
        return await self.find_one("prompt_type = $2", prompt_type)

    async def locked(self, prompt_type: PromptType) -> Prompt | None:
        """Give it locked; the lock of the type holds for one that is yet to be made, too."""
        await self.uow.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('prompts/' || $1 || '/' || $2, 0))",
            str(self.uow.organization_id),
            prompt_type.value,
        )
        return await self.of_type(prompt_type)

    async def version(self, prompt_type: PromptType, number: int) -> PromptVersion:
        """Give a version."""
        if number == BUILT_IN:
            return built_in(prompt_type, reply_prompt.PROMPT)
        row = await self.uow.connection.fetchrow(_VERSION, self.uow.organization_id, prompt_type, number)
        if row is None:
            raise NotFound("There is no such version.")
        return version_of(row)

    async def standing(self, prompt_type: PromptType) -> Standing:
        """Give the live version, and since when."""
        row = await self.uow.connection.fetchrow(_LIVE, self.uow.organization_id, prompt_type)
        if row is None:
            return Standing(await self.version(prompt_type, BUILT_IN))
        return Standing(await self.version(prompt_type, row["live"]), row["since"])

    async def add_version(self, prompt: Prompt, version: PromptVersion) -> None:
        """Keep a version."""
        await self.uow.connection.execute(
            _ADD_VERSION,
            self.uow.organization_id,
            prompt.id,
            version.number,
            version.system_prompt,
            version.user_prompt_template,
            encode_json(version.lessons),
            encode_json(version.left_out),
            version.made_by,
            version.made_at,
            version.reason,
            version.evaluation_id,
        )

    async def versions(self, prompt_type: PromptType, page: PageRequest) -> Found:
        """List them."""
        return await self._finder.find(VERSIONS, Filter(), page, {"prompt_type": prompt_type.value})

    async def performance(self, prompt: Prompt) -> Share:
        """Count the conversations that were answered since the live version went live, and lately."""
        if prompt.made_live_at is None:
            return Share(0, 0)
        row = await self.uow.connection.fetchrow(
            _PERFORMANCE, self.uow.organization_id, label(prompt.prompt_type, prompt.live), prompt.made_live_at
        )
        return Share(row["succeeded"], row["conversations"])

    async def lesson_budget(self) -> int:
        """Read the setting `coach_lesson_tokens`; what does not fit is as if it were not set."""
        said = await self.uow.connection.fetchval(_BUDGET, self.uow.organization_id)
        chosen = None if said is None else msgspec.json.decode(said)
        if isinstance(chosen, int) and not isinstance(chosen, bool) and 0 <= chosen <= MOST_BUDGET:
            return chosen
        return BUDGET


def version_of(row: Any) -> PromptVersion:
    """Read a version."""
    values = dict(row.items())
    for name in ("lessons", "left_out"):
        values[name] = msgspec.json.decode(values[name])
    return msgspec.convert(values, type=PromptVersion)
