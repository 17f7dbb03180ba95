"""Registry: the rails that there are, by the name that settings, URLs and rows use."""

from __future__ import annotations

from rowcol.core.rail import Rail
from rowcol.rails.plaid.rail import Plaid
from rowcol.rails.qbo.rail import Qbo

RAILS: dict[str, Rail] = {"plaid": Plaid(), "qbo": Qbo()}
