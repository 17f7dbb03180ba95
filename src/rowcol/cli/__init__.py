"""CLI: `rowcol`, one file a noun. Start at `main`; what is slow to import is imported inside the commands."""
