"""Plaid: cash. Cached balances and the time of their last look are free, a live look is paid for per call.

Not here: the emulator (`rowcol.sandbox.plaid`), which must never share a misreading with this adapter.
Start at `rail.py`; what is done and what not is in RAIL.md.
"""
