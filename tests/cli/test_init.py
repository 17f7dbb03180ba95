"""Init: everything once; what is there already is left as it is."""

from __future__ import annotations

import stat
from pathlib import Path

from rowcol.cli.init import settings_text
from tests.cli.rig import Shell

GOLDEN = Path(__file__).parent.parent / "golden" / "rowcol.toml"


def test_it_is_made_once(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    first = shell.json("init", "books", "--firm-name", "Reed & Co")
    assert len(first["token"]) == 43
    key = Path(first["key_file"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(first["config"]).stat().st_mode) == 0o600
    before = {p: p.read_bytes() for p in (key, Path(first["config"]))}
    again = shell.json("init", "books", "--firm-name", "Other")
    assert (again["token"], again["made"], again["firm"]) == (None, [], first["firm"])
    assert before == {p: p.read_bytes() for p in before}


def test_what_is_missing_is_made_good(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init")
    (tmp_path / "rowcol.toml").unlink()
    done = shell.json("init")
    assert done["made"] == [str(tmp_path / "rowcol.toml")]


def test_people_are_told_the_token_once(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert "shown this once" in shell("init").stdout
    assert shell("init").stdout.startswith("already set up")


def test_wrong_use_is_said_in_words(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    (tmp_path / "file").touch()
    for folder in ("file", "file/below"):
        assert "cannot write" in shell("init", folder, rc=2).stderr
    assert "name" in shell("init", "--firm-name", " ", rc=2).stderr
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_settings_file_is_as_agreed() -> None:
    assert settings_text() == GOLDEN.read_text()


def test_the_settings_file_can_be_read(tmp_path: Path) -> None:
    """Also with every line uncommented."""
    import tomllib

    lines = [line.removeprefix("# ") for line in settings_text().splitlines()]
    text = "\n".join(x for x in lines if x.startswith("[") or " = " in x)
    found = tomllib.loads(text)
    assert found["plaid"]["main"]["environment"] == "sandbox"
    assert found["qbo"]["main"]["monthly_calls"] == 500_000
