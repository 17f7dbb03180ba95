"""Listening: a free port, a taken one, and the address in words."""

import pytest

from rowcol.cli.listening import address_of, bound
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
