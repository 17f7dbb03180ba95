"""Policy: the rule that decides, for one question about one login, between serving, looking, waiting, paying and holding."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from rowcol.core.change import Decision
from rowcol.core.evidence import Standing
from rowcol.core.freshness.evidence import Evidence
from rowcol.core.freshness.ttl import Ttl
from rowcol.core.need import Question
from rowcol.core.refusal import BadInput


class Policy(Protocol):
    """A value with a name. `decide` is a pure function of its arguments."""

    @property
    def name(self) -> str:
        """As settings and the decision log spell it."""

    def decide(self, question: Question, standing: Standing, now: datetime) -> Decision:
        """What to do now. Asked again after each call, after each wait, and at the deadline."""

    def decide_books(self, question: Question, standing: Standing, now: datetime) -> Decision:
        """The same for books, where one look brings everything and costs a metered call."""


POLICIES: dict[str, Policy] = {policy.name: policy for policy in (Ttl(), Evidence())}


def policy_of(name: str) -> Policy:
    """The policy of that name; raise `BadInput` naming the known ones."""
    policy = POLICIES.get(name)
    if policy is None:
        known = ", ".join(sorted(POLICIES))
        raise BadInput(f"there is no freshness policy {name!r}", f"choose one of: {known}")
    return policy
