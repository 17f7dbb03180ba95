"""Tables: the schema as SQLAlchemy Core has it, under a schema or a prefix of the host's choice.

Times are integer microseconds UTC (`*_at_us`), money integers, structured values JSON text, bodies
bytes. `migrations/` makes the same tables; a test holds both together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeEngine

PREFIX = "rowcol_"
_ID = Text().with_variant(Text(collation="C"), "postgresql")
_TYPES: dict[str, TypeEngine[Any]] = {
    "key": _ID,
    "id": _ID,
    "text": Text(),
    "big": BigInteger(),
    "bigkey": BigInteger(),
    "int": Integer(),
    "flag": Boolean(),
    "bytes": LargeBinary(),
}
"""Ids sort by their bytes on every database. `key` and `bigkey` are the primary key, in that order."""

_ROW = """
    firm:key connection:key entity:key remote_id:key
    remote_version:text remote_at_us:big? body:text? deleted:int due_on:id?
"""
"""A tombstone (`deleted` 1) keeps the last body it had: a closed account still has its name; nothing of it is due."""

_COLUMNS = {
    "firms": "id:key name:text created_at_us:big settings:text",
    "businesses": "firm:key id:key name:text external_id:id created_at_us:big",
    "connections": """
        id:key firm:id business:id rail:text app:id environment:text remote_id:id institution:text
        name:text created_at_us:big state:text retired:int is_paused:flag
        token:bytes? previous_token:bytes?
    """,
    # `lease_until_us` 0: nobody holds it. `next_at_us` null: nothing is planned.
    "subjects": """
        subject:key kind:key firm:id business:id next_at_us:big?
        owner:text leased_at_us:big lease_until_us:big fence:big is_paused:flag
    """,
    "deliveries": """
        id:key rail:text app:id kind:text dedup_key:id
        signed_at_us:big? received_at_us:big body:bytes
    """,
    # A row per delivery and connection; `firm` and `connection` are '' while unmatched.
    "routes": """
        delivery:key connection:key remote_id:key firm:id app:id state:text
        received_at_us:big drained_at_us:big? note:text
    """,
    # `priority`: `core.need.priority_of` as one number, smaller goes first. `decision`: the one
    # that ended it, or the one that postponed it last.
    "needs": """
        id:key firm:id business:id connection:id question:text priority:big check_at_us:big
        decision:text? cost_micros:big calls:text answered_at_us:big?
    """,
    "calls": """
        id:key firm:id business:id? connection:id? rail:text app:text environment:text
        endpoint:text cause:text purpose:text? reason:text price_micros:big cost_micros:big
        budget_key:text? month:text billed:text? outcome:text? detail:text status:int?
        opened_at_us:big settled_at_us:big? remote_request_id:text units:big=0 pool_key:id?
    """,
    "budgets": "firm:key key:key month:key limit_micros:big spent_micros:big reserved_micros:big",
    # Over all firms of an app. `limit_units` is the last caller's; 0: nobody was admitted yet.
    "pools": """
        key:key month:key limit_units:big spent_units:big reserved_units:big
        blocked_until_us:big? blocked_reason:text
    """,
    "quotas": "key:key tat_us:big?",
    "decisions": """
        id:key firm:id business:id connection:id? need:id? policy:text question:text decision:text
        cost_micros:big calls:text decided_at_us:big inputs:text
    """,
    "mirror": _ROW,
    "staged": _ROW,
    # Append-only. The key is what makes two looks the same: seen again, it is not written again.
    "observations": """
        firm:key connection:key remote_account:key true_at_us:bigkey source:key balance:key
        received_at_us:big call:id?
    """,
    # The newest per account: `slot` ANY over all sources, LIVE over live looks only.
    "latest": """
        firm:key connection:key remote_account:key slot:key
        true_at_us:big received_at_us:big source:text balance:text call:id?
    """,
    "coverages": "firm:key connection:key scope:key source:key complete_as_of_us:big",
    "account_roles": "firm:key connection:key remote_account:key role:text set_at_us:big=0",
    "account_looks": """
        firm:key connection:key remote_account:key lists:text
        persistent_id:id likeness:id
    """,
    # What people said of two accounts as logins show them; `first` sorts before `second`.
    "account_verdicts": """
        firm:key business:key first_connection:key first_account:key second_connection:key
        second_account:key is_same:int decided_by:text decided_at_us:big
    """,
    "verification_keys": "app:key key_id:key jwk:text expired_at_us:big? fetched_at_us:big",
    "tokens": "token_hash:key firm:id role:text label:text created_at_us:big revoked_at_us:big?",
    "switches": "name:key reason:text",
    "links": """
        id:key state_hash:id firm:id business:id app:id created_at_us:big expires_at_us:big
        used_at_us:big? connection:id? failure:text
        kind:text? target:id? sealed:bytes? next_at_us:big? polls:big=0 owner:text?
        lease_until_us:big=0 ended:text? is_double_allowed:big=0
    """,
}
"""`name:type`, with `?` where null is allowed and `=0` where rows that were there before a column have 0."""

_INDEXES = (
    ("businesses", "external!", "firm external_id", "external_id <> ''"),
    ("connections", "business", "firm business", ""),
    ("connections", "remote", "app remote_id", ""),
    ("connections", "live!", "app remote_id", "retired = 0"),
    ("subjects", "due", "lease_until_us is_paused next_at_us", ""),
    ("deliveries", "dedup!", "app dedup_key", ""),
    ("deliveries", "received", "received_at_us", ""),
    ("routes", "received", "connection received_at_us", "state = 'RECEIVED'"),
    ("routes", "unmatched", "app remote_id", "state = 'UNMATCHED'"),
    ("routes", "firm", "firm delivery", ""),
    ("needs", "open", "connection check_at_us", "answered_at_us IS NULL"),
    ("needs", "answered", "answered_at_us", "answered_at_us IS NOT NULL"),
    ("calls", "firm", "firm id", ""),
    ("calls", "business", "firm business id", ""),
    ("calls", "open", "connection", "settled_at_us IS NULL"),
    ("calls", "cost", "firm month business cost_micros", "cost_micros > 0"),
    ("calls", "settled", "settled_at_us", ""),
    ("calls", "metered", "app settled_at_us", "pool_key IS NOT NULL"),
    ("calls", "units", "firm month", "units > 0"),
    ("mirror", "due", "firm connection entity due_on remote_id", "due_on IS NOT NULL"),
    ("decisions", "firm", "firm id", ""),
    ("decisions", "business", "firm business id", ""),
    ("decisions", "decided", "decided_at_us", ""),
    ("account_looks", "persistent", "firm persistent_id", "persistent_id <> ''"),
    ("account_looks", "likeness", "firm likeness", "likeness <> ''"),
    ("tokens", "firm", "firm", ""),
    ("links", "state!", "state_hash", ""),
    ("links", "open", "next_at_us", "next_at_us IS NOT NULL"),
)
"""Table, name (`!` for unique), columns, and which rows, in SQL that both databases read alike."""


@dataclass(frozen=True, eq=False, slots=True)
class Tables:
    """Every table of one installation. Compared by identity, so that statements can be kept per installation."""

    metadata: MetaData
    schema: str | None
    prefix: str
    is_postgres: bool
    firms: Table
    businesses: Table
    connections: Table
    subjects: Table
    deliveries: Table
    routes: Table
    needs: Table
    calls: Table
    budgets: Table
    pools: Table
    quotas: Table
    decisions: Table
    mirror: Table
    staged: Table
    observations: Table
    latest: Table
    coverages: Table
    account_roles: Table
    account_looks: Table
    account_verdicts: Table
    verification_keys: Table
    tokens: Table
    switches: Table
    links: Table

    @property
    def version_table(self) -> str:
        """Where Alembic keeps our version, apart from the host's."""
        return f"{self.prefix}version"


