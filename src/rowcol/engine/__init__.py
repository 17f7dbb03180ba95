"""The engine: does everything, decides nothing, names no rail. Start at `reconcile`."""
