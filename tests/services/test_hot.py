"""Hot answers: bounded, per firm, and gone when told."""

from datetime import timedelta
from typing import Any, cast

from rowcol.core.ids import BusinessId, FirmId
from rowcol.engine.answer import Answer
from rowcol.services.hot import HotAnswers, Kept
from tests.fakes import T0

FIRM, OTHER, BUSINESS = FirmId("f"), FirmId("g"), BusinessId("b")
ANSWER = cast(Answer, cast(Any, object()))
KEPT = Kept(ANSWER, T0 + timedelta(seconds=1))


def test_kept_until_then_and_only_for_its_firm() -> None:
    hot = HotAnswers()
    hot.put(FIRM, BUSINESS, KEPT)
    assert hot.get(FIRM, BUSINESS, T0) is KEPT
    assert hot.get(FIRM, BUSINESS, KEPT.good_until) is None
    assert hot.get(OTHER, BUSINESS, T0) is None


def test_forgotten_when_something_moved() -> None:
    hot = HotAnswers()
    hot.put(FIRM, BUSINESS, KEPT)
    hot.forget(FIRM, BUSINESS)
    assert hot.get(FIRM, BUSINESS, T0) is None
    hot.put(FIRM, BUSINESS, KEPT)
    hot.clear()
    assert hot.get(FIRM, BUSINESS, T0) is None


def test_the_least_recently_kept_goes_first() -> None:
    hot = HotAnswers(kept_max=2)
    for name in ("a", "b", "c"):
        hot.put(FIRM, BusinessId(name), KEPT)
    assert hot.get(FIRM, BusinessId("a"), T0) is None
    assert hot.get(FIRM, BusinessId("c"), T0) is KEPT
