"""Examples: one for each operation, none for what does not exist."""

from rowcol.api.examples import ANSWERS, REQUESTS
from rowcol.api.operations import ROLES


def test_each_operation_has_an_answer() -> None:
    assert set(ANSWERS) == set(ROLES)


def test_requests_are_of_writes() -> None:
    assert set(REQUESTS) <= set(ROLES)
    assert not [key for key in REQUESTS if key.startswith(("GET", "DELETE"))]
