"""Connect: a link token to begin with, a public token to end with; wrong combinations are refused."""

import pytest

from tests.cli.rig import Shell


def test_begin(connected: Shell) -> None:
    assert connected.json("connect", "plaid", "h-1", "--no-wait")["link_token"].startswith("link-")


def test_a_public_token_that_is_none_is_the_rails_no(connected: Shell) -> None:
    done = connected("connect", "plaid", "h-1", "--public-token", "public-none", rc=4)
    assert "INVALID_PUBLIC_TOKEN" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["h-1", "--sandbox", "--public-token", "x"],
        ["h-1", "--institution", "ins_1"],
        ["nobody", "--sandbox"],
        ["h-1", "--sandbox", "--app", "other"],
    ],
)
def test_wrong_use(connected: Shell, wrong: list[str]) -> None:
    connected("connect", "plaid", *wrong, rc=2)


def test_without_keys_it_says_which_are_missing(shell: Shell) -> None:
    shell("business", "add", "Keyless")
    done = shell("connect", "plaid", "Keyless", "--sandbox", rc=2)
    assert "ROWCOL_PLAID__MAIN__CLIENT_ID" in done.stderr


def test_a_time_to_wait_that_is_none_names_its_own_option(connected: Shell) -> None:
    said = connected("connect", "qbo", "h-1", "--timeout", "3x", rc=2).stderr
    assert "--timeout '3x'" in said
    assert "--deadline" not in said
