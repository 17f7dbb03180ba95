"""Emulators of the rails over one consistent world. Never imports `rowcol.rails`. Start with `world` and `plaid`."""
