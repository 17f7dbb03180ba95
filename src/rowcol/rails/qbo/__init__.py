"""QuickBooks Online: the books. One metered call a company reads what changed; writes and deliveries are free.

Not here: the emulator (`rowcol.sandbox.qbo`), which must never share a misreading with this adapter.
Start at `rail.py`; what is done and what not is in RAIL.md.
"""
