"""Settings and files that somebody wrote badly: no password is said, and each has the advice that fits.

| what                                                | had                                        | has                          |
|-----------------------------------------------------|--------------------------------------------|------------------------------|
| an address with a quote, a blank or < in a password | `doctor` showed it                         | refused, and hidden          |
| settings of a firm without its database, and `init` | a new, empty database                      | refused, but for `--new`     |
| a folder in the place of the database               | "may not be opened", tried again and again | a refusal at once            |
| a key file of bytes that are no text                | advice on its mode                         | "restore it"                 |
| a limit on the size of files                        | "the disk does not work"                   | "free some space, .. limits" |
"""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rowcol.adapters.sql.executor import refusal_of
from rowcol.core.refusal import Refusal
from rowcol.core.secret import redacted
from tests.cli.rig import Shell


@pytest.mark.parametrize(
    "said",
    [
        "https://u:hun'ter2@h.example is none",
        'https://u:hun"ter2@h.example is none',
        "https://u:hun ter2@h.example is none",
        "https://u:hun<ter2@h.example is none",
        "https://u:hun'ter2@x@h.example is none",
        "//u:hunter2@h.example",
        "host=db password=hunter2 dbname=x",
        "password='hun ter2' host=db",
    ],
)
def test_a_password_is_hidden_whatever_is_in_it(said: str) -> None:
    hidden = redacted(said)
    assert "ter2" not in hidden
    assert "***" in hidden
    assert redacted(hidden) == hidden


@pytest.mark.parametrize("mark", ["'", '"', " ", "<"])
def test_settings_refuse_such_an_address(tmp_path: Path, mark: str) -> None:
    shell = Shell(tmp_path)
    shell("init")
    shell.environment = {"ROWCOL_PUBLIC_URL": f"https://u:hun{mark}ter2@h.example"}
    said = shell("doctor", rc=None)
    assert said.returncode
    assert "ter2" not in said.stdout + said.stderr


def test_init_makes_no_database_for_settings_of_a_firm(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init")
    (tmp_path / "rowcol-data").rename(tmp_path / "not-mounted")
    with (tmp_path / "rowcol.toml").open("a") as file:
        file.write('\n[plaid.main]\nclient_id = "c"\nsecret = "s"\nenvironment = "sandbox"\n')
    said = shell.json("init", rc=2)["error"]
    assert "mounted" in said["what_to_do"]
    assert not (tmp_path / "rowcol-data" / "rowcol.db").exists()
    assert shell.json("init", "--new")["token"]


def test_a_folder_in_the_place_of_the_database_and_a_key_of_junk(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init")
    (tmp_path / "rowcol-data" / "rowcol.key").write_bytes(b"\xff\xfe\x00\x9c" * 20)
    said = shell("doctor", rc=None).stdout
    assert "is no key file" in said
    assert "0600" not in said
    file = tmp_path / "rowcol-data" / "rowcol.db"
    file.unlink()
    file.mkdir()
    assert "is a folder" in shell.json("serve", "--port", "0", rc=2)["error"]["message"]


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    path, before = tmp_path / "x.db", resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE t (x)")
        file.isolation_level = None  # each statement by itself
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
        try:
            with pytest.raises(sqlite3.OperationalError) as full:
                file.execute("INSERT INTO t VALUES (zeroblob(1000000))")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    found = refusal_of(full.value)
    assert isinstance(found, Refusal)
    assert "free some space" in found.what_to_do
