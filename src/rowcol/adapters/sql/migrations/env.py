"""Alembic's environment for our tables only: own version table, own schema or prefix. Run by `schema.py`, never by a host."""

from typing import Any

from alembic import context

from rowcol.adapters.sql.tables import Tables

t: Tables = context.config.attributes["tables"]
conn = context.config.attributes["connection"]
dialect = "postgresql" if t.is_postgres else "sqlite"
common: dict[str, Any] = {
    "target_metadata": t.metadata,
    "version_table": t.version_table,
    "version_table_schema": t.schema,
}

if conn is None:
    context.configure(dialect_name=dialect, literal_binds=True, **common)
    with context.begin_transaction():
        context.run_migrations()
else:
    context.configure(connection=conn, transactional_ddl=False, **common)
    context.run_migrations()
