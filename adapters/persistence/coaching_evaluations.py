"""The set of past conversations, evaluations on it, and their answers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.schema.coaching_prompts import evaluation_cases, evaluations
from adapters.persistence.schema.sales import leads
from adapters.persistence.store import PostgresStore, encode_json
from adapters.persistence.visibility import LeadVisibility
from application.coaching.evaluation_ports import Case, Compared, Judged
from application.ports import Filter, Found, PageRequest
from domain.coaching.evaluation import Evaluation, Outcome
from domain.coaching.prompt import PromptType
from domain.kernel import NotFound

CASES = Listing(
    source=evaluation_cases.outerjoin(
        leads,
        sa.and_(
            leads.c.organization_id == evaluation_cases.c.organization_id, leads.c.id == evaluation_cases.c.lead_id
        ),
    ),
    organization=evaluation_cases.c.organization_id,
    identifier=evaluation_cases.c.id,
    shown={
        name: evaluation_cases.c[name]
        for name in ("id", "conversation_id", "lead_id", "chosen", "created_by", "created_at")
    },
    sorts={"created": evaluation_cases.c.created_at},
    default_sort="created",
    filters={
        "visible_to": lambda p: sa.or_(leads.c.id.is_(None), leads.c.assigned_to.is_(None), leads.c.assigned_to == p),
        "visible_datasets": lambda p: leads.c.dataset_id == sa.any_(p),
    },
    types={"visible_to": sa.Uuid(), "visible_datasets": sa.ARRAY(sa.Uuid())},
)
_IDS = """
SELECT id FROM evaluation_cases WHERE organization_id = $1 ORDER BY chosen DESC, created_at, id LIMIT $2
"""
_RECORD = """
INSERT INTO evaluation_answers (organization_id, evaluation_id, case_id, outcome, old_score, new_score, old_text,
  new_text, old_findings, new_findings, cost_micros)
SELECT $1, $2, id, $4, $5, $6, $7, $8, $9, $10, $11 FROM evaluation_cases WHERE organization_id = $1 AND id = $3
ON CONFLICT DO NOTHING
"""
_EXAMPLES = """
SELECT a.case_id, a.outcome, a.old_text, a.new_text, a.old_score, a.new_score, a.old_findings, a.new_findings
FROM evaluation_answers a JOIN evaluation_cases c ON c.organization_id = $1 AND c.id = a.case_id
LEFT JOIN leads l ON l.organization_id = $1 AND l.id = c.lead_id
WHERE a.organization_id = $1 AND a.evaluation_id = $2 AND {visible}
ORDER BY abs(a.new_score - a.old_score) DESC, a.case_id LIMIT $3
"""


class PostgresCases(PostgresStore[Case]):
    """Be the `CaseStore` of the open unit of work."""

    entity = Case
    table = evaluation_cases
    noun = "case"
    unique = {"uq_evaluation_cases_organization_id_conversation_id": "conversation_id"}

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder, visibility: LeadVisibility) -> None:
        super().__init__(uow)
        self._finder = finder
        self._scope = visibility.scope()

    async def ids(self, limit: int) -> Sequence[UUID]:
        """Name the cases to take."""
        rows = await self.uow.connection.fetch(_IDS, self.uow.organization_id, limit)
        return [row["id"] for row in rows]

    async def of_conversation(self, conversation_id: UUID) -> Case | None:
        """Find the case that a conversation is."""
        return await self.find_one("conversation_id = $2", conversation_id)

    async def find(self, page: PageRequest) -> Found:
        """List those that may be seen."""
        return await self._finder.find(CASES, Filter(), page, self._scope)

    async def visible(self, identifier: UUID) -> Case:
        """Load one that may be seen."""
        if await self._finder.one(CASES, identifier, self._scope) is None:
            raise NotFound("There is no such case.")
        return await self.get(identifier)


class PostgresEvaluations(PostgresStore[Evaluation]):
    """Be the `EvaluationStore` of the open unit of work."""

    entity = Evaluation
    table = evaluations
    noun = "evaluation"

    def __init__(self, uow: PostgresUnitOfWork, cases: PostgresCases, visibility: LeadVisibility) -> None:
        super().__init__(uow)
        self._cases = cases
        self._visibility = visibility

    async def latest(self, prompt_type: PromptType, fingerprint: str) -> Evaluation | None:
        """Give the latest of exactly this."""
        return await self.find_one(
            "prompt_type = $2 AND fingerprint = $3 ORDER BY created_at DESC, id DESC", prompt_type, fingerprint
        )

    async def judged(self, prompt_type: PromptType, fingerprint: str) -> Evaluation | None:
        """Give the one that judged most cases, of those that came to an end; the latest of several."""
        return await self.find_one(
            "prompt_type = $2 AND fingerprint = $3 AND outcome IS NOT NULL"
            " ORDER BY better + same + worse DESC, created_at DESC, id DESC",
            prompt_type,
            fingerprint,
        )

    async def next_case(self, evaluation: Evaluation) -> Case | None:
        """Give a case that was not answered yet."""
        return await self._cases.find_one(
            "id = ANY ($2) AND id <> ALL ($4) AND NOT EXISTS (SELECT FROM evaluation_answers a"
            " WHERE a.organization_id = $1 AND a.evaluation_id = $3 AND a.case_id = evaluation_cases.id) ORDER BY id",
            list(evaluation.case_ids),
            evaluation.id,
            list(evaluation.left_out),
        )

    async def record(self, evaluation: Evaluation, compared: Compared) -> int:
        """Keep two answers, unless the case is gone; tell how many there are."""
        old, new = compared.old, compared.new
        await self.uow.connection.execute(
            _RECORD,
            self.uow.organization_id,
            evaluation.id,
            compared.case_id,
            compared.outcome,
            old.score,
            new.score,
            old.text,
            new.text,
            encode_json(old.findings),
            encode_json(new.findings),
            old.cost_micros + new.cost_micros,
        )
        return len(await self.outcomes(evaluation))

    async def outcomes(self, evaluation: Evaluation) -> Sequence[Outcome]:
        """Give how the answers compare."""
        rows = await self.uow.connection.fetch(
            "SELECT outcome FROM evaluation_answers WHERE organization_id = $1 AND evaluation_id = $2",
            self.uow.organization_id,
            evaluation.id,
        )
        return [Outcome(row["outcome"]) for row in rows]

    async def examples(self, evaluation: Evaluation, limit: int) -> Sequence[Compared]:
        """Give the answers that differ most, of leads that may be seen."""
        visible, parameters = self._visibility.sql("l", 4)
        rows = await self.uow.connection.fetch(
            _EXAMPLES.format(visible=visible), self.uow.organization_id, evaluation.id, limit, *parameters
        )
        return [_compared(row) for row in rows]


def _compared(row: Any) -> Compared:
    old, new = (
        Judged(
            row[f"{side}_text"],
            row[f"{side}_score"],
            tuple(msgspec.json.decode(row[f"{side}_findings"], type=list[str])),
        )
        for side in ("old", "new")
    )
    return Compared(row["case_id"], old, new, Outcome(row["outcome"]))
