"""How a tenant's table is made: its key holds the organisation, and so does every foreign and unique key."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import conv

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
TENANT = "tenant"


def tenant_table(name: str, *parts: Any, key: tuple[str, ...] = ("organization_id", "id"), **options: Any) -> sa.Table:
    """Make a table whose rows belong to one organisation, under row-level security."""
    columns: list[Any] = [sa.Column("organization_id", sa.Uuid(), nullable=False)]
    if "id" in key:
        columns.append(sa.Column("id", sa.Uuid(), nullable=False))
    return sa.Table(name, metadata, *columns, *parts, sa.PrimaryKeyConstraint(*key), info={TENANT: True}, **options)


def references(column: str, target: str, *, target_column: str = "id", ondelete: str | None = None) -> Any:
    """Point to another row of the same organisation."""
    return sa.ForeignKeyConstraint(
        ["organization_id", column], [f"{target}.organization_id", f"{target}.{target_column}"], ondelete=ondelete
    )


def organization_key() -> Any:
    """Point to the organisation itself."""
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE")


def text(name: str, *, null: bool = False, default: str | None = None, sortable: bool = False) -> sa.Column[Any]:
    """Make a text column; a sortable one compares by bytes, so that prefixes and keysets may use its index."""
    return sa.Column(
        name, sa.Text(collation="C") if sortable else sa.Text(), nullable=null, server_default=_quoted(default)
    )


def _quoted(default: str | None) -> Any:
    return None if default is None else sa.text("'" + default.replace("'", "''") + "'")


def uuid(name: str, *, null: bool = False) -> sa.Column[Any]:
    """Make an id column."""
    return sa.Column(name, sa.Uuid(), nullable=null)


def time(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    """Make a time column, UTC."""
    return sa.Column(
        name, sa.DateTime(timezone=True), nullable=null, server_default=None if default is None else sa.text(default)
    )


def flag(name: str, default: bool = False) -> sa.Column[Any]:
    """Make a yes-or-no column."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text(str(default).lower()))


def number(name: str, *, null: bool = False, default: int | None = None) -> sa.Column[Any]:
    """Make a whole-number column."""
    return sa.Column(
        name, sa.BigInteger(), nullable=null, server_default=None if default is None else sa.text(str(default))
    )


def version() -> sa.Column[Any]:
    """Make the column that optimistic locking compares."""
    return sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1"))


def one_of(column: str, values: Any) -> sa.CheckConstraint:
    """Allow only these words in a column; statuses are text, since an enum's operators are not leakproof."""
    allowed = ", ".join(f"'{v}'" for v in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=column)


def index(name: str, *expressions: Any, **options: Any) -> sa.Index:
    """Name an index outright."""
    return sa.Index(conv(name), *expressions, **options)
