"""Tables: the schema as SQLAlchemy Core has it, under a schema or a prefix of the host's choice.

Times are integer microseconds UTC (`*_at_us`), money integers, structured values JSON text, bodies
bytes. `migrations/` makes the same tables; a test holds both together. Start with `Tables`.
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

PREFIX = "rowcol_"
KEY = Text().with_variant(Text(collation="C"), "postgresql")
"""Ids sort by their bytes on every database."""


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
    quotas: Table
    decisions: Table
    mirror: Table
    staged: Table
    observations: Table
    latest: Table
    coverages: Table
    account_roles: Table
    verification_keys: Table
    tokens: Table
    switches: Table

    @property
    def version_table(self) -> str:
        """Where Alembic keeps our version, apart from the host's."""
        return f"{self.prefix}version"


class _Made:
    """Makes tables under one schema and prefix."""

    def __init__(self, schema: str | None, prefix: str) -> None:
        self.metadata = MetaData(schema=schema)
        self._schema = schema
        self._prefix = prefix

    def table(self, name: str, *parts: Column[Any] | ForeignKeyConstraint) -> Table:
        return Table(f"{self._prefix}{name}", self.metadata, *parts)

    def index(
        self, name: str, *columns: Column[Any], where: str = "", unique: bool = False
    ) -> None:
        """`where` must be SQL that both databases read alike."""
        condition = text(where) if where else None
        Index(
            f"{self._prefix}ix_{name}",
            *columns,
            unique=unique,
            sqlite_where=condition,
            postgresql_where=condition,
        )

    def target(self, name: str, column: str) -> str:
        full = f"{self._prefix}{name}.{column}"
        return full if self._schema is None else f"{self._schema}.{full}"


def _key(name: str) -> Column[str]:
    return Column(name, KEY, primary_key=True)


def _id(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, KEY, nullable=null)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


@cache
def tables(schema: str | None = None, prefix: str = PREFIX, *, is_postgres: bool = False) -> Tables:
    """The tables of an installation; the same object for the same place."""
    made = _Made(schema, prefix)
    return Tables(
        metadata=made.metadata,
        schema=schema,
        prefix=prefix,
        is_postgres=is_postgres,
        firms=made.table(
            "firms", _key("id"), _text("name"), _big("created_at_us"), _text("settings")
        ),
        businesses=_businesses(made),
        connections=_connections(made),
        subjects=_subjects(made),
        deliveries=_deliveries(made),
        routes=_routes(made),
        needs=_needs(made),
        calls=_calls(made),
        budgets=made.table(
            "budgets",
            _key("firm"),
            _key("key"),
            _key("month"),
            _big("limit_micros"),
            _big("spent_micros"),
            _big("reserved_micros"),
        ),
        quotas=made.table("quotas", _key("key"), _big("tat_us", null=True)),
        decisions=_decisions(made),
        mirror=_rows(made, "mirror"),
        staged=_rows(made, "staged"),
        observations=_observations(made),
        latest=_latest(made),
        coverages=made.table(
            "coverages",
            _key("firm"),
            _key("connection"),
            _key("scope"),
            _key("source"),
            _big("complete_as_of_us"),
        ),
        account_roles=made.table(
            "account_roles", _key("firm"), _key("connection"), _key("remote_account"), _text("role")
        ),
        verification_keys=made.table(
            "verification_keys",
            _key("app"),
            _key("key_id"),
            _text("jwk"),
            _big("expired_at_us", null=True),
            _big("fetched_at_us"),
        ),
        tokens=_tokens(made),
        switches=made.table("switches", _key("name"), _text("reason")),
    )


def _businesses(made: _Made) -> Table:
    table = made.table(
        "businesses",
        _key("firm"),
        _key("id"),
        _text("name"),
        _id("external_id"),
        _big("created_at_us"),
    )
    made.index(
        "businesses_external",
        table.c.firm,
        table.c.external_id,
        where="external_id <> ''",
        unique=True,
    )
    return table


def _connections(made: _Made) -> Table:
    table = made.table(
        "connections",
        _key("id"),
        _id("firm"),
        _id("business"),
        _text("rail"),
        _id("app"),
        _text("environment"),
        _id("remote_id"),
        _text("institution"),
        _text("name"),
        _big("created_at_us"),
        _text("state"),
        Column("retired", Integer, nullable=False),
        _flag("is_paused"),
        Column("token", LargeBinary, nullable=True),
        Column("previous_token", LargeBinary, nullable=True),
    )
    made.index("connections_business", table.c.firm, table.c.business)
    made.index("connections_remote", table.c.app, table.c.remote_id)
    made.index("connections_live", table.c.app, table.c.remote_id, where="retired = 0", unique=True)
    return table


def _subjects(made: _Made) -> Table:
    """`lease_until_us` 0: nobody holds it. `next_at_us` null: nothing is planned, only rows make it due."""
    table = made.table(
        "subjects",
        _key("subject"),
        _key("kind"),
        _id("firm"),
        _id("business"),
        _big("next_at_us", null=True),
        _text("owner"),
        _big("leased_at_us"),
        _big("lease_until_us"),
        _big("fence"),
        _flag("is_paused"),
    )
    made.index("subjects_due", table.c.lease_until_us, table.c.is_paused, table.c.next_at_us)
    return table


