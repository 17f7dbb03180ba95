"""Memory: the store in plain dicts, for simulations and tests. Same contract as SQL; values are frozen, so nothing is copied."""

from rowcol.adapters.memory.store import MemoryStore

__all__ = ["MemoryStore"]
