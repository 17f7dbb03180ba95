"""Listening: a free port, a taken one, and the address in words."""

import sys

import pytest

from rowcol.cli.face import SWITCH_INTERVAL_S
from rowcol.cli.listening import address_of, bound, on_fast_loop
from rowcol.core.refusal import Misconfigured


def test_a_taken_port_is_refused() -> None:
    with bound("127.0.0.1", 0) as made:
        port = made.getsockname()[1]
        assert address_of(made) == f"http://127.0.0.1:{port}"
        with pytest.raises(Misconfigured, match="cannot listen"):
            bound("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65_536), ("\udc80..", 0), ("a\0b", 0)])
def test_what_is_no_address_is_refused(host: str, port: int) -> None:
    with pytest.raises(Misconfigured, match="cannot listen"):
        bound(host, port)


def test_the_service_switches_threads_as_the_bench_says() -> None:
    """Else the bench would measure another service than the one that runs."""
    seen: list[float] = []

    async def look() -> None:
        seen.append(sys.getswitchinterval())

    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    try:
        on_fast_loop(look())
    finally:
        sys.setswitchinterval(before)
    assert seen == [pytest.approx(SWITCH_INTERVAL_S)]
