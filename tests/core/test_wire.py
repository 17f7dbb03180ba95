"""Wire: what may have been done, and what never gets into a log."""

from __future__ import annotations

import pytest

from rowcol.core.wire import NoAnswer, RawDelivery, Request, Response, Silence
from tests.core.builders import NOW


@pytest.mark.parametrize("silence", Silence)
def test_only_what_was_not_sent_is_surely_not_done(silence: Silence) -> None:
    assert NoAnswer(silence, NOW, NOW).is_possibly_done is (silence is not Silence.NOT_SENT)


def test_secrets_and_bodies_are_not_in_the_repr() -> None:
    values = (
        Request("POST", "/x", {"authorization": "private"}, b"private", 10),
        Response(200, {}, b"private", NOW, NOW),
        RawDelivery({"signature": "private"}, b"private", NOW),
    )
    assert "private" not in repr(values)
