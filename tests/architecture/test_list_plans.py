"""Every list, narrowed by each of its filters and in each of its orders, uses an index under row-level security.

The lists of `adapters.persistence` are found by themselves. What a list needs to be worth planning for stands in
`SEED`, and a filter's value, where its type does not suffice, in `VALUES`.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
import sqlalchemy as sa
from dishka import AsyncContainer

import adapters.persistence
from adapters.persistence.database import Cause, PostgresUnitOfWork, connect_arguments
from adapters.persistence.finder import Listing, _page
from adapters.persistence.sales import LEADS
from adapters.persistence.sales_contacts import CONTACTS
from adapters.persistence.sales_search import beginnings_statement, candidates_statement, misspelt_statement
from adapters.persistence.schema import metadata
from adapters.persistence.search_terms import sought
from application.ports import Actor
from domain.kernel import new_id
from entrypoints.config import Config

pytestmark = pytest.mark.anyio

ROWS, FOREIGN_ROWS = 5_000, 20_000
SOME = UUID("01938c5e-0000-7000-8000-000000000001")
VALUES: dict[str, Any] = {
    "status": "HOT",
    "stage": "QUALIFIED",
    "source": "source 7",
    "sentiment": "HOT",
    "tag": "tag-7",
    "channel": "sms",
    "direction": "inbound",
    "category": "campaign",
    "messages.status": "failed",
    "bookings.status": "failed",
    "insights.status": "pending",
    "insights.category": "tone",
    "patterns.step": "answer",
    "recommended_action": "adopt",
    "severity": "critical",
}
SEED = (
    "INSERT INTO organizations (organization_id, id, name, created_at) VALUES ($1, $1, 'Plans', now())",
    "INSERT INTO pipelines (organization_id, id, name, created_at) VALUES ($1, $1, 'Sales', now())",
    "INSERT INTO stages (organization_id, id, pipeline_id, key, name, category, position)"
    " SELECT $1, uuidv7(), $1, k, k, 'open', n"
    " FROM unnest(ARRAY['NEW_LEAD', 'QUALIFIED', 'WON']) WITH ORDINALITY AS s(k, n)",
    "INSERT INTO datasets (organization_id, id, name, created_at, updated_at) SELECT $1, CASE WHEN n = 1 THEN"
    " '01938c5e-0000-7000-8000-000000000001'::uuid ELSE uuidv7() END, 'D' || n, now(), now()"
    " FROM generate_series(1, 20) n",
    "INSERT INTO contacts (organization_id, id, first_name, last_name, name_key, email, phone, created_at, updated_at)"
    " SELECT $1, uuidv7(), 'First' || n, 'Last' || n % 997, 'last' || n % 997 || ' first' || n, n || '@example.com',"
    " '+4477' || lpad(n::text, 8, '0'), now() - n * interval '1 minute', now() FROM generate_series(1, $2::int) n",
    "INSERT INTO leads (organization_id, id, contact_id, dataset_id, stage, contact_status, sentiment, phone, name_key,"
    " source, manual_mode, archived, assigned_to, created_at, updated_at)"
    " SELECT $1, uuidv7(), id, (SELECT id FROM datasets WHERE organization_id = $1 ORDER BY id OFFSET n % 20 LIMIT 1),"
    " (ARRAY['NEW_LEAD', 'NEW_LEAD', 'QUALIFIED'])[1 + n % 3],"
    " (ARRAY['READY', 'CONTACTED', 'READY', 'HOT'])[1 + n % 4],"
    " CASE WHEN n % 50 = 0 THEN 'HOT' END, phone, name_key, 'source ' || n % 40, n % 60 = 0, n % 70 = 0,"
    " CASE WHEN n % 5 = 0 THEN '01938c5e-0000-7000-8000-000000000001'::uuid END, created_at, now()"
    " FROM (SELECT *, row_number() OVER () AS n FROM contacts WHERE organization_id = $1) c",
    "INSERT INTO tags (organization_id, id, slug, name, created_at) SELECT $1, uuidv7(), 'tag-' || n, 'Tag', now()"
    " FROM generate_series(1, 200) n",
    "INSERT INTO lead_tags (organization_id, lead_id, tag_id, applied_at) SELECT $1, l.id, t.id, now() FROM"
    " (SELECT id, row_number() OVER () AS n FROM leads WHERE organization_id = $1) l JOIN"
    " (SELECT id, row_number() OVER () AS n FROM tags WHERE organization_id = $1) t ON t.n = 1 + l.n % 200",
    "INSERT INTO notes (organization_id, id, lead_id, author_id, body, created_at, updated_at)"
    " SELECT $1, uuidv7(), id, id, 'Note', now(), now() FROM leads WHERE organization_id = $1",
    "INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, unread_count, archived,"
    " started_at, last_message_at) SELECT $1, uuidv7(), contact_id, id, 'sms', phone,"
    " CASE WHEN right(phone, 1) = '7' THEN 1 ELSE 0 END, right(phone, 2) = '77', created_at, created_at"
    " FROM leads WHERE organization_id = $1",
    "INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction, category,"
    " status, body, sender, recipient, created_at)"
    " SELECT $1, uuidv7(), id, contact_id, lead_id, 'sms', CASE unread_count WHEN 1 THEN 'inbound' ELSE 'outbound' END,"
    " 'campaign', 'sent', 'Hello', '', address, started_at FROM conversations WHERE organization_id = $1",
    "INSERT INTO sends (organization_id, id, natural_key, purpose, channel, contact_id, conversation_id, recipient,"
    " sender, due_at, verdict, reasons, created_at) SELECT $1, id, id::text, 'manual', 'sms', contact_id,"
    " conversation_id, recipient, '', created_at, 'allow', '[]', created_at FROM messages WHERE organization_id = $1",
    "INSERT INTO replies (organization_id, id, conversation_id, status, lessons, breaches, prompt_version, model,"
    " input_tokens, output_tokens, cached_tokens, cost_micros, latency_ms, created_at) SELECT $1, id, conversation_id,"
    " 'sent', '{}', '{}', 'built-in-1', 'm', 0, 0, 0, 0, 0, created_at FROM messages WHERE organization_id = $1",
    "INSERT INTO bookings (organization_id, id, lead_id, contact_id, provider, natural_key, source, start_at, zone,"
    " status, created_at, updated_at) SELECT $1, uuidv7(), id, contact_id, 'sandbox', id::text, 'person', created_at,"
    " 'UTC', (ARRAY['scheduled', 'cancelled', 'failed'])[1 + (row_number() OVER ()) % 3], created_at, now()"
    " FROM leads WHERE organization_id = $1",
    "INSERT INTO jobs (organization_id, id, kind, created_at) SELECT $1, uuidv7(), 'import', created_at"
    " FROM leads WHERE organization_id = $1",
    "INSERT INTO mails (organization_id, id, kind, subject, to_address, state, created_at)"
    " SELECT $1, uuidv7(), 'invitation', id, 'a@b.example', 'accepted', now() FROM leads WHERE organization_id = $1",
    "INSERT INTO accounts (id, email, first_name, created_at) VALUES"
    " ('01938c5e-0000-7000-8000-000000000001', ($1::uuid)::text || '@example.com', 'Rita', now())",
    "INSERT INTO memberships (account_id, organization_id, role, created_at)"
    " VALUES ('01938c5e-0000-7000-8000-000000000001', $1, 'rep', now())",
    "INSERT INTO notifications (organization_id, id, account_id, source, kind, priority, title, message, lead_id,"
    " read_at, archived_at, created_at) SELECT $1, uuidv7(), '01938c5e-0000-7000-8000-000000000001', id, 'lead_hot',"
    " 'low', 'T', 'M', id, CASE WHEN right(phone, 1) <> '7' THEN now() END, CASE WHEN right(phone, 1) <> '7' THEN"
    " now() END, created_at FROM leads WHERE organization_id = $1",
    "INSERT INTO insights (organization_id, id, rule, fingerprint, title, category, severity, status, created_at,"
    " raised_at) SELECT $1, uuidv7(), 'r', n::text, 'T', 'tone', (ARRAY['warning', 'critical'])[1 + n % 2],"
    " (ARRAY['pending', 'dismissed'])[1 + n % 2], now() - n * interval '1 minute', now() - n * interval '1 minute'"
    " FROM generate_series(1, 200) n",
    "INSERT INTO patterns (organization_id, id, dataset_id, step, feature, occurrences, successes, others,"
    " other_successes, p_value, action, created_at) SELECT $1, uuidv7(), CASE WHEN n % 10 = 0 THEN (SELECT id FROM"
    " datasets WHERE organization_id = $1 ORDER BY id OFFSET n / 10 % 20 LIMIT 1) END, (ARRAY['opening', 'answer'])"
    "[1 + n % 2], 'exclaims', 10, 5, 10, 5, 1, (ARRAY['test_more', 'test_more', 'adopt'])[1 + n % 3],"
    " now() - n * interval '1 hour' FROM generate_series(1, $2::int) n",
    "INSERT INTO message_scores (organization_id, message_id, conversation_id, score, lesson_ids, scored_at)"
    " SELECT $1, id, conversation_id, 90, '{}', created_at FROM messages WHERE organization_id = $1",
    "INSERT INTO insight_evidence (organization_id, id, insight_id, conversation_id, message_id, lead_id, words,"
    " description, suggestion, created_at) SELECT $1, uuidv7(), i.id, m.conversation_id, m.id, m.lead_id, 'W', 'D',"
    " 'S', m.created_at FROM (SELECT *, row_number() OVER () AS n FROM messages WHERE organization_id = $1) m"
    " JOIN (SELECT id, row_number() OVER () AS n FROM insights WHERE organization_id = $1) i ON i.n = 1 + m.n % 200",
    "INSERT INTO uploads (organization_id, id, filename, file_key, size, shape, created_at)"
    " VALUES ($1, $1, 'list.csv', 'list', 1, '{}', now())",
    "INSERT INTO imports (organization_id, id, upload_id, dataset_id, mapping, created_at)"
    " SELECT $1, id, $1, id, '{}', now() FROM datasets WHERE organization_id = $1",
    "INSERT INTO import_rows (organization_id, import_id, row, outcome, ineligible) SELECT $1, d.id, n,"
    " (ARRAY['created', 'duplicate', 'failed', 'undone'])[1 + n % 4], n % 20 = 0"
    " FROM datasets d, generate_series(1, $2::int / 10) n WHERE d.organization_id = $1",
)
# A handful a tenant: the planner reads them whole, and may.
SMALL = frozenset(
    {
        "api_keys", "brands", "datasets", "email_accounts", "evaluation_cases", "imports", "insights", "jobs",
        "lesson_figures", "lessons", "locations", "memberships", "platform_lessons", "prompt_versions", "prompts",
        "tags", "uploads",
    }
)  # fmt: skip
# Asked for by lead, or by import, only.
NEVER_WHOLE = frozenset({"notes", "import_rows"})
# Asked for by person only, however else it is narrowed.
TOGETHER = {"notifications": "told"}


def every_listing() -> dict[str, Listing]:
    """Find all lists, named by their module and variable."""
    found: dict[str, Listing] = {}
    for module in pkgutil.iter_modules(adapters.persistence.__path__, "adapters.persistence."):
        if not module.ispkg:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Listing) and value not in found.values():
                    found[f"{module.name.rsplit('.', 1)[1]}.{name}"] = value
    return found


LISTINGS = every_listing()
PARTIAL = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["postgresql"]["where"] is not None
}


@pytest.fixture(scope="session")
async def seeded(config: Config, house: AsyncContainer) -> UUID:
    """Fill one organisation's tables, and another's beside it; gives the first."""
    ours, theirs = new_id(), new_id()
    for organization_id, rows in ((theirs, FOREIGN_ROWS), (ours, ROWS)):
        async with house({Actor: Actor.system(organization_id), Cause: Cause(statement_timeout_ms=180_000)}) as scope:
            uow = await scope.get(PostgresUnitOfWork)
            async with uow:
                for statement in SEED:
                    arguments = (organization_id, rows) if "$2" in statement else (organization_id,)
                    # The checks of keys keep plans of when the tables that they look into were empty.
                    await uow.connection.execute("DISCARD PLANS")
                    await uow.connection.execute(
                        statement.replace(str(SOME), str(_own(SOME, rows))), *arguments, timeout=180
                    )
    owner = await asyncpg.connect(**connect_arguments(config.owner_database_url))
    await owner.execute("ANALYZE")
    await owner.close()
    return ours


def _own(identifier: UUID, rows: int) -> UUID:
    return identifier if rows == ROWS else UUID(int=identifier.int + 1)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def objections(plan: dict[str, Any], main: str) -> list[str]:
    """Say what is wrong with a plan: a table read whole, or all of the tenant's rows of the main one sorted."""
    tenant = {table.name for table in metadata.tables.values() if table.info.get("tenant")} - SMALL
    walked = list(nodes(plan))
    found = [
        f"Seq Scan on {node['Relation Name']}"
        for node in walked
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in tenant
    ]
    if main not in SMALL and any(node["Node Type"] == "Sort" for node in walked):
        chosen = [node for node in walked if "Index Cond" in node]
        if not any(_narrows(node) for node in chosen):
            found.append(f"all {main} of the organisation are sorted")
    return found


