"""The QuickBooks Online emulator. `QboEmulator` is the state, `qbo_app` its HTTP face for all of Intuit's hosts."""

from __future__ import annotations

from rowcol.sandbox.qbo.app import qbo_app
from rowcol.sandbox.qbo.emulator import QboClient, QboEmulator
from rowcol.sandbox.qbo.faults import Fault
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.webhooks import Weather
from rowcol.sandbox.running import run_forever

__all__ = ["Fault", "QboClient", "QboEmulator", "Switches", "Weather", "qbo_app", "run_forever"]
