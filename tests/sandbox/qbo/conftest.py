"""Fixtures of the QBO emulator's tests."""

from __future__ import annotations

import pytest

from tests.sandbox.qbo.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()
