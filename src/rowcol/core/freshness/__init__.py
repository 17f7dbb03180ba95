"""Freshness: how old an answer may be, and what to do about it. Start at `policy`, then `evidence`."""
