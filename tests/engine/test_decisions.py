"""The decision log: nothing waits for it, equal serves are counted once, and what the store refuses is kept."""

from collections.abc import Sequence

import pytest

from rowcol.adapters.chance import SeededRng
from rowcol.core.change import Action, Decision, DecisionRecord
from rowcol.core.ids import BusinessId, DecisionId, FirmId
from rowcol.core.money import FREE
from rowcol.core.need import Purpose, question_of
from rowcol.engine import decisions
from rowcol.engine.decisions import DecisionLog
from tests.fakes import T0, FakeClock

FIRM, BUSINESS = FirmId("f"), BusinessId("b")


class Sink:
    def __init__(self) -> None:
        self.records: list[DecisionRecord] = []
        self.is_broken = False

    async def record_decisions(self, firm: FirmId, records: Sequence[DecisionRecord]) -> None:
        if self.is_broken:
            raise OSError("disk full")
        self.records.extend(records)


def record(number: int, firm: FirmId = FIRM) -> DecisionRecord:
    return DecisionRecord(
        DecisionId(f"d{number}"),
        firm,
        BUSINESS,
        None,
        None,
        "evidence",
        question_of(Purpose.DISPLAY, T0),
        Decision(Action.SERVE, "r", "because", T0),
        FREE,
        (),
        T0,
    )


def log(sink: Sink) -> DecisionLog:
    return DecisionLog(sink, FakeClock(), SeededRng(1))  # type: ignore[arg-type]


async def test_what_was_added_is_written_once() -> None:
    sink = Sink()
    made = log(sink)
    made.add([record(1), record(2, FirmId("g"))])
    await made.flush()
    await made.flush()
    assert {r.id for r in sink.records} == {"d1", "d2"}
    assert len(sink.records) == 2


async def test_repeats_are_one_line_with_their_number() -> None:
    sink = Sink()
    made = log(sink)
    served = (record(1),)
    for _ in range(5):
        made.repeat(FIRM, BUSINESS, served)
    newer = (record(2),)
    made.repeat(FIRM, BUSINESS, newer)
    await made.flush()
    assert [r.inputs["times"] for r in sink.records] == [5, 1]


async def test_a_store_that_refuses_loses_no_line() -> None:
    sink = Sink()
    made = log(sink)
    made.add([record(1), record(2, FirmId("g"))])
    sink.is_broken = True
    with pytest.raises(OSError, match="disk full"):
        await made.flush()
    sink.is_broken = False
    await made.flush()
    assert {r.id for r in sink.records} == {"d1", "d2"}


async def test_past_the_bound_it_counts_what_it_drops() -> None:
    made = log(Sink())
    made.add([record(n) for n in range(decisions.BUFFER_MAX)])
    made.add([record(0)])
    assert made.dropped == 1
