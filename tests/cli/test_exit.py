"""Exit: every command ends with a code of the one table, the one that says what became of it."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer
from typer.main import get_command

from rowcol.cli import face, main
from rowcol.cli.face import EXIT_OF, MEANINGS, Exit
from rowcol.core import refusal as refusals
from rowcol.core.refusal import Refusal
from tests.cli.rig import PROGRAM, Shell
from tests.cli.test_books import consented

CLI = Path(face.__file__).parent
RUNS_WITHOUT_A_PLANE = {
    "demo": ("--weeks", "0"),
    "sandbox": ("--virtual", "--speed", "2"),
    "bench ingest": ("--count", "1"),
    "bench read": ("--count", "1"),
    "bench ledger": ("--companies", "0"),
}
"""Commands that would begin to work in an empty folder: with these words they are used wrongly."""
IN_AN_EMPTY_FOLDER = {"init": 0, "db upgrade": 0, "db sql": 0, "db check": 1, "doctor": 1}
"""What needs no plane. Everything else is not set up: 2."""


def commands() -> dict[str, Any]:
    """Every command by its words."""
    found = {}
    for name, command in get_command(main.app).commands.items():  # type: ignore[attr-defined]
        for inner, one in getattr(command, "commands", {"": command}).items():
            found[f"{name} {inner}".strip()] = one
    return found


def classes(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    return [kind, *(each for sub in kind.__subclasses__() for each in classes(sub))]


def refused(kind: type[Refusal]) -> Refusal:
    """One of the class, made without its own constructor: narrower ones want more than words."""
    made = kind.__new__(kind)
    Refusal.__init__(made, "why", "what to do")
    return made


def test_every_code_has_a_meaning_and_help_names_it(tmp_path: Path) -> None:
    assert set(MEANINGS) == set(Exit)
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 130]
    said = " ".join(Shell(tmp_path)("--help").stdout.split())
    for code, meaning in MEANINGS.items():
        assert f"{code:d} {meaning.few_words}" in said


def test_every_refusal_has_one_code() -> None:
    own = {kind for kind in classes() if kind.__module__ == refusals.__name__}
    assert own == set(EXIT_OF)


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_a_command_that_is_refused_ends_with_its_code(
    kind: type[Refusal], capsys: pytest.CaptureFixture[str]
) -> None:
    its = next(each for each in kind.__mro__ if each in EXIT_OF)
    assert face.refuse(refused(kind), is_json=False) is EXIT_OF[its]
    assert "-> what to do" in capsys.readouterr().err


def test_the_tree_of_refusals_tells_the_same_codes() -> None:
    lines = (refusals.__doc__ or "").splitlines()
    told = {
        found[1]: int(found[2])
        for line in lines
        if (found := re.match(r"(?:[|`]- )?(\w+) .*exit (\d)$", line))
    }
    assert told == {kind.__name__: int(code) for kind, code in EXIT_OF.items()}


def test_nothing_ends_a_command_with_a_number_of_its_own() -> None:
    """Whatever is raised to end one, in any module of the command line, is a member of `Exit`."""
    ends, strange = 0, []
    for path in sorted(CLI.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            if ast.unparse(call.func) in ("typer.Exit", "sys.exit", "exit", "SystemExit"):
                ends += 1
                said = [ast.unparse(argument) for argument in call.args]
                if not re.fullmatch(r"(face\.)?Exit\.[A-Z_]+|code", ",".join(said)):
                    strange.append(f"{path.name}:{call.lineno}: {ast.unparse(call)}")
    assert (ends > 8, strange) == (True, [])


@pytest.mark.parametrize("name", commands())
def test_a_word_that_a_command_does_not_know_is_wrong_use(tmp_path: Path, name: str) -> None:
    assert "--no-such-word" in Shell(tmp_path)(*name.split(), "--no-such-word", rc=2).stderr


@pytest.mark.parametrize("name", commands())
def test_every_command_in_an_empty_folder(tmp_path: Path, name: str) -> None:
    wanted = [p for p in commands()[name].params if p.param_type_name == "argument" and p.required]
    more = RUNS_WITHOUT_A_PLANE.get(name, ())
    rc = IN_AN_EMPTY_FOLDER.get(name, 2)
    done = Shell(tmp_path)(*name.split(), *("x" for _ in wanted), *more, rc=rc)
    assert rc != 2 or done.stderr


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """h-1: a bank and books, known. none-1: nothing."""
    made = Shell(tmp_path_factory.mktemp("exit"))
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"])
        for name in ("h-1", "none-1"):
            made("business", "add", f"Business {name}", "--external-id", name)
        made("connect", "plaid", "h-1", "--sandbox")
        begun = made.json("connect", "qbo", "h-1", "--no-wait")
        made("connect", "qbo", "h-1", "--callback", consented(begun["url"]))
        made("read", "h-1", "--force", "--yes")
        made("books", "bills", "h-1")
        yield made


GUARDRAIL = ("--purpose", "guardrail", "--deadline", "1s")


@pytest.mark.parametrize(
    ("words", "rc"),
    [
        (["read", "h-1"], 0),
        (["read", "h-1", *GUARDRAIL], 0),
        (["read", "none-1"], 1),
        (["read", "none-1", *GUARDRAIL], 1),
        (["read", "nobody"], 2),
        (["read", "h-1", "--force"], 2),
        (["books", "bills", "h-1"], 0),
        (["books", "bill", "h-1", "99999"], 1),
        (["books", "bills", "none-1", *GUARDRAIL], 1),
        (["books", "vendors", "nobody"], 2),
        (["books", "bills", "h-1", "--due-until", "soon"], 2),
        (["explain", "none-1"], 0),
        (["cost"], 0),
        (["cost", "--month", "soon"], 2),
        (["doctor"], 0),
        (["doctor", "--config", "none.toml"], 2),
        (["--config", "none.toml", "doctor"], 1),
        (["call", "h-1", "qbo", "companyinfo.get"], 0),
        (["call", "h-1", "qbo", "entity.get", "--data", '{"entity": "Bill"}'], 2),
        (["call", "h-1", "qbo", "entity.get", "--data", '{"entity": "Bill", "id": "99999"}'], 4),
        (["firm", "add", "My firm"], 4),
        (["connect", "plaid", "h-1", "--public-token", "public-none"], 4),
        (["connection", "list", "none-1"], 0),
        (["connection", "webhook", "con_none"], 2),
        (["account", "role", "con_none", "x", "operating"], 2),
        (["inbox", "list"], 0),
        (["inbox", "replay", "del_none"], 2),
        (["resume", "rail", "none"], 2),
    ],
)
def test_what_a_command_ends_with(firm: Shell, words: list[str], rc: int) -> None:
    firm(*words, rc=rc)


def test_a_guardrail_that_is_served_under_a_label_is_told_apart_from_one_that_is_held(
    firm: Shell,
) -> None:
    """A bank that was seen a moment ago and does not answer any more, and none at all."""
    address = firm.environment["ROWCOL_PLAID__MAIN__BASE_URL"]
    firm("business", "add", "seen")
    firm("connect", "plaid", "seen", "--sandbox", "--institution", "ins_109510")
    firm("read", "seen", "--force", "--yes")
    fault = {"knob": "outage", "institution_id": "ins_109510", "hours": 1}
    httpx2.post(f"{address}/_control/faults", json=fault, trust_env=False).raise_for_status()
    firm("read", "seen", "--purpose", "verify", "--deadline", "1s", rc=3)
    labelled = firm.json("read", "seen", *GUARDRAIL, rc=3)
    assert (labelled["action"], bool(labelled["label"])) == ("SERVE", True)
    assert firm.json("read", "none-1", *GUARDRAIL, rc=1)["action"] == "HOLD"


def test_what_a_pause_stops_could_not_be_done_and_reads_go_on(
    firm: Shell,
) -> None:
    firm("pause", "rail", "qbo")
    assert "paused" in firm("call", "h-1", "qbo", "companyinfo.get", rc=4).stderr
    for words in (["bills"], ["vendors"], ["accounts"], ["bill", "1"]):
        said = firm.json("books", words[0], "h-1", *words[1:], "--force", rc=4)["error"]
        assert (said["code"], "resume rail qbo" in said["what_to_do"]) == ("paused", True)
        assert firm.json("books", words[0], "h-1", *words[1:])["action"] == "SERVE"
    firm("resume", "rail", "qbo")
    firm("books", "bills", "h-1", "--force")


def test_a_store_that_somebody_else_holds_could_not_be_asked(firm: Shell) -> None:
    with closing(sqlite3.connect(firm.folder / "rowcol-data" / "rowcol.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert firm.json("business", "add", "New", rc=4)["error"]["code"] == "busy"


def test_a_mistake_of_ours_could_not_be_done(shell: Shell, tmp_path: Path) -> None:
    """A database whose rows are not ours to read; also where its traceback is asked for."""
    broken = Shell(tmp_path)
    broken("init")
    with closing(sqlite3.connect(tmp_path / "rowcol-data" / "rowcol.db")) as other, other:
        other.execute("UPDATE rowcol_firms SET settings = 'no JSON'")
    said = broken("firm", "list", "--json", rc=4)
    assert json.loads(said.stdout)["error"]["code"] == "internal"
    broken.environment["ROWCOL_LOG_LEVEL"] = "debug"
    with pytest.raises(AssertionError, match="Traceback"):
        broken("firm", "list", rc=4)


def test_a_price_that_a_person_does_not_confirm_is_not_paid(firm: Shell) -> None:
    """At a terminal. Without one it is wrong use, as the person may not even have seen it."""
    person, terminal = pty.openpty()
    os.write(person, b"n\n")
    done = subprocess.run(
        [*PROGRAM, "read", "h-1", "--force"],
        cwd=firm.folder,
        env=firm._environment(),
        stdin=terminal,
        capture_output=True,
        text=True,
        timeout=100,
    )
    os.close(person)
    os.close(terminal)
    assert (done.returncode, done.stdout) == (4, "")
    assert "$0.10" in done.stderr
    assert "Nothing was done." in done.stderr


@pytest.mark.parametrize(
    "words", [["firm", "list"], ["firm", "list", "--json"], ["--help"], ["read", "none", "--json"]]
)
def test_nobody_reads_what_is_said(shell: Shell, words: list[str]) -> None:
    """As in `rowcol firm list | head -0`; an answer, an object, a help, a refusal."""
    process = subprocess.Popen(
        [*PROGRAM, *words],
        cwd=shell.folder,
        env=shell._environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 4


@pytest.mark.parametrize(
    ("is_held", "is_labelled", "rc"), [(True, True, 1), (True, False, 1), (False, True, 3)]
)
def test_held_wins_over_labelled(is_held: bool, is_labelled: bool, rc: int) -> None:
    with pytest.raises(typer.Exit) as ended:
        face.end_answer(is_held=is_held, is_labelled=is_labelled)
    assert ended.value.exit_code == rc


def test_the_table_in_the_documents_has_every_code() -> None:
    """It lacked `paused`, `row_unreadable` and `internal`."""
    text = (Path(__file__).parents[2] / "docs" / "reference.md").read_text()
    table = text.partition("cogs.exit_codes()")[2].partition("[[[end]]]")[0]
    rows = {line[2 : line.index(" ", 2)]: line for line in table.splitlines() if "| " in line}
    own = [kind for kind in classes() if kind.__module__.startswith("rowcol.")]
    wanted = {(str(int(face.exit_of_kind(kind))), kind.code) for kind in own} | {("4", "internal")}
    of_http = {"price_unconfirmed"}
    assert [w for w in wanted if w[1] not in of_http and f"`{w[1]}`" not in rows[w[0]]] == []
