"""Connection: listed with their bank, their webhook pointed, and ended for good at the rail itself."""

from dataclasses import replace

from rowcol.api import shapes
from rowcol.cli.connection import READ_ONLY, row_of
from tests.cli.rig import Shell
from tests.contracts.values import T0, connection


def test_a_login_from_list_to_end(connected: Shell) -> None:
    (login,) = connected.lines("connection", "list", "h-1")
    assert (login["institution"], login["name"]) == ("ins_109508", "First Platypus Bank")
    assert "First Platypus Bank" in connected("connection", "list", "h-1").stdout

    refused = connected("connection", "webhook", login["id"], rc=4)
    assert "no address" in refused.stderr
    connected.environment["ROWCOL_PUBLIC_URL"] = "https://books.example"
    assert connected.json("connection", "webhook", login["id"])["state"] == "pointed"

    assert connected.json("connection", "reset", login["id"])["state"] == "restarting"
    (resetting,) = connected.lines("connection", "list", "h-1")
    assert resetting["health"] == "DEGRADED"
    assert "read anew from the start" in connected("doctor", rc=None).stdout

    asked = connected("disconnect", login["id"], rc=2)
    for word in ("Harbor Dental", "First Platypus Bank", "$0.30 a month", "--yes"):
        assert word in asked.stderr
    assert connected.lines("connection", "list", "h-1")[0]["health"] != "RETIRED"
    for _ in range(2):
        assert connected.json("disconnect", login["id"], "--yes")["state"] == "removed"
    again = connected("disconnect", login["id"])
    assert ("removed before" in again.stdout, again.stderr) == (True, "")
    (ended,) = connected.lines("connection", "list", "h-1")
    assert ended["health"] == "RETIRED"
    assert "removed" in connected("connection", "webhook", login["id"], rc=4).stderr


def test_unknown_logins_are_wrong_use(connected: Shell) -> None:
    connected("disconnect", "con_none", "--yes", rc=2)
    connected("connection", "webhook", "con_none", rc=2)
    connected("connection", "list", "nobody", rc=2)


def test_a_line_tells_of_gaps_and_of_a_company_that_can_only_be_read() -> None:
    row = connection("c1")
    assert row_of(shapes.connection_of(row, T0))[-2:] == ("0", "")
    state = replace(
        row.state,
        facts={"is_read_only": True},
        webhook_gaps=2,
        webhook_gap_at=T0,
        health_reason="x",
    )
    gaps, why = row_of(shapes.connection_of(replace(row, state=state), T0))[-2:]
    assert gaps == f"2, last {T0:%Y-%m-%d %H:%M} UTC"
    assert why == f"x; {READ_ONLY}"
