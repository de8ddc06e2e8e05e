"""The least that can store an import's rows: COPY them, ready made, into the same indexed tables."""

from pathlib import Path
from typing import Any
from uuid import UUID

TABLES = ("contacts", "leads", "import_rows")


async def export(connection: Any, folder: Path, import_id: UUID, renamed: dict[UUID, UUID]) -> None:
    """Write the rows that an import made to files, as rows of other owners: ids are replaced by `renamed`."""
    made = f"SELECT lead_id FROM import_rows WHERE import_id = '{import_id}' AND lead_id IS NOT NULL"
    sources = {
        "contacts": f"id IN (SELECT contact_id FROM leads WHERE id IN ({made}))",
        "leads": f"id IN ({made})",
        "import_rows": f"import_id = '{import_id}'",
    }
    for table in TABLES:
        columns = await _columns(connection, table)
        shown = ", ".join(_renamed(column, renamed) for column in columns)
        await connection.copy_from_query(
            f"SELECT {shown} FROM {table} WHERE {sources[table]}",
            output=str(folder / table),
            format="binary",
            timeout=600,
        )


async def copy(connection: Any, folder: Path) -> None:
    """COPY the files into their tables, in one transaction."""
    async with connection.transaction():
        for table in TABLES:
            columns = await _columns(connection, table)
            await connection.copy_to_table(
                table, source=str(folder / table), columns=columns, format="binary", timeout=600
            )


async def _columns(connection: Any, table: str) -> list[str]:
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = 'NEVER'"
        " ORDER BY ordinal_position",
        table,
    )
    return [row[0] for row in rows]


def _renamed(column: str, renamed: dict[UUID, UUID]) -> str:
    if column not in ("organization_id", "dataset_id", "import_id"):
        return column
    cases = " ".join(f"WHEN '{old}' THEN '{new}'::uuid" for old, new in renamed.items())
    return f"CASE {column} {cases} END"
