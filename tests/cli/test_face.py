"""Face: aligned columns when piped, and what a refusal says. What commands end with is in test_exit.py."""

import json

import pytest

from rowcol.cli import face
from rowcol.core.refusal import BadInput


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    face.table(("name", "n"), [("a", 1), ("long", 200)], empty="none")
    assert capsys.readouterr().out == "NAME    N\na       1\nlong  200\n"


def test_an_empty_table_is_a_sentence_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    face.table(("name",), [], empty="none yet")
    assert capsys.readouterr() == ("", "none yet\n")
    face.table(("name",), [], empty="")
    assert capsys.readouterr() == ("", "")


def test_a_refusal_says_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert face.refuse(BadInput("why", "what to do"), is_json=True) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["message"] == "why"
    assert "what to do" in said.err


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("Müller & Söhne 株式会社", "Müller & Söhne 株式会社"),
        ("a\nb\tc", "a\nb\tc"),
        ("\x1b[2Jgone", "\ufffd[2Jgone"),
        ("\x9b2Jgone", "\ufffd2Jgone"),
        ("over\rwritten", "over\ufffdwritten"),
        ("pay \u202e00.01", "pay \ufffd00.01"),
        ("\u2066hidden\u2069", "\ufffdhidden\ufffd"),
    ],
)
def test_a_terminal_gets_no_orders_from_foreign_text(
    capsys: pytest.CaptureFixture[str], foreign: str, shown: str
) -> None:
    face.say(foreign)
    face.note(foreign)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")


def test_a_line_end_in_a_cell_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    face.table(("name",), [("a\nb\x1b[1m",)], empty="none")
    assert capsys.readouterr().out.count("\n") == 2
    face.table(("name",), [("a\x1b[1m",)], empty="none")
    assert "\x1b" not in capsys.readouterr().out
