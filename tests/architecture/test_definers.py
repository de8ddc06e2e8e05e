"""Functions that look as the tables' owner, past row-level security, look for the transaction's organisation alone."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from adapters.persistence.database import connect_arguments
from domain.kernel import new_id
from entrypoints.config import Config

pytestmark = pytest.mark.anyio
WITHOUT_CONTENT = {"make_event_partition"}
"""Makes a table and reads none."""

_DEFINERS = """
SELECT p.proname AS name, p.oid::regprocedure::text AS signature, pg_get_functiondef(p.oid) AS definition,
  coalesce(p.proargnames[1], '') AS first,
  array(SELECT format_type(type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS t(type, n) ORDER BY n) AS types,
  EXISTS (SELECT FROM unnest(coalesce(p.proconfig, '{}')) AS setting WHERE setting LIKE 'search_path=%') AS pathed,
  EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0) AS everybodys
FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


@pytest.fixture
async def owning(config: Config) -> AsyncIterator[Any]:
    """Work as the owner in a transaction of a made-up organisation, and undo it."""
    connection = await asyncpg.connect(**connect_arguments(config.owner_database_url))
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(new_id()))
    yield connection
    await transaction.rollback()
    await connection.close()


async def open_functions(connection: Any) -> list[str]:
    """List what such functions let through: anybody's calls, foreign objects in their path, other organisations."""
    found = []
    for row in await connection.fetch(_DEFINERS):
        if row["everybodys"]:
            found.append(f"{row['signature']} may be called by every role")
        if not row["pathed"]:
            found.append(f"{row['signature']} looks names up where its caller says")
        if row["name"] in WITHOUT_CONTENT:
            continue
        if row["first"] != "organization" or row["types"][0] != "uuid":
            found.append(f"{row['signature']} is not told whose rows are meant")
        elif await _answers(connection, row):
            found.append(f"{row['signature']} answers for another organisation than the transaction's")
    return found


async def _answers(connection: Any, row: Any) -> bool:
    others = ", ".join(f"NULL::{kind}" for kind in row["types"][1:])
    call = f"SELECT * FROM {row['name']}($1{', ' if others else ''}{others})"
    try:
        async with connection.transaction():
            await connection.fetch(call, new_id())
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def test_functions_that_look_as_the_owner_are_shut(owning: Any) -> None:
    names = {row["name"] for row in await owning.fetch(_DEFINERS)}
    assert names > WITHOUT_CONTENT, "none was looked at"
    assert await open_functions(owning) == []


@pytest.mark.parametrize(
    ("plant", "complaint"),
    [
        ("GRANT EXECUTE ON FUNCTION {signature} TO PUBLIC", "may be called by every role"),
        ("ALTER FUNCTION {signature} RESET search_path", "looks names up where its caller says"),
        ("{unchecked}", "answers for another organisation than the transaction's"),
    ],
)
async def test_an_opened_function_is_seen(owning: Any, plant: str, complaint: str) -> None:
    searching = [row for row in await owning.fetch(_DEFINERS) if row["name"] not in WITHOUT_CONTENT]
    assert searching
    for row in searching:
        unchecked = row["definition"].replace("RAISE EXCEPTION", "RAISE NOTICE")
        async with owning.transaction():
            await owning.execute(plant.format(signature=row["signature"], unchecked=unchecked))
        assert f"{row['signature']} {complaint}" in await open_functions(owning)


async def test_a_new_function_that_looks_at_everybodys_rows_is_seen(owning: Any) -> None:
    await owning.execute(
        "CREATE FUNCTION planted() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public"
        " AS 'SELECT count(*) FROM contacts'"
    )
    assert set(await open_functions(owning)) == {
        "planted() may be called by every role",
        "planted() is not told whose rows are meant",
    }
