"""Books: pools of metered calls, consents on their way, and due dates in the mirror. Rows that were there stay as they were."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TYPES: dict[str, TypeEngine[Any]] = {
    "key": KEY,
    "id": KEY,
    "text": sa.Text(),
    "big": sa.BigInteger(),
}
TABLES = {
    "pools": (
        "key:key month:key limit_units:big spent_units:big reserved_units:big "
        "blocked_until_us:big? blocked_reason:text"
    ),
    "links": (
        "id:key state_hash:id firm:id business:id app:id created_at_us:big expires_at_us:big "
        "used_at_us:big? connection:id? failure:text"
    ),
}
COLUMNS = (
    ("calls", "units:big=0"),
    ("calls", "pool_key:id?"),
    ("mirror", "due_on:id?"),
    ("staged", "due_on:id?"),
)
"""`name:type`, `?` for nullable, `=0` for what rows that are there get."""

INDEXES = (
    ("calls", "metered", "app settled_at_us", "pool_key IS NOT NULL", False),
    ("calls", "units", "firm month", "units > 0", False),
    ("mirror", "due", "firm connection entity due_on remote_id", "due_on IS NOT NULL", False),
    ("links", "state", "state_hash", "", True),
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
