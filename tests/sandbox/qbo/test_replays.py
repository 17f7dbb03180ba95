"""Replays: retention, and ids that are too long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rowcol.sandbox.clock import DEFAULT_START_AT as NOW
from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.replays import Replays


def test_kept_per_realm_and_for_a_time() -> None:
    replays = Replays(Switches(requestid_retention_s=60))
    replays.keep("1", "r", b"body", b"answer", NOW)
    assert replays.find("1", "r", b"body", NOW) == b"answer"
    assert replays.find("2", "r", b"body", NOW) is None
    assert replays.find("1", "r", b"body", NOW + timedelta(seconds=61)) is None
    with pytest.raises(QboError, match="2050"):
        replays.find("1", "r" * 51, b"", NOW)
