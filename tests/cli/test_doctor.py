"""Doctor: several mistakes at once, each with what to do; well when all is well; it calls no rail."""

from __future__ import annotations

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
