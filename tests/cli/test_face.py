"""Face: aligned columns when piped, exit codes by the kind of refusal."""

import json

import pytest

from rowcol.cli import face
from rowcol.core.refusal import BadInput, Busy, Conflict, Misconfigured, NotFound, RailRefused


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    face.table(("name", "n"), [("a", 1), ("long", 200)], empty="none")
    assert capsys.readouterr().out == "NAME    N\na       1\nlong  200\n"


def test_an_empty_table_is_a_sentence_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    face.table(("name",), [], empty="none yet")
    assert capsys.readouterr() == ("", "none yet\n")
    face.table(("name",), [], empty="")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("refusal", "rc"),
    [(BadInput, 2), (NotFound, 2), (Misconfigured, 2), (Busy, 1), (Conflict, 1), (RailRefused, 1)],
)
def test_exit_codes(refusal: type[BadInput], rc: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert face.refuse(refusal("why", "what to do"), is_json=True) == rc
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["message"] == "why"
    assert "what to do" in said.err
