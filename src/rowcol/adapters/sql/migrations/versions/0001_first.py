"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TYPES: dict[str, TypeEngine[Any]] = {
    "key": KEY,
    "id": KEY,
    "text": sa.Text(),
    "big": sa.BigInteger(),
    "int": sa.Integer(),
    "flag": sa.Boolean(),
    "bytes": sa.LargeBinary(),
}

ROW = (
    "firm:key connection:key entity:key remote_id:key remote_version:text remote_at_us:big? "
    "body:text? deleted:int"
)
TABLES = {
    "firms": "id:key name:text created_at_us:big settings:text",
    "businesses": "firm:key id:key name:text external_id:id created_at_us:big",
    "connections": (
        "id:key firm:id business:id rail:text app:id environment:text remote_id:id "
        "institution:text name:text created_at_us:big state:text retired:int is_paused:flag "
        "token:bytes? previous_token:bytes?"
    ),
    "subjects": (
        "subject:key kind:key firm:id business:id next_at_us:big? owner:text leased_at_us:big "
        "lease_until_us:big fence:big is_paused:flag"
    ),
    "deliveries": (
        "id:key rail:text app:id kind:text dedup_key:id signed_at_us:big? received_at_us:big "
        "body:bytes"
    ),
    "routes": (
        "delivery:key connection:key remote_id:key firm:id app:id state:text received_at_us:big "
        "drained_at_us:big? note:text"
    ),
    "needs": (
        "id:key firm:id business:id connection:id question:text priority:big check_at_us:big "
        "decision:text? cost_micros:big calls:text answered_at_us:big?"
    ),
    "calls": (
        "id:key firm:id business:id? connection:id? rail:text app:text environment:text "
        "endpoint:text cause:text purpose:text? reason:text price_micros:big cost_micros:big "
        "budget_key:text? month:text billed:text? outcome:text? detail:text status:int? "
        "opened_at_us:big settled_at_us:big? remote_request_id:text"
    ),
    "budgets": ("firm:key key:key month:key limit_micros:big spent_micros:big reserved_micros:big"),
    "quotas": "key:key tat_us:big?",
    "decisions": (
        "id:key firm:id business:id connection:id? need:id? policy:text question:text "
        "decision:text cost_micros:big calls:text decided_at_us:big inputs:text"
    ),
    "mirror": ROW,
    "staged": ROW,
    "observations": (
        "firm:key connection:key remote_account:key true_at_us:bigkey source:key balance:key "
        "received_at_us:big call:id?"
    ),
    "latest": (
        "firm:key connection:key remote_account:key slot:key true_at_us:big received_at_us:big "
        "source:text balance:text call:id?"
    ),
    "coverages": "firm:key connection:key scope:key source:key complete_as_of_us:big",
    "account_roles": "firm:key connection:key remote_account:key role:text",
    "verification_keys": "app:key key_id:key jwk:text expired_at_us:big? fetched_at_us:big",
    "tokens": ("token_hash:key firm:id role:text label:text created_at_us:big revoked_at_us:big?"),
    "switches": "name:key reason:text",
}
"""`name:type`, `?` for nullable; `key` and `bigkey` are the primary key in that order."""

INDEXES = (
    ("businesses_external", "businesses", "firm external_id", "external_id <> ''", True),
    ("connections_business", "connections", "firm business", "", False),
    ("connections_remote", "connections", "app remote_id", "", False),
    ("connections_live", "connections", "app remote_id", "retired = 0", True),
    ("subjects_due", "subjects", "lease_until_us is_paused next_at_us", "", False),
    ("deliveries_dedup", "deliveries", "app dedup_key", "", True),
    ("deliveries_received", "deliveries", "received_at_us", "", False),
    ("routes_received", "routes", "connection received_at_us", "state = 'RECEIVED'", False),
    ("routes_unmatched", "routes", "app remote_id", "state = 'UNMATCHED'", False),
    ("routes_firm", "routes", "firm delivery", "", False),
    ("needs_open", "needs", "connection check_at_us", "answered_at_us IS NULL", False),
    ("needs_answered", "needs", "answered_at_us", "answered_at_us IS NOT NULL", False),
    ("calls_firm", "calls", "firm id", "", False),
    ("calls_business", "calls", "firm business id", "", False),
    ("calls_open", "calls", "connection", "settled_at_us IS NULL", False),
    ("calls_cost", "calls", "firm month business cost_micros", "cost_micros > 0", False),
    ("calls_settled", "calls", "settled_at_us", "", False),
    ("decisions_firm", "decisions", "firm id", "", False),
    ("decisions_business", "decisions", "firm business id", "", False),
    ("decisions_decided", "decisions", "decided_at_us", "", False),
    ("tokens_firm", "tokens", "firm", "", False),
)


def _column(spec: str) -> sa.Column[Any]:
    name, kind = spec.rstrip("?").split(":")
    is_key = kind.endswith("key")
    kept = TYPES["big" if kind == "bigkey" else kind]
    is_null = spec.endswith("?")
    return sa.Column(name, kept, primary_key=is_key, autoincrement=False, nullable=is_null)


def upgrade() -> None:
    """Forward only."""
    t = context.config.attributes["tables"]
    for name, columns in TABLES.items():
        parts: list[Any] = [_column(spec) for spec in columns.split()]
        if name == "routes":
            place = "" if t.schema is None else f"{t.schema}."
            parts.append(sa.ForeignKeyConstraint(["delivery"], [f"{place}{t.prefix}deliveries.id"]))
        op.create_table(f"{t.prefix}{name}", *parts, schema=t.schema)
    for name, table, columns, where, is_unique in INDEXES:
        condition = sa.text(where) if where else None
        op.create_index(
            f"{t.prefix}ix_{name}",
            f"{t.prefix}{table}",
            columns.split(),
            unique=is_unique,
            schema=t.schema,
            sqlite_where=condition,
            postgresql_where=condition,
        )
