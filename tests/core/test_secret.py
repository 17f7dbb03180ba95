"""A secret shows itself only where it is asked to: not in reprs, not in a traceback that prints locals."""

from __future__ import annotations

import traceback

import pytest

from rowcol.core.secret import Secret, unseen

PLAIN = "access-sandbox-fake"


def test_it_shows_itself_only_when_asked() -> None:
    secret = Secret(PLAIN)
    assert secret.reveal() == PLAIN
    assert "fake" not in f"{secret} {secret!r} {[secret]} {secret:}"
    assert not isinstance(secret, str)
    assert not hasattr(secret, "__dict__")


def parsed(token: str) -> int:
    try:
        return int(token)
    except ValueError:
        raise KeyError(0) from None


def test_an_error_keeps_its_lines_but_not_the_locals() -> None:
    kept = "of the caller"
    with pytest.raises(KeyError) as raised, unseen():
        parsed(PLAIN)
    told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    shown = "".join(told.format())
    assert "raise KeyError(0)" in shown
    assert PLAIN not in shown
    assert kept in shown
    below = raised.value.__context__
    assert below is not None
    told = traceback.TracebackException.from_exception(below, capture_locals=True)
    assert not any(frame.locals for frame in told.stack), "also of what it came of"


def test_without_an_error_nothing_happens() -> None:
    with unseen():
        assert parsed("7") == 7
