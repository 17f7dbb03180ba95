"""Fixtures of the sandbox tests."""

from __future__ import annotations

import pytest

from tests.sandbox.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()
