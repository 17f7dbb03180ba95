"""Main: help at once, wrong use is 2 with words and never a traceback, and `--json` is pure."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rowcol import __version__
from rowcol.cli.main import app
from tests.cli.rig import Shell

HEAVY = frozenset(
    [
        "rich",
        "structlog",
        "sqlalchemy",
        "fastapi",
        "starlette",
        "uvicorn",
        "pydantic",
        "msgspec",
        "cryptography",
        "jwt",
        "httpx2",
        "numpy",
        "holidays",
        "alembic",
        "prometheus_client",
        "asyncio",
    ]
)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from rowcol.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "typer" in loaded
    assert not sorted(loaded & HEAVY)


def test_examples_name_the_business_that_the_example_of_adding_one_makes() -> None:
    """Whether or not it is given an id of the firm's own."""
    from typer.main import get_command

    said = 0
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {"": command})
        examples = {e for one in inner.values() for e in (one.epilog or "").split("  |  ")}
        for example in examples:
            words = shlex.split(example.partition("rowcol ")[2])
            at = 1 if "" in inner else 2
            asked = inner.get("" if at == 1 else words[1]) if words[0] == name else None
            if asked is not None and "business" in [p.name for p in asked.params]:
                assert words[at] == "Harbor Dental", example
                said += 1
    assert said > 15


def test_every_command_has_help_and_an_example(tmp_path: Path) -> None:
    from typer.main import get_command

    group = get_command(app)
    assert len(group.commands) == 22  # type: ignore[attr-defined]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        for one in getattr(command, "commands", {"": command}).values():
            first = (one.epilog or "").partition("xample")[2].partition("rowcol ")[2]
            words = f"{name} {one.name}" if one is not command else name
            assert f"{first} ".startswith(f"{words} "), (words, one.epilog)
            options = {o for parameter in one.params for o in parameter.opts}
            assert "--json" in options, (name, one.name)


def test_version(tmp_path: Path) -> None:
    assert Shell(tmp_path)("--version").stdout == f"rowcol {__version__}\n"


@pytest.mark.parametrize(
    "wrong", [["nothing"], ["read"], ["read", "x", "--nothing"], ["token", "create"], ["db"], []]
)
def test_wrong_use_is_2(tmp_path: Path, wrong: list[str]) -> None:
    refused = Shell(tmp_path)(*wrong, rc=2)
    assert "Usage:" in refused.stdout + refused.stderr
    assert not list(tmp_path.iterdir()), "nothing was made"


def test_as_a_process(tmp_path: Path) -> None:
    """What the other tests do within this process, once as it is."""
    shell = Shell(tmp_path)
    made = shell.process("init", "--json")
    assert len(made.stdout.splitlines()) == 1
    json.loads(made.stdout)
    shell.process("read", "nobody", rc=2)
    done = shell.process("business", "add", "Empty", "--json")
    assert json.loads(done.stdout)["name"] == "Empty"
    assert shell.process("read", "Empty", rc=1).stderr == ""
    assert shell.process("nothing", rc=2).stdout == ""


def test_a_refusal_says_what_to_do(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    done = shell("business", "list", rc=2)
    assert "rowcol init" in done.stderr
    assert done.stdout == ""
    done = shell("business", "list", "--json", rc=2)
    assert json.loads(done.stdout)["error"]["code"] == "misconfigured"


def test_a_settings_file_elsewhere(shell: Shell, tmp_path: Path) -> None:
    elsewhere = Shell(tmp_path)
    (row,) = elsewhere.lines("--config", str(shell.folder / "rowcol.toml"), "firm", "list")
    assert row["name"] == "Reed & Co"
    done = elsewhere("--config", "nowhere.toml", "firm", "list", rc=2)
    assert "nowhere.toml does not exist" in done.stderr
