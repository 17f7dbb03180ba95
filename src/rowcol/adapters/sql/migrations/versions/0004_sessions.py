"""Sessions: links that end at the rail's hosted page, with what they are for and who asks about them. Consents stay as they were."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.types import TypeEngine

revision = "0004"
down_revision = "0003"

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COLUMNS: tuple[tuple[str, TypeEngine[Any], str | None], ...] = (
    ("kind", sa.Text(), None),
    ("target", ID, None),
    ("sealed", sa.LargeBinary(), None),
    ("next_at_us", sa.BigInteger(), None),
    ("polls", sa.BigInteger(), "0"),
    ("owner", sa.Text(), None),
    ("lease_until_us", sa.BigInteger(), "0"),
    ("ended", sa.Text(), None),
    ("is_double_allowed", sa.BigInteger(), "0"),
)
"""Name, type, and what links that are there get; None: null, and null is allowed."""


def upgrade() -> None:
    """Forward only."""
    t = context.config.attributes["tables"]
    links = f"{t.prefix}links"
    for name, kind, before in COLUMNS:
        default = None if before is None else sa.text(before)
        made = sa.Column(name, kind, nullable=before is None, server_default=default)
        op.add_column(links, made, schema=t.schema)
    is_open = sa.text("next_at_us IS NOT NULL")
    op.create_index(
        f"{t.prefix}ix_links_open",
        links,
        ["next_at_us"],
        schema=t.schema,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
