"""The data set, out of a seed: `python -m benchmarks.seed --leads 1000000` fills the installation of the environment.

Of the leads 70 % belong to one organisation, 10 % to a second, the rest to twenty more; their rows lie mixed, as they
would have come in. Each has a contact of its own, most a dataset, some one to three tags. Same seed, same rows (ids of
organisations apart).
"""

import argparse
import asyncio
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg

from adapters.persistence.database import Cause, connect_arguments
from application.identity.account_forms import Register
from application.identity.accounts import Accounts
from application.identity.tokens import Tokens
from application.ports import Actor
from domain.kernel import new_id
from entrypoints.config import Config
from entrypoints.container import container

ORGANIZATIONS = 22
LEADS_EACH = 1000
"""How many leads each of many equal organisations has."""
BATCH = 100_000
PASSWORD = "correct horse battery staple"

_DATASETS = """
INSERT INTO datasets (organization_id, id, name, name_key, created_at, updated_at)
SELECT o, gen_random_uuid(), 'Old enquiries', 'old enquiries', now(), now() FROM unnest($1::uuid[]) AS o
"""
_TAGS = """
INSERT INTO tags (organization_id, id, slug, name, sort_order, created_at)
SELECT o, gen_random_uuid(), slug, initcap(slug), n + 10, now()
FROM unnest($1::uuid[]) AS o, unnest(ARRAY['solar', 'callback', 'urgent']) WITH ORDINALITY AS t(slug, n)
"""
# A lead's number and the seed decide everything about it; its id is a UUIDv7 of the time it was entered.
_DRAW = """
CREATE TEMP TABLE drawn ON COMMIT DROP AS
SELECT n, ($1::uuid[])[place] AS organization_id, at,
       ('\\x' || at_hex || '7' || substr(digest, 1, 3) || '8' || substr(digest, 4, 15))::bytea AS lead_bytes,
       ('\\x' || at_hex || '7' || substr(digest, 19, 3) || '9' || substr(digest, 22, 11) || substr(digest, 1, 4))::bytea
         AS contact_bytes,
       (ARRAY['James','Mary','Olga','Ahmed','Priya','Tom','Zofia','Chloe','Ivan','Grace','Noah','Ella'])[1 + d1 % 12]
         AS first_name,
       (ARRAY['Smith','Jones','Patel','Kowalska','Brown','Khan','Taylor','Evans','Wilson','Ndiaye','Novak','Lee',
              'Walker','Hughes','Edwards','Green','Hall','Wood'])[1 + d2 % 18] AS last_name,
       '+447' || lpad(((n * 7919) % 1000000000)::text, 9, '0') AS phone,
       CASE WHEN d3 < 600 THEN 'READY' WHEN d3 < 780 THEN 'CONTACTED' WHEN d3 < 850 THEN 'REPLIED'
            WHEN d3 < 880 THEN 'WARM' WHEN d3 < 910 THEN 'COLD' WHEN d3 < 930 THEN 'HOT' WHEN d3 < 940 THEN 'OPTED_OUT'
            WHEN d3 < 980 THEN 'UNREACHABLE' ELSE 'EXHAUSTED' END AS contact_status,
       CASE WHEN d4 < 600 THEN 'NEW_LEAD' WHEN d4 < 800 THEN 'CONTACTED' WHEN d4 < 900 THEN 'QUALIFIED'
            WHEN d4 < 950 THEN 'PROPOSAL' WHEN d4 < 970 THEN 'WON' ELSE 'LOST' END AS stage,
       (ARRAY['web form','fair','referral','phone'])[1 + d1 % 4] AS source, d2, d5, digest
FROM (
  SELECT n, digest, CASE WHEN $5 > 0 THEN 1 + n % $5 WHEN d0 < 700 THEN 1 WHEN d0 < 800 THEN 2 ELSE 3 + d0 % 20 END
           AS place, d1, d2, d3, d4, d5,
         at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS at_hex
  FROM (
    SELECT n, digest, timestamptz '2025-01-01' + n * interval '20 seconds' AS at,
           ('x' || substr(digest, 1, 7))::bit(28)::int % 1000 AS d0, ('x' || substr(digest, 4, 7))::bit(28)::int AS d1,
           ('x' || substr(digest, 8, 7))::bit(28)::int AS d2, ('x' || substr(digest, 12, 7))::bit(28)::int % 1000 AS d3,
           ('x' || substr(digest, 16, 7))::bit(28)::int % 1000 AS d4,
           ('x' || substr(digest, 20, 7))::bit(28)::int % 1000 AS d5
    FROM (SELECT n, md5($2::text || ':' || n) AS digest FROM generate_series($3::bigint, $4::bigint) AS n) AS numbered
  ) AS dated
) AS placed
"""
_CONTACTS = """
INSERT INTO contacts (organization_id, id, first_name, last_name, name_key, email, phone, phone_type, sms_eligible,
                      zones, country, postcode, created_at, updated_at)
SELECT organization_id, encode(contact_bytes, 'hex')::uuid, first_name, last_name,
       lower(last_name || ' ' || first_name), lower(first_name || '.' || last_name) || n || '@example.com',
       phone, 'mobile', true, '{Europe/London}', 'GB',
       'LS' || 1 + d2 % 29 || ' ' || d2 % 9 || 'AB', at, at
FROM drawn
"""
_LEADS = """
INSERT INTO leads (organization_id, id, contact_id, dataset_id, stage, contact_status, phone, name_key, source,
                   inquiry_date, product, latest_reply, reply_received_at, reply_order, created_at, updated_at)
SELECT organization_id, encode(lead_bytes, 'hex')::uuid, encode(contact_bytes, 'hex')::uuid,
       CASE WHEN d5 < 900 THEN d.id END, stage, contact_status, phone, lower(last_name || ' ' || first_name),
       drawn.source, at::date - 30, 'Solar panels', CASE WHEN replied THEN 'Yes, ring me in the afternoon please' END,
       CASE WHEN replied THEN at + interval '1 day' END,
       CASE WHEN replied THEN at + interval '1 day' ELSE '-infinity' END, at, at
FROM (SELECT *, contact_status IN ('REPLIED', 'WARM', 'COLD', 'HOT') AS replied FROM drawn) AS drawn
JOIN datasets d USING (organization_id)
"""
_LEAD_TAGS = """
INSERT INTO lead_tags (organization_id, lead_id, tag_id, applied_at)
SELECT organization_id, encode(lead_bytes, 'hex')::uuid, t.id, at FROM drawn JOIN tags t USING (organization_id)
WHERE d5 % 5 = 0 AND (t.slug = 'solar' OR (t.slug = 'callback' AND d5 % 10 = 0) OR (t.slug = 'urgent' AND d5 % 50 = 0))
"""

