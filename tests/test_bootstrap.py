"""Bootstrap: opened and closed in order; what is missing is said with what to do, and nothing is left open."""

from __future__ import annotations

from pathlib import Path

import pytest

from rowcol.bootstrap import KEY_FILE, Plane, apps_of, open_store, secret_keys
from rowcol.core.refusal import Misconfigured
from rowcol.settings import load
from tests.rig import settings

KEYS = {"client_id": "x", "secret": "y", "environment": "sandbox"}


async def test_a_plane_opens_and_closes(tmp_path: Path) -> None:
    for is_first in (True, False):
        async with Plane.open(settings(tmp_path), may_be_new=is_first) as plane:
            assert await plane.store.list_firms() == ()
    assert (tmp_path / "rowcol.db").exists()


async def test_a_host_whose_disk_is_not_mounted_gets_no_database(tmp_path: Path) -> None:
    """Keys in the environment: had an empty one, in which a firm's webhooks were nobody's, each with a 200."""
    with pytest.raises(Misconfigured, match="does not exist") as refused:
        async with Plane.open(settings(tmp_path / "x")):
            raise AssertionError
    assert "mounted" in refused.value.what_to_do
    (tmp_path / KEY_FILE).write_text("key")
    with pytest.raises(Misconfigured, match=f"{KEY_FILE} lies beside it, so there was a database"):
        async with Plane.open(settings(tmp_path), may_be_new=True):
            raise AssertionError
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "rowcol.db").exists()


async def test_without_a_key_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no secret key"):
        async with Plane.open(load(data_dir=tmp_path / "x"), may_be_new=True):
            raise AssertionError
    assert not (tmp_path / "x").exists()


def test_the_key_file(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("new\n\nold\n")
    assert secret_keys(load(data_dir=tmp_path)) == ("new", "old")
    (tmp_path / KEY_FILE).write_bytes(b"\xff")
    with pytest.raises(Misconfigured, match="is no key file"):
        secret_keys(load(data_dir=tmp_path))


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot be made"):
        await open_store(load(data_dir=tmp_path / "file" / "x"))


def test_apps(tmp_path: Path) -> None:
    made = settings(tmp_path, plaid={"main": KEYS}, public_url="https://r.example")
    (app,) = apps_of(made)
    assert app.webhook_url == "https://r.example/webhooks/plaid/main"
    assert app.base_url.startswith("https://sandbox")
    (silent,) = apps_of(settings(tmp_path, plaid={"main": KEYS}))
    assert silent.webhook_url == ""


def test_an_app_of_the_books(tmp_path: Path) -> None:
    """Its id is another than that of the first rail's app of the same name; both are reached by their own."""
    made = settings(
        tmp_path, plaid={"main": KEYS}, qbo={"main": KEYS}, public_url="https://r.example"
    )
    first, books = apps_of(made)
    assert (first.id, books.id, books.name) == ("main", "qbo-main", "main")
    assert books.webhook_url == "https://r.example/webhooks/qbo/main"
    assert books.callback_url == "https://r.example/oauth/qbo/callback"
    assert (books.pool_limit, books.metering) == (500_000, {"cdc": "entity"})
    (alone,) = apps_of(settings(tmp_path, qbo={"main": KEYS}, port=8765))
    assert alone.callback_url == "http://localhost:8765/oauth/qbo/callback"


def test_two_apps_of_one_id_are_refused(tmp_path: Path) -> None:
    made = settings(tmp_path, plaid={"qbo-main": KEYS}, qbo={"main": KEYS})
    with pytest.raises(Misconfigured, match="would both be the app 'qbo-main'") as refused:
        apps_of(made)
    assert "another name" in refused.value.what_to_do
