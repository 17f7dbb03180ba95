"""Secrets at rest: sealed with the newest key, opened with any, never with none."""

import pytest

from rowcol.adapters.vault import FernetVault, new_key
from rowcol.core.refusal import Misconfigured, Unreadable


def test_round_trip_hides_the_secret() -> None:
    vault = FernetVault([new_key()])
    sealed = vault.seal("access-sandbox-fake")
    assert b"access-sandbox" not in sealed
    opened = vault.open(sealed)
    assert opened.reveal() == "access-sandbox-fake"
    assert "sandbox" not in f"{opened} {opened!r}"


def test_an_old_key_still_opens_after_rotation() -> None:
    old, new = new_key(), new_key()
    sealed = FernetVault([old]).seal("x")
    assert FernetVault([new, old]).open(sealed).reveal() == "x"


def test_without_the_key_it_says_what_to_do() -> None:
    sealed = FernetVault([new_key()]).seal("x")
    with pytest.raises(Unreadable) as refused:
        FernetVault([new_key()]).open(sealed)
    assert "ROWCOL_SECRET_KEYS" in refused.value.what_to_do


def test_a_tampered_secret_does_not_open() -> None:
    vault = FernetVault([new_key()])
    sealed = bytearray(vault.seal("x"))
    sealed[40] ^= 1
    with pytest.raises(Unreadable):
        vault.open(bytes(sealed))


def test_a_key_that_is_none_is_named_but_not_shown() -> None:
    key = new_key()
    with pytest.raises(Misconfigured, match="not a Fernet key") as refused:
        FernetVault([key, "short"])
    assert refused.value.__suppress_context__, "the error below says which text it was"
    assert key not in repr(refused.traceback[-1].frame.f_locals)
