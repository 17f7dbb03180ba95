"""The Plaid emulator. `PlaidEmulator` is the state, `plaid_app` its HTTP face, `run_forever` lets time pass by itself."""

from __future__ import annotations

from rowcol.sandbox.plaid.app import plaid_app
from rowcol.sandbox.plaid.billing import Prices
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.items import LinkWish
from rowcol.sandbox.plaid.running import run_forever
from rowcol.sandbox.plaid.switches import Switches

__all__ = ["LinkWish", "PlaidEmulator", "Prices", "Switches", "plaid_app", "run_forever"]
