"""Process: the server of the bench starts on a core of its own, tells its port, and ends with the bench."""

import socket
from pathlib import Path

import pytest

from rowcol.core.refusal import Misconfigured
from rowcol.simulation.bench.process import cores, server
from tests.waiting import HANG_S


def test_the_floor_answers_and_ends(tmp_path: Path) -> None:
    with (
        server("floor", tmp_path, cores()[0]) as port,
        socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as asked,
    ):
        asked.sendall(b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        assert asked.recv(100).startswith(b"HTTP/1.1 200")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=HANG_S)


def test_a_server_that_does_not_start_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="did not start"), server("service", tmp_path, 0):
        pass
