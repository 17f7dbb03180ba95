"""Faults: whom a spell strikes, how often, and until when."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from rowcol.sandbox.clock import DEFAULT_START_AT as NOW
from rowcol.sandbox.qbo import faults as module
from rowcol.sandbox.qbo.faults import Fault, Faults


def test_so_many_times_for_one_realm_and_operation() -> None:
    faults = Faults()
    faults.next(Fault.HTML, 2, realm_id="1", operation="cdc")
    assert faults.take("2", "cdc", NOW) is None
    assert faults.take("1", "query", NOW) is None
    found = [faults.take("1", "cdc", NOW) for _ in range(3)]
    assert found == [Fault.HTML, Fault.HTML, None]


def test_for_a_while() -> None:
    faults = Faults()
    faults.for_a_while("error_500", NOW + timedelta(minutes=1))
    assert faults.take("1", "read", NOW) is Fault.ERROR_500
    assert faults.take("1", "token", NOW) is None
    assert faults.take("1", "read", NOW + timedelta(minutes=1)) is None
    assert faults.report() == []


def test_an_outage_begins_and_strikes_the_token_endpoint() -> None:
    faults = Faults()
    faults.outage(NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    assert faults.take("1", "token", NOW) is None
    assert faults.take("1", "token", NOW + timedelta(hours=1)) is Fault.ERROR_503
    faults.clear()
    assert faults.take("1", "token", NOW + timedelta(hours=1)) is None


def test_a_missing_refresh_token_strikes_the_token_endpoint_only() -> None:
    faults = Faults()
    faults.next(Fault.NO_REFRESH_TOKEN)
    assert faults.take("1", "cdc", NOW) is None
    assert faults.take("1", "token", NOW) is Fault.NO_REFRESH_TOKEN


def test_every_fault_is_in_the_table() -> None:
    row = re.compile(r"^\| ([a-z0-9_, ]+) \| (?:yes|no) \|", re.MULTILINE)
    firsts = row.findall(module.__doc__ or "")
    assert sorted(name for first in firsts for name in first.split(", ")) == sorted(Fault)


@pytest.mark.parametrize("fault", module.CODED)
def test_a_refusal_of_the_api_never_strikes_the_token_endpoint(fault: Fault) -> None:
    faults = Faults()
    faults.next(fault, operation="*")
    assert faults.take("1", "token", NOW) is None
    assert faults.take("1", "cdc", NOW) is fault
    with pytest.raises(ValueError, match="token endpoint"):
        faults.next(fault, operation="token")
    assert faults.report() == []


def test_a_spell_that_could_never_strike_is_refused() -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="no operation 'qeury'"):
        faults.next(Fault.HTML, operation="qeury")
    with pytest.raises(ValueError, match="at least 1"):
        faults.next(Fault.HTML, 0)
    assert faults.report() == []