@cache
def tables(schema: str | None = None, prefix: str = PREFIX, *, is_postgres: bool = False) -> Tables:
    """The tables of an installation; the same object for the same place."""
    metadata = MetaData(schema=schema)
    made: dict[str, Any] = {
        name: Table(f"{prefix}{name}", metadata, *(_column(spec) for spec in specs.split()))
        for name, specs in _COLUMNS.items()
    }
    made["routes"].append_constraint(
        ForeignKeyConstraint([made["routes"].c.delivery], [made["deliveries"].c.id])
    )
    for table, name, columns, where in _INDEXES:
        condition = text(where) if where else None
        Index(
            f"{prefix}ix_{table}_{name.rstrip('!')}",
            *(made[table].c[column] for column in columns.split()),
            unique=name.endswith("!"),
            sqlite_where=condition,
            postgresql_where=condition,
        )
    return Tables(metadata, schema, prefix, is_postgres, **made)


def _column(spec: str) -> Column[Any]:
    name, kind = spec.rstrip("?").removesuffix("=0").split(":")
    is_key = kind.endswith("key")
    return Column(
        name,
        _TYPES[kind],
        primary_key=is_key,
        autoincrement=False,
        nullable=spec.endswith("?"),
        server_default=text("0") if spec.endswith("=0") else None,
    )
