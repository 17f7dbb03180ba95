"""Versions: one file per step of the schema, forward only."""
