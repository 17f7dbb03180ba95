"""Conftest: how every test runs. Fakes are in `tests.fakes`, strategies beside the tests of their values."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no failure; a failing example is printed so that it can be run again anywhere.
settings.register_profile(
    "rowcol", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rowcol")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so, and the programs that tests start would inherit it: Ctrl-C in vain.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give all tests marked `serial` to one worker, so that no two of them meet."""
    for item in items:
        if item.get_closest_marker("serial"):
            item.add_marker(pytest.mark.xdist_group("serial"))
