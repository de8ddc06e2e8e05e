"""Plans that a connection made when the tables were smaller."""

from typing import Any


async def forget_plans(connection: Any) -> None:
    """Let PostgreSQL plan each statement, and each check of a foreign key, by the tables' size of now.

    A connection keeps generic plans, and those of its foreign keys' checks, until ANALYZE comes by, up to a minute
    later. One from before a large import may walk a whole table for each row that is written or removed.
    """
    await connection.execute("DISCARD PLANS")
