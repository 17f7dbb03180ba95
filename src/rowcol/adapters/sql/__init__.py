"""SQL: the store on SQLite or PostgreSQL. Start with `store.py`; `open_sqlite`, `open_url` and `open_engine` make one."""

from rowcol.adapters.sql.opening import open_engine, open_sqlite, open_url
from rowcol.adapters.sql.store import SqlStore

__all__ = ["SqlStore", "open_engine", "open_sqlite", "open_url"]
