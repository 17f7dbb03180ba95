"""The database file under a running service, and one that is gone at the next start.

A file that was deleted, replaced or cut short, or has lost its log: had 200 for every webhook and "ok" from readyz for as
long as the process lived, all of it lost with it; has 503 for both from the next request on, and 200 again once the file is
back, after a start if it was written to. A start beside a key without its database: had a new, empty database; has a refusal that says how to restore.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import sqlite3
import stat
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from rowcol.adapters.sql import open_sqlite
from rowcol.core.records import Firm
from rowcol.core.refusal import Busy, Misconfigured
from tests.cli.rig import Shell
from tests.fakes import T0
from tests.rig import FIRM

VERIFIER = "verifier-of-a-test"
DELIVERY = Path(__file__).parents[1] / "deliveries" / "qbo" / "account.created.json"
QBO = {
    "ROWCOL_QBO__MAIN__CLIENT_ID": "client",
    "ROWCOL_QBO__MAIN__SECRET": "secret-of-a-test",
    "ROWCOL_QBO__MAIN__VERIFIER_TOKEN": VERIFIER,
}


def asked(url: str, body: bytes | None = None) -> tuple[int, str]:
    """A GET, or a signed webhook: the status and the text."""
    headers = {}
    if body is not None:
        digest = hmac.new(VERIFIER.encode(), body, hashlib.sha256).digest()
        headers = {"intuit-signature": base64.b64encode(digest).decode()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_a_service_notices_what_happens_to_its_file(tmp_path: Path) -> None:
    """Each is tried on one process: taken away, found out, put back, forgiven; what was acknowledged is there in the end."""
    shell = Shell(tmp_path, QBO)
    token = shell.json("init")["token"]
    file, aside = tmp_path / "rowcol-data" / "rowcol.db", tmp_path / "aside"
    sent = 0

    def delivered(url: str) -> int:
        nonlocal sent
        sent += 1
        return asked(f"{url}/webhooks/qbo/main", DELIVERY.read_bytes() + b" " * sent)[0]

    def ready(url: str, status: int) -> str:
        """The text once it has this status: an answer is kept for a second."""
        for _ in range(5000):
            if (found := asked(f"{url}/readyz"))[0] == status:
                return found[1]
        raise AssertionError(f"never {status}")

    acknowledged = 0
    with shell.running("serve", "--port", "0") as service:
        url = service["address"]
        for name, why in (("", "deleted"), ("", "replaced"), ("-wal", "log"), ("-shm", "log")):
            place = Path(f"{file}{name}")
            assert delivered(url) == 200
            acknowledged += 1
            ready(url, 200)
            place.rename(aside)
            if why == "replaced":
                shutil.copy(aside, place)
            assert delivered(url) == 503
            request = urllib.request.Request(
                f"{url}/v1/businesses", headers={"authorization": f"Bearer {token}"}
            )
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            with refused.value as answer:
                assert (answer.code, why in answer.read().decode()) == (503, True)
            assert why in ready(url, 503)
            aside.rename(place)
        assert delivered(url) == 200
        acknowledged += 1
        whole = file.read_bytes()
        os.truncate(file, 8192)
        assert delivered(url) == 503
        file.write_bytes(
            whole
        )  # the same file, so that its log fits; who wrote it nobody can tell while it is open
        assert delivered(url) == 503
    with closing(sqlite3.connect(file)) as stored:
        assert stored.execute("SELECT count(*) FROM rowcol_deliveries").fetchone() == (
            acknowledged,
        )


async def test_what_was_acknowledged_before_the_log_was_deleted_is_kept(tmp_path: Path) -> None:
    """Stopped in order, as the refusal says: had one of two firms lost, as a later write went into another log."""
    path = tmp_path / "x.db"
    store = await open_sqlite(path)
    await store.add_firm(Firm(FIRM, "Kept", T0))
    for side in (path.with_name("x.db-wal"), path.with_name("x.db-shm")):
        side.unlink()
    with pytest.raises(Busy, match="lost its log"):
        await store.list_firms()
    await store.close()
    again = await open_sqlite(path)
    assert [firm.name for firm in await again.list_firms()] == ["Kept"]
    await again.close()


def spoilt(path: Path, pages: list[int], page_bytes: int) -> None:
    """As a disk does it: without a word in the file's times."""
    before = path.stat()
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * page_bytes)
            file.write(b"\xa5" * page_bytes)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


async def test_a_damaged_page_is_an_alarm_until_the_next_start(tmp_path: Path) -> None:
    """Had "ok" from readyz and a line of level info; has "damaged", whatever can still be read."""
    path = tmp_path / "x.db"
    await (await open_sqlite(path)).close()
    with closing(sqlite3.connect(path)) as file:
        roots = "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'rowcol_firms'"
        pages = [page for (page,) in file.execute(roots)]
        (page_bytes,) = file.execute("PRAGMA page_size").fetchone()
    store = await open_sqlite(path)
    await store.probe()
    spoilt(path, pages, page_bytes)
    with pytest.raises(Misconfigured, match="damaged"):
        await store.list_firms()
    assert await store.read_switches() == {}
    with pytest.raises(Misconfigured, match="damaged"):
        await store.probe()
    await store.close()


