"""Firm: two of them see nothing of each other; settings are merged, prices need a source."""

from pathlib import Path

import pytest

from tests.cli.rig import Shell


def test_settings(shell: Shell) -> None:
    shell("firm", "set", "--policy", "ttl", "--budget-usd", "1.5")
    source = ["--price-source", "contract"]
    out = shell.json("firm", "set", "--price", "plaid/balance=0.09", *source)
    assert out["settings"]["policy"] == "ttl"
    assert out["settings"]["budget_micros_month"] == 1_500_000
    assert out["settings"]["prices"][0]["micros"] == 90_000
    out = shell.json("firm", "set", "--price", "plaid/connection=0.25", *source)
    assert out["settings"]["prices"][1]["per"] == "CONNECTION_MONTH"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--policy", "guess"],
        ["--budget-usd", "-0.5"],
        ["--price", "plaid/balance=0.09"],
        ["--price", "plaid/nothing=1", "--price-source", "x"],
        ["--price", "free", "--price-source", "x"],
    ],
)
def test_wrong_use(shell: Shell, wrong: list[str]) -> None:
    said = shell("firm", "set", *wrong, rc=2).stderr
    assert "->" in said or "Error:" in said


def test_two_firms(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init", "--firm-name", "One")
    shell("firm", "add", "Two")
    shell("firm", "add", "Two", rc=4)
    assert "--firm" in shell("business", "list", rc=2).stderr
    shell("business", "add", "Theirs", "--firm", "Two")
    assert shell.lines("business", "list", "--firm", "One") == []
    shell("read", "Theirs", "--firm", "One", rc=2)
