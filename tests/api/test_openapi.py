"""OpenAPI: complete, with a summary, a role and an example everywhere, and the examples fit their schemas."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI

from rowcol.api.app import create_app
from rowcol.api.openapi import document
from rowcol.api.operations import ROLES
from tests.api.rig import face


@pytest.fixture
async def made(tmp_path: Path) -> dict[str, Any]:
    async with face(tmp_path) as it:
        app: FastAPI = create_app(it.it.plane)
        assert document(app) is document(app)
        return document(app)


def operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def check(made: dict[str, Any], content: dict[str, Any], key: str) -> None:
    for kind, media in content.items():
        if kind.endswith("json") and "problem" not in kind:
            schema = {**media["schema"], "components": made["components"]}
            jsonschema.validate(media["example"], schema)
            assert "example" in media, key


async def test_examples_fit(made: dict[str, Any]) -> None:
    for key, operation in operations(made):
        for status, answer in operation["responses"].items():
            if status != "default":
                check(made, answer.get("content", {}), key)
        check(made, operation.get("requestBody", {}).get("content", {}), key)


async def test_every_operation_says_what_it_does_and_who_may(made: dict[str, Any]) -> None:
    names = []
    for key, operation in operations(made):
        assert operation["summary"], key
        assert "default" in operation["responses"], key
        role = ROLES[key]
        assert operation.get("x-least-role") == (None if role is None else role.value), key
        assert operation["security"] == ([] if role is None else [{"token": []}]), key
        names.append(operation["operationId"])
    assert len(set(names)) == len(names)


async def test_no_reference_dangles(made: dict[str, Any]) -> None:
    def references(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    for reference in references(made):
        name = reference.removeprefix("#/components/schemas/")
        assert name in made["components"]["schemas"], reference