def _narrows(node: dict[str, Any]) -> bool:
    columns = set(re.findall(r"(\w+) (?:=|<|>|<=|>=|IN) ", node["Index Cond"])) - {"organization_id"}
    return bool(columns) or node.get("Index Name") in PARTIAL


def value_of(listing: Listing, name: str) -> Any:
    """Choose a value to narrow by."""
    kind = listing.types.get(name, sa.Text())
    if isinstance(kind, sa.ARRAY):
        return [SOME] if isinstance(kind.item_type, sa.Uuid) else ["x"]
    if isinstance(kind, sa.Uuid):
        return SOME
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.DateTime):
        return datetime.now(UTC) - timedelta(days=2)
    main = listing.identifier.table.name
    return VALUES.get(f"{main}.{name}", VALUES.get(name, "x"))


async def plan_of(house: AsyncContainer, organization_id: UUID, sql: str, arguments: list[Any]) -> dict[str, Any]:
    """Explain a statement as the application's role."""
    async with house({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
        uow = await scope.get(PostgresUnitOfWork)
        async with uow.reading():
            explained = await uow.connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
    plan: dict[str, Any] = msgspec.json.decode(explained)[0]["Plan"]
    return plan


async def generic_plan_of(house: AsyncContainer, organization_id: UUID, sql: str, parameters: int) -> dict[str, Any]:
    """Explain a statement as it is planned for all values."""
    async with house({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
        uow = await scope.get(PostgresUnitOfWork)
        async with uow.reading():
            await uow.connection.execute(f"SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}")
            values = ", ".join(["NULL"] * parameters)
            explained = await uow.connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked({values})")
            await uow.connection.execute("DEALLOCATE asked")
    plan: dict[str, Any] = msgspec.json.decode(explained)[0]["Plan"]
    return plan


@pytest.mark.parametrize("name", sorted(LISTINGS))
async def test_a_list_is_answered_by_an_index(house: AsyncContainer, seeded: UUID, name: str) -> None:
    listing = LISTINGS[name]
    main = listing.identifier.table.name
    wrong = []
    narrowings = [
        *(() if main in NEVER_WHOLE else (None,)),
        *listing.filters,
    ]
    for narrowed, sort, order in product(narrowings, listing.sorts, ("asc", "desc")):
        names = tuple(sorted({n for n in (narrowed, TOGETHER.get(main)) if n is not None}))
        bound = {n: value_of(listing, n) for n in names}
        bound |= {"organization_id": seeded, "rows": 51, "skipped": 0, "viewer": SOME}
        prepared = _page(listing, names, sort, order, False)
        plan = await plan_of(house, seeded, prepared.sql, prepared.arguments(bound))
        wrong += [f"{narrowed}, {sort} {order}: {objection}" for objection in objections(plan, main)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("number", [False, True])
async def test_a_search_for_beginnings_is_answered_by_an_index(
    house: AsyncContainer, seeded: UUID, number: bool
) -> None:
    wanted = sought("07700 00012" if number else "last12", "44")
    prepared = beginnings_statement(LEADS, (), number)
    arguments = prepared.arguments({**wanted.beginnings(), "organization_id": seeded})
    assert not objections(await plan_of(house, seeded, prepared.sql, arguments), "contacts")
    plan = await generic_plan_of(house, seeded, prepared.sql, len(arguments))
    assert not objections(plan, "contacts")
    used = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
    expected = {"ix_leads_name", "ix_contacts_given", "uq_contacts_email"} | (
        {"ix_contacts_phone"} if number else set()
    )
    assert expected <= used


@pytest.mark.parametrize("listing", [LEADS, CONTACTS], ids=["leads", "contacts"])
async def test_a_search_within_is_answered_by_the_index_of_trigrams(
    house: AsyncContainer, seeded: UUID, listing: Listing
) -> None:
    wanted = sought("ast99", "44")
    bound = {"organization_id": seeded, "phrase": wanted.phrase, "patterns": wanted.patterns, "most": 1000}
    prepared = candidates_statement(listing, ())
    assert not objections(await plan_of(house, seeded, prepared.sql, prepared.arguments(bound)), "contacts")
    plan = await generic_plan_of(house, seeded, prepared.sql, len(prepared.arguments(bound)))
    assert not objections(plan, "contacts")
    assert listing is CONTACTS or not any(node.get("Relation Name") == "contacts" for node in nodes(plan))
    count, found = await _answered_by_trigrams(house, seeded, prepared.sql, prepared.arguments(bound))
    # The surnames are Last0 to Last996.
    assert count == len(found) == len([n for n in range(1, ROWS + 1) if str(n % 997).startswith("99")])


async def test_a_search_for_slips_is_answered_by_the_index_of_trigrams(house: AsyncContainer, seeded: UUID) -> None:
    slips = ["\n".join(patterns) for patterns in sought("kastner", "44").slips()]
    bound = {"organization_id": seeded, "phrase": "kastner", "slips": slips, "most": 200, "least": 0.0}
    bound["milliseconds"] = 5000
    prepared = misspelt_statement(LEADS, ())
    assert not objections(await plan_of(house, seeded, prepared.sql, prepared.arguments(bound)), "contacts")
    assert (await _answered_by_trigrams(house, seeded, prepared.sql, prepared.arguments(bound)))[0] is None


async def _answered_by_trigrams(house: AsyncContainer, organization_id: UUID, sql: str, arguments: list[Any]) -> Any:
    """Run a search; the function that looks as the tables' owner must read contacts by its index, and no other way."""
    scans = "SELECT pg_stat_get_xact_numscans('ix_contacts_search'::regclass)"
    whole = "SELECT pg_stat_get_xact_numscans('contacts'::regclass)"
    async with house({Actor: Actor.system(organization_id), Cause: Cause()}) as scope:
        uow = await scope.get(PostgresUnitOfWork)
        async with uow.reading():
            row = await uow.connection.fetchrow(sql, *arguments)
            assert await uow.connection.fetchval(scans) > 0
            assert await uow.connection.fetchval(whole) == 0
    return row


async def test_reading_everything_is_objected_to(house: AsyncContainer, seeded: UUID) -> None:
    unindexed = "SELECT id FROM leads WHERE organization_id = $1 ORDER BY product LIMIT 50"
    plan = await plan_of(house, seeded, unindexed, [seeded])
    assert objections(plan, "leads") in (["all leads of the organisation are sorted"], ["Seq Scan on leads"])
    assert objections({"Node Type": "Seq Scan", "Relation Name": "leads"}, "leads") == ["Seq Scan on leads"]
