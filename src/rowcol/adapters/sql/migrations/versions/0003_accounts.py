"""Accounts: which answers showed them, what people said of two that may be one, and when a role was given."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TYPES: dict[str, TypeEngine[Any]] = {
    "key": KEY,
    "id": KEY,
    "text": sa.Text(),
    "big": sa.BigInteger(),
    "int": sa.Integer(),
}
TABLES = {
    "account_looks": (
        "firm:key connection:key remote_account:key lists:text persistent_id:id likeness:id"
    ),
    "account_verdicts": (
        "firm:key business:key first_connection:key first_account:key second_connection:key "
        "second_account:key is_same:int decided_by:text decided_at_us:big"
    ),
}
COLUMNS = (("account_roles", "set_at_us:big=0"),)
"""`name:type`, `?` for nullable, `=0` for what rows that are there get."""

INDEXES = (
    ("account_looks", "persistent", "firm persistent_id", "persistent_id <> ''", False),
    ("account_looks", "likeness", "firm likeness", "likeness <> ''", False),
)


def _column(spec: str) -> sa.Column[Any]:
    name, kind = spec.rstrip("?").removesuffix("=0").split(":")
    return sa.Column(
        name,
        TYPES[kind],
        primary_key=kind == "key",
        autoincrement=False,
        nullable=spec.endswith("?"),
        server_default=sa.text("0") if spec.endswith("=0") else None,
    )


def upgrade() -> None:
    """Forward only."""
    t = context.config.attributes["tables"]
    for name, columns in TABLES.items():
        made = [_column(spec) for spec in columns.split()]
        op.create_table(f"{t.prefix}{name}", *made, schema=t.schema)
    for name, spec in COLUMNS:
        op.add_column(f"{t.prefix}{name}", _column(spec), schema=t.schema)
    for table, name, covered, where, is_unique in INDEXES:
        condition = sa.text(where) if where else None
        op.create_index(
            f"{t.prefix}ix_{table}_{name}",
            f"{t.prefix}{table}",
            covered.split(),
            unique=is_unique,
            schema=t.schema,
            sqlite_where=condition,
            postgresql_where=condition,
        )
