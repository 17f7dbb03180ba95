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


def test_the_latest_are_kept() -> None:
    replays = Replays(Switches(), kept_max=2)
    for name in ("a", "b", "a", "c"):
        replays.keep("1", name, b"body", name.encode(), NOW)
    found = [replays.find("1", name, b"body", NOW) for name in "abc"]
    assert found == [b"a", None, b"c"]


def test_what_is_over_is_forgotten() -> None:
    replays = Replays(Switches(requestid_retention_s=60))
    for n in range(1_000):
        replays.keep("1", str(n), b"body", b"answer", NOW + timedelta(seconds=n))
    assert len(replays) == 61
    assert len(Replays(Switches())) == 0
