"""Consenting: the address that a person brings back is read, whole or in part; a command that waits takes it itself."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from typing import IO

import httpx2
import pytest

from rowcol.cli.consenting import answers_of
from rowcol.core.refusal import BadInput
from tests.cli.rig import PROGRAM, Shell
from tests.ports import free_port
from tests.waiting import HANG_S

ANSWERS = {"code": "AB1", "state": "s-1", "realmId": "9341452345678901234"}
QUERY = "code=AB1&state=s-1&realmId=9341452345678901234"


@pytest.mark.parametrize(
    "text", [f"http://localhost:8700/oauth/qbo/callback?{QUERY}", QUERY, f"  {QUERY}\n"]
)
def test_what_a_browser_shows(text: str) -> None:
    assert answers_of(text) == ANSWERS


@pytest.mark.parametrize("text", ["", "http://localhost:8700/", "code=AB1&realmId=1", "hello"])
def test_what_it_is_not(text: str) -> None:
    with pytest.raises(BadInput, match="not the address"):
        answers_of(text)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """With the emulators, a business, and a port that nobody listens on."""
    made = Shell(tmp_path_factory.mktemp("consenting"))
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"], ROWCOL_PORT=str(free_port()))
        made("business", "add", "Harbor Dental", "--external-id", "h-1")
        yield made


@contextlib.contextmanager
def waiting(shell: Shell, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """`rowcol connect qbo` while it waits; its stdout."""
    process = subprocess.Popen(
        [*PROGRAM, "connect", "qbo", "h-1", "--json", *arguments],
        cwd=shell.folder,
        env=shell._environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        try:
            yield process, process.stdout
        finally:
            process.kill()


def sent_back(url: str) -> str:
    """Where the emulated consent screen sends a browser."""
    answer = httpx2.get(url, follow_redirects=False, trust_env=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].replace("//localhost:", "//127.0.0.1:")


def test_a_command_that_waits_takes_the_callback(books: Shell) -> None:
    with waiting(books) as (process, out):
        address = sent_back(json.loads(out.readline())["url"])
        page = httpx2.get(address, trust_env=False)
        assert (page.status_code, "Connected" in page.text) == (200, True)
        elsewhere = httpx2.get(address.partition("/oauth")[0] + "/v1/board", trust_env=False)
        assert elsewhere.status_code == 404, "nothing but the callback is served"
        assert json.loads(out.readline())["rail"] == "qbo"
        assert process.wait(timeout=HANG_S) == 0


def test_where_the_port_is_taken_the_store_is_asked(books: Shell) -> None:
    with books.running("serve") as service, waiting(books) as (process, out):
        address = sent_back(json.loads(out.readline())["url"])
        assert address.startswith(service["address"])
        assert httpx2.get(address, trust_env=False).status_code == 200
        assert json.loads(out.readline())["health"] == "OK"
        assert process.wait(timeout=HANG_S) == 0


def test_what_was_pasted_completes_it(books: Shell) -> None:
    with waiting(books, "--paste") as (process, out):
        address = sent_back(json.loads(out.readline())["url"])
        assert process.stdin is not None
        process.stdin.write(address + "\n")
        process.stdin.flush()
        assert json.loads(out.readline())["rail"] == "qbo"
        assert process.wait(timeout=HANG_S) == 0


def test_who_pastes_may_stop(books: Shell) -> None:
    with waiting(books, "--paste") as (process, out):
        out.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=HANG_S) == 130


def test_nobody_came_and_interrupted(books: Shell) -> None:
    assert "--timeout 'soon'" in books("connect", "qbo", "h-1", "--timeout", "soon", rc=2).stderr
    done = books("connect", "qbo", "h-1", "--timeout", "1s", rc=4)
    assert "nobody came back" in done.stderr
    with waiting(books) as (process, out):
        out.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=HANG_S) == 130