def test_a_vanished_or_empty_database_is_not_made_anew(tmp_path: Path) -> None:
    """By nobody: had a new, empty one from each of these."""
    shell = Shell(tmp_path, QBO)
    shell("init")
    file = tmp_path / "rowcol-data" / "rowcol.db"
    backup = file.read_bytes()
    for is_empty in (False, True):
        file.unlink(missing_ok=True)
        if is_empty:
            file.touch()
        for words in (["serve", "--port", "0"], ["business", "list"], ["db", "upgrade"], ["init"]):
            said = shell.json(*words, rc=2)["error"]
            assert "beside it, so there was a database" in said["message"]
            assert "put a backup in its place" in said["what_to_do"]
        assert "put a backup in its place" in shell("doctor", rc=1).stdout
        assert (file.exists(), file.exists() and file.stat().st_size) == (is_empty, 0)
    file.write_bytes(backup)
    assert shell.lines("business", "list") == []


def test_a_folder_that_is_not_mounted_gets_no_database(tmp_path: Path) -> None:
    """Keys in the environment, nothing on the disk: had an empty database in which a firm's webhooks were nobody's."""
    shell = Shell(tmp_path)
    shell("init", "elsewhere")
    key = (tmp_path / "elsewhere" / "rowcol-data" / "rowcol.key").read_text().strip()
    shell.environment = {**QBO, "ROWCOL_SECRET_KEYS": key}
    for words in (["serve", "--port", "0"], ["business", "list"]):
        said = shell.json(*words, rc=2)["error"]
        assert "mounted" in said["what_to_do"]
    assert [p.name for p in tmp_path.iterdir()] == ["elsewhere"]


@pytest.mark.parametrize("words", [["init"], ["db", "upgrade"]])
def test_the_database_is_its_owner_s_whatever_the_umask(tmp_path: Path, words: list[str]) -> None:
    """Had 0644; has 0600, its log too."""
    shell, before = Shell(tmp_path), os.umask(0)
    try:
        shell(*words)
    finally:
        os.umask(before)
    folder = tmp_path / "rowcol-data"
    with closing(sqlite3.connect(folder / "rowcol.db")) as file:
        file.execute("BEGIN IMMEDIATE")
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
    assert len(modes) >= 3
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("attack", ["cut", "cut in part", "other", "older"])
def test_a_log_that_was_cut_and_a_file_that_was_overwritten(tmp_path: Path, attack: str) -> None:
    """In place, so that no inode changes. Had 200 for every webhook and for readyz, and a stop that wrote the log into
    the other file; has 503 for both until the next start, and the other file as it was put."""
    shell = Shell(tmp_path, QBO)
    shell("init")
    shell("init", "other")
    file = tmp_path / "rowcol-data" / "rowcol.db"
    log = file.with_name("rowcol.db-wal")
    older = file.read_bytes()
    other = (tmp_path / "other" / "rowcol-data" / "rowcol.db").read_bytes()
    bodies = iter([DELIVERY.read_bytes() + b" " * n for n in range(99)])

    def delivered(url: str) -> int:
        return asked(f"{url}/webhooks/qbo/main", next(bodies))[0]

    with shell.running("serve", "--port", "0") as service:
        url = service["address"]
        assert {delivered(url) for _ in range(9)} == {200}
        with closing(
            sqlite3.connect(file)
        ) as beside:  # another process's checkpoints are no attack
            beside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            assert delivered(url) == 200
            beside.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            assert {delivered(url) for _ in range(3)} == {200}
        put = file.read_bytes()
        if "cut" in attack:
            os.truncate(log, 0 if attack == "cut" else log.stat().st_size - 4096)
        else:
            put = other if attack == "other" else older
            file.write_bytes(put)
        assert {delivered(url) for _ in range(5)} == {503}
        while (found := asked(f"{url}/readyz"))[0] == 200:
            continue
        assert ("cut short" if "cut" in attack else "overwritten") in found[1]
    assert file.read_bytes() == put


async def test_after_damage_nothing_is_acknowledged(tmp_path: Path) -> None:
    """Had: whatever lay on other pages was."""
    path = tmp_path / "x.db"
    await (await open_sqlite(path)).close()
    with closing(sqlite3.connect(path)) as file:
        roots = "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'rowcol_firms'"
        pages = [page for (page,) in file.execute(roots)]
    store = await open_sqlite(path)
    await store.set_switch("a", "before")
    spoilt(path, pages, 4096)
    with pytest.raises(Misconfigured, match="damaged"):
        await store.list_firms()
    with pytest.raises(Misconfigured, match="damaged"):
        await store.set_switch("a", "after")
    assert await store.read_switches() == {"a": "before"}
    await store.close()
