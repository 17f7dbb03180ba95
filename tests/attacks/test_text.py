"""Foreign text at every sink for people's eyes: no control character, nothing that turns or hides what is read.

Had: the command line alone was clean; problems, the consent page and the demo's report let marks through that turn the direction of
writing, and no sink minded what nobody sees (zero width, tags, line separators). Has: one function, `core.text.clean`,
at each of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.api import problem
from rowcol.api.callback import page
from rowcol.cli import face as cli_face
from rowcol.core.refusal import BadInput
from rowcol.core.text import clean, clean_line
from rowcol.simulation.report import _plain
from tests.api.rig import face
from tests.cli.rig import Shell

NASTY = "\x1b]0;owned\x07\x1b[2J\u202egnp\u202c\u2066x\u2069\u200bA\ufeff\u2028B\x9b31m\x00\r\U000e0041\x7f"
SEEN = "gnpxAB"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    made("init")
    return made


def is_plain(text: str) -> bool:
    """Nothing but line ends, tabs, and what can be seen; joiners are part of words."""
    return all(
        c in "\n\t\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp")
        for c in text
    ) and not any(c in text for c in "\u202e\u2066\u200b\ufeff\u200e\u061c\U000e0041")


@given(st.text(st.characters(), max_size=200))
def test_whatever_comes_is_plain_after_it(text: str) -> None:
    assert is_plain(clean(text))
    assert "\n" not in clean_line(text)
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    "name", ["Société Générale", "日本の銀行", "می‌خواهم", "👩‍👧 Ltd", "Ünal\tÖz\n"]
)
def test_names_stay_as_they_are_written(name: str) -> None:
    assert clean(name) == name


def test_a_terminal(shell: Shell) -> None:
    shell("business", "add", NASTY.replace("\0", ""), "--external-id", "n-1")
    said = shell("business", "list")
    assert is_plain(said.stdout)
    assert SEEN[0] in said.stdout
    assert is_plain(
        shell("business", "add", "x\x1b[2J\u202e", "--external-id", "n-1", rc=None).stderr
    )


def test_a_question_a_table_and_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    cli_face.table(["name"], [[f"{NASTY}\nrow of theirs"]], empty="")
    cli_face.note(NASTY)
    said = capsys.readouterr()
    assert is_plain(said.out)
    assert is_plain(said.err)
    assert len(said.out.splitlines()) == 2
    assert is_plain(_plain(NASTY).plain)


def test_a_page_and_a_problem() -> None:
    assert is_plain(bytes(page(400, NASTY, f"<b>{NASTY}</b>", NASTY).body).decode())
    told = json.loads(bytes(problem.refused(BadInput(NASTY, NASTY)).body))
    assert is_plain(told["detail"])
    assert is_plain(told["what_to_do"])


async def test_what_a_problem_repeats_of_a_request(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        answer = await it.ask("POST", "/v1/businesses", json={f"x{NASTY}": 1})
        assert answer.status_code == 422
        assert all(is_plain(e["where"]) for e in answer.json()["errors"])
        assert is_plain(answer.json()["detail"])


def test_a_log_line_is_one_line() -> None:
    """Ours and a library's, as `rowcol serve` writes them: an id of a forged key is any text."""
    code = (
        "import sys, json, logging, structlog; from rowcol.cli.logs import to_stderr; to_stderr('info');"
        "text = json.loads(sys.argv[1]); structlog.get_logger().warning('x', key=text); logging.warning('x %s', text)"
    )
    command = [sys.executable, "-c", code, json.dumps(NASTY)]
    said = subprocess.run(command, capture_output=True, check=True).stderr.decode()
    ours, theirs = said.removesuffix("\n").split("\n")
    assert (json.loads(ours)["key"], json.loads(theirs)["event"]) == (NASTY, f"x {NASTY}")
    assert said.isascii()
    assert all(line.isprintable() for line in (ours, theirs))


async def test_metrics_have_no_foreign_text(tmp_path: Path) -> None:
    """Names of businesses and logins, and what strangers put into an address or sign with."""
    async with face(tmp_path) as it:
        body = {"name": f"Canary {NASTY}".replace("\0", ""), "external_id": "canary-1"}
        assert (await it.ask("POST", "/v1/businesses", json=body)).status_code == 201
        for path in (f"canary/{quote(NASTY)}", f"tally/{quote(NASTY)}-canary", "tally/main"):
            headers = {"key": quote(NASTY), "x-canary": "canary"}
            await it.client.post(f"/webhooks/{path}", content=f"canary {NASTY}", headers=headers)
            await it.ask("GET", f"/v1/businesses/canary{quote(NASTY)}/balance")
        text = (await it.ask("GET", "/metrics")).text
        assert 'reception="' in text, text[:900]
        assert is_plain(text)
        assert "canary" not in text.lower()


@pytest.mark.parametrize(
    "code",
    [
        0xAD,
        0x34F,
        0x115F,
        0x1160,
        0x2061,
        0x2064,
        0x206A,
        0x206F,
        0x2800,
        0x3164,
        0xE000,
        0xFFA0,
        0xFE00,
        0xFE0E,
        0xE0100,
        0xE01EF,
        0x1D173,
        0x1D17A,
        0xFFF0,
        0xE0FFF,
    ],
)
def test_what_nobody_sees_is_not_in_a_name(code: int) -> None:
    """Had: two names that look alike were two names."""
    assert chr(code) not in clean(f"Acme{chr(code)} Ltd")


def test_an_emoji_is_not_broken() -> None:
    assert clean("\u2764\ufe0f Ltd") == "\u2764 Ltd"
