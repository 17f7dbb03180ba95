"""Doctor: several mistakes at once, each with what to do; well when all is well; it calls no rail."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.rig import Shell


def test_several_mistakes_at_once(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init")
    (tmp_path / "rowcol.toml").write_text(
        'prot = 1\npublic_url = "nowhere"\n[plaid.main]\nsecret = "x"\n'
    )
    shell.environment = {"ROWCOL_PORT": "many", "ROWCOL_POLIZY": "ttl", "ROWCOL_SECRET_KEYS": "abc"}
    out = shell.json("doctor", rc=1)
    wrong = {f["about"]: f for f in out["findings"] if f["verdict"] == "wrong"}
    assert set(wrong) == {
        "setting ROWCOL_POLIZY",
        "setting ROWCOL_PROT",
        "setting ROWCOL_PUBLIC_URL",
        "setting ROWCOL_PLAID__MAIN__CLIENT_ID",
        "setting ROWCOL_PORT",
        "setting ROWCOL_SECRET_KEYS",
    }
    assert all(f["what_to_do"] for f in wrong.values())
    assert wrong["setting ROWCOL_POLIZY"]["what_to_do"] == "did you mean ROWCOL_POLICY?"


def test_nothing_set_up(tmp_path: Path) -> None:
    done = Shell(tmp_path)("doctor", rc=1)
    assert "WRONG secret keys" in done.stdout
    assert "WRONG apps" in done.stdout
    assert "WRONG database" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_settings_file_that_is_none_is_not_called_well(tmp_path: Path) -> None:
    for wrong in ("none.toml", "."):
        out = Shell(tmp_path).json("--config", wrong, "doctor", rc=1)
        assert [f["verdict"] for f in out["findings"]] == ["wrong"]


def test_a_key_that_others_may_read(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / shell.json("init")["key_file"]).chmod(0o644)
    assert "chmod 600" in shell("doctor", rc=1).stdout


def test_well(connected: Shell) -> None:
    out = connected.json("doctor")
    assert out["is_well"] is True
    about = {f["about"]: f for f in out["findings"]}
    assert about["database"]["verdict"] == "ok"
    assert about["prices of plaid"]["verdict"] == "note"


def test_credentials_in_addresses_are_hidden(tmp_path: Path) -> None:
    """Had them in full, five times."""
    shell = Shell(tmp_path)
    shell("init")
    shell.environment = {
        "ROWCOL_PUBLIC_URL": "https://hook:hunter-2@rowcol.example",
        "ROWCOL_PLAID__MAIN__CLIENT_ID": "client",
        "ROWCOL_PLAID__MAIN__SECRET": "hunter-2",
        "ROWCOL_QBO__MAIN__CLIENT_ID": "client",
        "ROWCOL_QBO__MAIN__SECRET": "hunter-2",
    }
    for words in (["doctor"], ["doctor", "--json"]):
        told = shell(*words, rc=None).stdout
        assert "https://***@rowcol.example/webhooks/plaid/main" in told
        assert "hunter" not in told
    shell.environment = {"ROWCOL_DATABASE_URL": "postgresql://u:pass:hunter-2@127.0.0.1:9/x"}
    for words in (["doctor"], ["db", "check"], ["db", "upgrade"], ["business", "list"]):
        for more in ([], ["--json"]):
            said = shell(*words, *more, rc=None)
            assert said.returncode in (1, 2, 4)
            assert "hunter" not in said.stdout + said.stderr


def test_damaged_pages_and_loose_modes_are_wrong(tmp_path: Path) -> None:
    """Had exit code 0 and "the tables fit this release"."""
    shell = Shell(tmp_path)
    shell("init")
    file = tmp_path / "rowcol-data" / "rowcol.db"
    file.chmod(0o640)
    assert "chmod 600 rowcol-data/rowcol.db" in shell("doctor", rc=1).stdout
    file.chmod(0o600)
    with closing(sqlite3.connect(file)) as database:
        roots = "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'rowcol_observations'"
        pages = [page for (page,) in database.execute(roots)]
        (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as raw:
        for page in pages:
            raw.seek((page - 1) * page_bytes)
            raw.write(b"\xa5" * page_bytes)
    found = {f["about"]: f for f in shell.json("doctor", rc=1)["findings"]}
    assert found["database pages"]["verdict"] == "wrong"
    assert "restore a backup" in found["database pages"]["what_to_do"]
