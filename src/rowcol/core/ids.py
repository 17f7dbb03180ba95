"""Ids: ours are prefixed and opaque; a rail's own begin with `remote_` wherever they appear."""

from __future__ import annotations

from typing import NewType

FirmId = NewType("FirmId", str)
"""The tenant. First argument of every `Store` method."""
BusinessId = NewType("BusinessId", str)
"""One client business of a firm."""
ConnectionId = NewType("ConnectionId", str)
"""One login at one rail (a Plaid Item, a QBO company, a Ramp business)."""
AppId = NewType("AppId", str)
"""One set of credentials at one rail and environment; keys, prices and month pools hang on it."""
NeedId = NewType("NeedId", str)
CallId = NewType("CallId", str)
DeliveryId = NewType("DeliveryId", str)
DecisionId = NewType("DecisionId", str)
RemoteId = NewType("RemoteId", str)
"""An id that a rail gave: opaque, case sensitive, never interpreted."""
