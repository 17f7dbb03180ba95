"""Fixtures for SQL tests: a PostgreSQL server per run and a fresh schema per test; a migrated SQLite file to copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rowcol.adapters.sql import schema
from tests import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_ddl() -> str:
    """What makes our tables in the schema `PLACE`; faster than running the migrations for each test."""
    return schema.sql(schema="PLACE")


@pytest.fixture
def empty_schema(postgres_url: str) -> Iterator[str]:
    with postgres.fresh_schema(postgres_url) as name:
        yield name


@pytest.fixture
def postgres_schema(postgres_url: str, empty_schema: str, postgres_ddl: str) -> str:
    with psycopg.connect(postgres_url) as conn:
        conn.execute(postgres_ddl.replace('"PLACE"', empty_schema).encode())
    return empty_schema


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "rowcol.db"
    schema.upgrade_file(path)
    return path
