"""Fixtures for SQL tests: a PostgreSQL server per run and a fresh schema per test; a migrated SQLite file to copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rowcol.adapters.sql import schema
from tests import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_schema(postgres_url: str) -> Iterator[str]:
    with postgres.fresh_schema(postgres_url) as name:
        yield name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "rowcol.db"
    schema.upgrade_file(path)
    return path
