"""Settings: every mistake named with its variable, all at once; arguments over environment over file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rowcol.adapters.vault import new_key
from rowcol.settings import Mistake, WrongSettings, is_key, load


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder and no variables of ours."""
    import os

    for name in list(os.environ):
        if name.startswith("ROWCOL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mistakes(**overrides: object) -> dict[str, Mistake]:
    with pytest.raises(WrongSettings) as wrong:
        load(**overrides)
    return {m.variable: m for m in wrong.value.mistakes}


def test_defaults() -> None:
    settings = load()
    assert (settings.data_dir, settings.port, settings.policy) == (
        Path("rowcol-data"),
        8700,
        "evidence",
    )


def test_precedence(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "rowcol.toml").write_text('port = 1\nhost = "::1"\nconcurrency = 2\n')
    monkeypatch.setenv("ROWCOL_PORT", "2")
    monkeypatch.setenv("ROWCOL_HOST", "0.0.0.0")
    settings = load(port=3)
    assert (settings.port, settings.host, settings.concurrency) == (3, "0.0.0.0", 2)


def test_the_parts_of_an_app_may_come_from_both(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "rowcol.toml").write_text('[plaid.main]\nclient_id = "id"\n')
    monkeypatch.setenv("ROWCOL_PLAID__MAIN__SECRET", "s")
    keys = load().plaid["main"]
    assert (keys.client_id, keys.secret.get_secret_value()) == ("id", "s")
    assert "'s'" not in repr(load())


def test_a_file_elsewhere_has_its_own_folder(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "etc").mkdir()
    (bare / "etc" / "r.toml").write_text('data_dir = "d"\n')
    monkeypatch.setenv("ROWCOL_CONFIG", str(bare / "etc" / "r.toml"))
    assert load().data_dir == bare / "etc" / "d"


def test_keys_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = new_key(), new_key()
    monkeypatch.setenv("ROWCOL_SECRET_KEYS", f" {first}, {second},")
    assert [k.get_secret_value() for k in load().secret_keys] == [first, second]
    assert is_key(first)
    assert not is_key("abc")
    assert not is_key("ä")


def test_all_at_once(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "rowcol.toml").write_text(
        'prot = 1\npublic_url = "x"\ndatabase_url = "mysql://x"\n'
        '[plaid.main]\nenviroment = "sandbox"\n[plaid."a b"]\nclient_id = "x"\nsecret = "x"\n'
    )
    monkeypatch.setenv("ROWCOL_PORT", "70000")
    monkeypatch.setenv("ROWCOL_SECRET_KEYS", "short")
    monkeypatch.setenv("ROWCOL_POLIC", "ttl")
    found = mistakes()
    assert set(found) == {
        "ROWCOL_PROT",
        "ROWCOL_PUBLIC_URL",
        "ROWCOL_DATABASE_URL",
        "ROWCOL_PLAID__MAIN__CLIENT_ID",
        "ROWCOL_PLAID__MAIN__SECRET",
        "ROWCOL_PLAID__MAIN__ENVIROMENT",
        "ROWCOL_PORT",
        "ROWCOL_SECRET_KEYS",
        "ROWCOL_POLIC",
    }
    assert all(m.what_to_do for m in found.values())
    assert found["ROWCOL_PLAID__MAIN__ENVIROMENT"].what_to_do.endswith("ENVIRONMENT?")
    assert "short" not in str(found)


def test_emulated_needs_an_address() -> None:
    keys = {"client_id": "x", "secret": "x", "environment": "emulated"}
    (mistake,) = mistakes(plaid={"main": keys}).values()
    assert mistake.variable == "ROWCOL_PLAID__MAIN__BASE_URL"
    assert load(plaid={"main": {**keys, "base_url": "http://127.0.0.1:1/"}}).plaid[
        "main"
    ].base_url == ("http://127.0.0.1:1")


def test_a_file_that_is_not_toml_is_named_with_its_line(bare: Path) -> None:
    (bare / "rowcol.toml").write_text("port = 1\nhost = \n")
    (mistake,) = mistakes().values()
    assert "line 2" in mistake.message


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(
    bare: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    if content is not None:
        (bare / "x.toml").write_bytes(content)
    monkeypatch.setenv("ROWCOL_CONFIG", str(bare / "x.toml"))
    (mistake,) = mistakes().values()
    assert "does not exist" in mistake.message or "UTF-8" in mistake.message


def test_mistakes_in_the_keys_of_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("CLIENT_ID", "x"),
        ("MONTHLY_CALLS", "many"),
        ("CDC_METERING", "free"),
        ("VERIFYER_TOKEN", "t"),
    ):
        monkeypatch.setenv(f"ROWCOL_QBO__MAIN__{name}", value)
    found = mistakes()
    stem = "ROWCOL_QBO__MAIN__"
    names = ("SECRET", "MONTHLY_CALLS", "CDC_METERING", "VERIFYER_TOKEN")
    assert set(found) == {stem + name for name in names}
    assert found[f"{stem}VERIFYER_TOKEN"].what_to_do == f"did you mean {stem}VERIFIER_TOKEN?"


def test_a_variable_that_should_be_a_table(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWCOL_PLAID", "xx")
    assert "ROWCOL_PLAID__MAIN__CLIENT_ID" in mistakes()["ROWCOL_PLAID"].what_to_do


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Had Python's own words, and `correct it`."""
    monkeypatch.setenv("ROWCOL_TRUSTED_PROXIES", "127.0.0.1,my-proxy")
    message = mistakes()["ROWCOL_TRUSTED_PROXIES"].message
    assert message == "'my-proxy': give an address or network, such as 10.0.0.4 or 10.0.0.0/8"
