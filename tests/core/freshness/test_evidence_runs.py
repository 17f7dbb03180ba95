"""Policy `evidence` over whole runs: it always ends, and it pays as rarely as anybody could."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.core.change import Action
from rowcol.core.evidence import Standing
from rowcol.core.freshness.evidence import LOOK_JOIN, Evidence
from rowcol.core.need import Purpose, Question
from tests.core.builders import DAY, MINUTE, NOW, questions, standings

POLICY = Evidence()
JUMPS = st.sampled_from([timedelta(0), timedelta(seconds=1), LOOK_JOIN + timedelta(seconds=1)])
LATE_JUMPS = JUMPS | st.sampled_from([10 * MINUTE, 120 * MINUTE, 2 * DAY])


@given(st.data(), questions(), standings())
@settings(max_examples=150)
def test_every_question_ends_by_its_deadline(
    data: st.DataObject, question: Question, known: Standing
) -> None:
    """Under a clock that jumps as it likes, calls that fail, and pulls that come or do not.

    After the deadline it takes at most a look, a call and an answer; before it no more looks than
    one a minute, and a wait always moves on.
    """
    now, looks, pays, after = question.asked_at, 0, 0, 0
    known = replace(known, looked_at=None)
    while True:
        after += now >= question.deadline
        decision = POLICY.decide(question, known, now)
        if decision.action in (Action.SERVE, Action.HOLD):
            break
        if decision.action is Action.LOOK:
            looks += 1
            came = now - data.draw(st.integers(0, 500), "pull") * MINUTE
            as_of = came if known.as_of is None else max(came, known.as_of)
            is_news = data.draw(st.booleans(), "the look brings news")
            known = replace(known, looked_at=now, as_of=as_of if is_news else known.as_of)
        elif decision.action is Action.PAY:
            pays += 1
            assert known.cannot_pay is None
            if data.draw(st.booleans(), "the call succeeds"):
                known = replace(known, as_of=now, live_as_of=now)
            else:
                known = replace(known, paid_failed_at=now)
        else:
            assert decision.until is not None
            assert now < decision.until <= question.deadline
            now = decision.until
        now += data.draw(LATE_JUMPS, "jump")
    patience = question.deadline - question.asked_at
    assert after <= 4
    assert looks <= patience / LOOK_JOIN + 2
    assert pays <= patience / question.window + 2


@dataclass(frozen=True)
class Trace:
    """A day in minutes: free pulls, and questions as (asked, window, patience).

    On a grid of five minutes: of a pull within a minute after a look, the policy may not hear in time.
    """

    pulls: list[int]
    asked: list[tuple[int, int, int]]


@dataclass
class World:
    """Runs the policy over a trace, as reconcile would: every question is judged again after each call.

    The history is one in which a pull came at every time of day, so that waiting is always worth it.
    """

    trace: Trace
    as_of: datetime = NOW - 30 * DAY
    looked_at: datetime | None = None
    paid: int = 0
    checks: dict[Question, datetime] = field(default_factory=dict)

    def run(self) -> int:
        for asked, window, patience in self.trace.asked:
            at = NOW + asked * MINUTE
            deadline = at + patience * MINUTE
            self.checks[Question(Purpose.RITUAL, at, window * MINUTE, deadline)] = at
        while self.checks:
            self.step(min(self.checks.values()))
        return self.paid

    def step(self, now: datetime) -> None:
        for question in [q for q in self.checks if q.asked_at <= now]:
            decision = POLICY.decide(question, self.standing(), now)
            if decision.action is Action.LOOK:
                self.looked_at = now
                came = [p for m in self.trace.pulls if (p := NOW + m * MINUTE) <= now]
                self.as_of = max([self.as_of, *came])
                return
            if decision.action is Action.PAY:
                self.paid += 1
                self.as_of = now
                return
            if decision.action is Action.SERVE:
                assert decision.label is None
                del self.checks[question]
            else:
                assert decision.until is not None
                self.checks[question] = decision.until

    def standing(self) -> Standing:
        return Standing(self.as_of, None, self.looked_at, pulls=HISTORY)


HISTORY = tuple(NOW - minutes * MINUTE for minutes in range(300, 7 * 1440, 20))


def stabs(trace: Trace) -> int:
    """The offline optimum: a paid call at the end of each interval that nothing stabs yet."""
    points: list[int] = []
    for start, end in unmet(trace):
        if not points or points[-1] < start:
            points.append(end)
    return len(points)


def fewest(trace: Trace) -> int:
    """The same by trying every set of ends."""
    intervals = unmet(trace)
    ends = sorted({end for _, end in intervals})
    for count in range(len(ends) + 1):
        for points in combinations(ends, count):
            if all(any(start <= p <= end for p in points) for start, end in intervals):
                return count
    raise AssertionError


def unmet(trace: Trace) -> Sequence[tuple[int, int]]:
    """Intervals in which an observation satisfies a question, without those that a free pull satisfies."""
    intervals = [(at - window, at + patience) for at, window, patience in trace.asked]
    return sorted(
        (i for i in intervals if not any(i[0] <= pull <= i[1] for pull in trace.pulls)),
        key=lambda interval: interval[1],
    )


def traces(most: int) -> st.SearchStrategy[Trace]:
    asked = st.tuples(
        st.integers(0, 240).map(lambda n: 5 * n),
        st.sampled_from((5, 10, 60, 240)),
        st.sampled_from((0, 0, 20, 60, 180)),
    )
    return st.builds(
        Trace,
        st.lists(st.integers(0, 280).map(lambda n: 5 * n), max_size=4).map(sorted),
        st.lists(asked, max_size=most, unique_by=lambda a: a),
    )


@given(traces(most=7))
@settings(max_examples=150)
def test_the_offline_optimum_is_what_trying_everything_finds(trace: Trace) -> None:
    assert stabs(trace) == fewest(trace)


@given(traces(most=25))
@settings(max_examples=100)
def test_paid_calls_equal_the_offline_optimum(trace: Trace) -> None:
    """docs/decisions/0010: for every trace with fixed windows and deadlines, not on average."""
    assert World(trace).run() == stabs(trace)