def _deliveries(made: _Made) -> Table:
    table = made.table(
        "deliveries",
        _key("id"),
        _text("rail"),
        _id("app"),
        _text("kind"),
        _id("dedup_key"),
        _big("signed_at_us", null=True),
        _big("received_at_us"),
        Column("body", LargeBinary, nullable=False),
    )
    made.index("deliveries_dedup", table.c.app, table.c.dedup_key, unique=True)
    return table


def _routes(made: _Made) -> Table:
    """A row per delivery and connection; `firm` and `connection` are '' while unmatched."""
    table = made.table(
        "routes",
        _key("delivery"),
        _key("connection"),
        _key("remote_id"),
        _id("firm"),
        _id("app"),
        _text("state"),
        _big("received_at_us"),
        _big("drained_at_us", null=True),
        _text("note"),
        ForeignKeyConstraint(["delivery"], [made.target("deliveries", "id")]),
    )
    made.index(
        "routes_received", table.c.connection, table.c.received_at_us, where="state = 'RECEIVED'"
    )
    made.index("routes_unmatched", table.c.app, table.c.remote_id, where="state = 'UNMATCHED'")
    made.index("routes_firm", table.c.firm, table.c.delivery)
    return table


def _needs(made: _Made) -> Table:
    """`decision`: the one that ended it, or the one that postponed it last."""
    table = made.table(
        "needs",
        _key("id"),
        _id("firm"),
        _id("business"),
        _id("connection"),
        _text("question"),
        _big("check_at_us"),
        _text("decision", null=True),
        _big("cost_micros"),
        _text("calls"),
        _big("answered_at_us", null=True),
    )
    made.index(
        "needs_open", table.c.connection, table.c.check_at_us, where="answered_at_us IS NULL"
    )
    made.index("needs_answered", table.c.answered_at_us, where="answered_at_us IS NOT NULL")
    return table


def _calls(made: _Made) -> Table:
    table = made.table(
        "calls",
        _key("id"),
        _id("firm"),
        _id("business", null=True),
        _id("connection", null=True),
        _text("rail"),
        _text("app"),
        _text("environment"),
        _text("endpoint"),
        _text("cause"),
        _text("purpose", null=True),
        _text("reason"),
        _big("price_micros"),
        _big("cost_micros"),
        _text("budget_key", null=True),
        _text("month"),
        _text("billed", null=True),
        _text("outcome", null=True),
        _text("detail"),
        Column("status", Integer, nullable=True),
        _big("opened_at_us"),
        _big("settled_at_us", null=True),
        _text("remote_request_id"),
    )
    made.index("calls_firm", table.c.firm, table.c.id)
    made.index("calls_business", table.c.firm, table.c.business, table.c.id)
    made.index("calls_open", table.c.connection, where="settled_at_us IS NULL")
    made.index("calls_settled", table.c.settled_at_us)
    return table


def _decisions(made: _Made) -> Table:
    table = made.table(
        "decisions",
        _key("id"),
        _id("firm"),
        _id("business"),
        _id("connection", null=True),
        _id("need", null=True),
        _text("policy"),
        _text("question"),
        _text("decision"),
        _big("cost_micros"),
        _text("calls"),
        _big("decided_at_us"),
        _text("inputs"),
    )
    made.index("decisions_firm", table.c.firm, table.c.id)
    made.index("decisions_business", table.c.firm, table.c.business, table.c.id)
    made.index("decisions_decided", table.c.decided_at_us)
    return table


def _rows(made: _Made, name: str) -> Table:
    """A tombstone (`deleted` 1) keeps the last body it had: a closed account still has its name."""
    return made.table(
        name,
        _key("firm"),
        _key("connection"),
        _key("entity"),
        _key("remote_id"),
        _text("remote_version"),
        _big("remote_at_us", null=True),
        _text("body", null=True),
        Column("deleted", Integer, nullable=False),
    )


def _observations(made: _Made) -> Table:
    """Append-only. The key is what makes two looks the same: seen again, it is not written again."""
    return made.table(
        "observations",
        _key("firm"),
        _key("connection"),
        _key("remote_account"),
        Column("true_at_us", BigInteger, primary_key=True, autoincrement=False),
        _key("source"),
        _key("balance"),
        _big("received_at_us"),
        _id("call", null=True),
    )


def _latest(made: _Made) -> Table:
    """The newest observation per account: `slot` ANY over all sources, LIVE over live looks only."""
    return made.table(
        "latest",
        _key("firm"),
        _key("connection"),
        _key("remote_account"),
        _key("slot"),
        _big("true_at_us"),
        _big("received_at_us"),
        _text("source"),
        _text("balance"),
        _id("call", null=True),
    )


def _tokens(made: _Made) -> Table:
    table = made.table(
        "tokens",
        _key("token_hash"),
        _id("firm"),
        _text("role"),
        _text("label"),
        _big("created_at_us"),
        _big("revoked_at_us", null=True),
    )
    made.index("tokens_firm", table.c.firm)
    return table