_INDEXES = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made FROM pg_index i
WHERE i.indrelid = ANY (ARRAY['contacts', 'leads', 'lead_tags']::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
_COPIES = (
    """
    INSERT INTO organizations (id, organization_id, name, created_at)
    SELECT o, o, 'Copy', now() FROM unnest($2::uuid[]) AS o WHERE $1::uuid IS NOT NULL
    """,
    """
    INSERT INTO memberships (account_id, organization_id, role, is_active, created_at)
    SELECT m.account_id, o, m.role, true, now() FROM memberships m, unnest($2::uuid[]) AS o
    WHERE m.organization_id = $1
    """,
    """
    INSERT INTO pipelines (organization_id, id, name, is_default, created_at)
    SELECT o, p.id, p.name, p.is_default, now() FROM pipelines p, unnest($2::uuid[]) AS o WHERE p.organization_id = $1
    """,
    """
    INSERT INTO stages (organization_id, id, pipeline_id, key, name, category, position)
    SELECT o, s.id, s.pipeline_id, s.key, s.name, s.category, s.position FROM stages s, unnest($2::uuid[]) AS o
    WHERE s.organization_id = $1
    """,
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """Hold an organisation and its owner's token."""

    organization_id: UUID
    token: str


async def seed(config: Config, superuser_url: str, *, leads: int, seed: int = 1, alone: bool = False) -> list[Tenant]:
    """Found the organisations as people would and fill them by set-based statements; the largest comes first.

    `alone` gives all leads to one.
    """
    tenants = await _found(config, 1 if alone else ORGANIZATIONS)
    await _fill(superuser_url, [tenant.organization_id for tenant in tenants], leads, seed, equal=alone)
    return tenants


async def seed_many(config: Config, superuser_url: str, *, leads: int, seed: int = 1) -> list[Tenant]:
    """Spread the leads evenly, a thousand to an organisation; the others are copied from the first, with its owner."""
    [first] = await _found(config, 1)
    places = [first.organization_id, *(new_id() for _ in range(leads // LEADS_EACH - 1))]
    connection = await asyncpg.connect(**connect_arguments(superuser_url))
    try:
        await connection.execute("SET session_replication_role = replica")
        for statement in _COPIES:
            await connection.execute(statement, first.organization_id, places[1:])
    finally:
        await connection.close()
    await _fill(superuser_url, places, leads, seed, equal=True)
    house = container(config)
    try:
        tokens = await house.get(Tokens)
        bearer = tokens.read(first.token)
        assert bearer is not None
        return [Tenant(place, tokens.issue(replace(bearer, organization_id=place))) for place in places]
    finally:
        await house.close()


async def leads_of(superuser_url: str, tenants: list[Tenant], wanted: int) -> list[tuple[Tenant, UUID]]:
    """Pick leads, the organisations taking turns."""
    each = -(-wanted // len(tenants))
    connection = await asyncpg.connect(**connect_arguments(superuser_url))
    try:
        found = [
            await connection.fetch("SELECT id FROM leads WHERE organization_id = $1 LIMIT $2", t.organization_id, each)
            for t in tenants
        ]
    finally:
        await connection.close()
    taken = [(tenant, rows[n]["id"]) for n in range(each) for tenant, rows in zip(tenants, found, strict=True)
             if n < len(rows)]  # fmt: skip
    return taken[:wanted]


async def _fill(superuser_url: str, places: list[UUID], leads: int, seed: int, *, equal: bool) -> None:
    connection = await asyncpg.connect(**connect_arguments(superuser_url))
    try:
        # The statements below put nothing in that the foreign keys would refuse; checking them doubles the time.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_DATASETS, places)
        await connection.execute(_TAGS, places)
        # An index made from all rows costs a fraction of one that grows row by row, each in another organisation.
        await connection.execute("SET maintenance_work_mem = '512MB'")
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        for first in range(1, leads + 1, BATCH):
            last = min(first + BATCH - 1, leads)
            async with connection.transaction():
                await connection.execute(_DRAW, places, str(seed), first, last, len(places) if equal else 0)
                for statement in (_CONTACTS, _LEADS, _LEAD_TAGS):
                    await connection.execute(statement)
        for index in indexes:
            await connection.execute(index["made"])
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _found(config: Config, organizations: int) -> list[Tenant]:
    tenants = []
    house = container(config)
    try:
        for number in range(1, organizations + 1):
            name = f"Organisation {number}"
            form = Register(email=f"owner{number}@example.com", password=PASSWORD, name=name, organization_name=name)
            async with house({Actor: Actor(new_id()), Cause: Cause()}) as scope:
                signed_in = await (await scope.get(Accounts)).register(form)
            tenants.append(Tenant(signed_in.organization.id, signed_in.token))
    finally:
        await house.close()
    return tenants


def main() -> None:
    """Fill an empty, migrated installation; needs the database's superuser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed", description=main.__doc__)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--superuser-url", help="default: the superuser of the embedded server")
    given = parser.parse_args()
    config = Config.load()
    superuser_url = given.superuser_url or config.owner_database_url.replace("rapport_owner@", "postgres@")
    tenants = asyncio.run(seed(config, superuser_url, leads=given.leads, seed=given.seed))
    print(f"{given.leads} leads in {len(tenants)} organisations; owner1@example.com, {PASSWORD!r}, has the most")


if __name__ == "__main__":
    main()
