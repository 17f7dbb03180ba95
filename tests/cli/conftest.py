"""Conftest: one set-up folder for the tests that only add to it, and one with the emulator beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.rig import Shell


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """After `rowcol init`."""
    made = Shell(tmp_path_factory.mktemp("firm"))
    made("init", "--firm-name", "Reed & Co")
    return made


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """With one business that has a login at the running emulator."""
    made = Shell(tmp_path_factory.mktemp("connected"))
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"])
        made("business", "add", "Harbor Dental", "--external-id", "h-1")
        made("connect", "plaid", "h-1", "--sandbox")
        made("read", "h-1", "--force", "--yes")
        yield made
