"""The free-running mode of the Plaid emulator; it is that of any emulator."""

from __future__ import annotations

from rowcol.sandbox.running import run_forever

__all__ = ["run_forever"]
