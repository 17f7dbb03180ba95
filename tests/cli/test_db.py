"""Db: checked, upgraded, printed."""

import stat
from pathlib import Path

from tests.cli.rig import Shell


def test_check_and_upgrade(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert shell.json("db", "check", rc=1) == {"state": "MISSING"}
    assert "its disk mounted?" in shell("db", "check", rc=1).stderr, "had no next step"
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        assert shell.json("db", "upgrade") == {"state": "CURRENT"}
    assert shell("db", "check").stdout == "the tables are CURRENT\n"
    assert stat.S_IMODE((tmp_path / "rowcol-data").stat().st_mode) == 0o700
    shell.environment["ROWCOL_DATA_DIR"] = str(tmp_path / "rowcol-data" / "rowcol.db" / "below")
    assert "cannot write" in shell("db", "upgrade", rc=2).stderr


def test_sql(shell: Shell) -> None:
    assert "CREATE TABLE" in shell("db", "sql").stdout
    assert "rowcol_" in shell.json("db", "sql", "--dialect", "postgresql")["sql"]
    shell("db", "sql", "--dialect", "oracle", rc=2)
