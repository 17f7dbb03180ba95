"""The query language: a statement read into a value. Codes 4000 (does not parse) and 4001 (parses, but is not allowed).

`SELECT * [, attribute ..] | COUNT(*) FROM <Entity> [WHERE a AND b] [ORDERBY f [ASC|DESC], ..] [STARTPOSITION n] [MAXRESULTS n]`, the last
two in either order, all keywords in any case. Not here: what rows it finds (`selection`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rowcol.sandbox.qbo.catalog import Kind, kind_of
from rowcol.sandbox.qbo.errors import QboError

MAX_RESULTS: Final = 1_000
DEFAULT_RESULTS: Final = 100
OPERATORS: Final = frozenset({"=", "<", ">", "<=", ">=", "IN", "LIKE"})
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<sign><=|>=|[=<>(),*])|(?P<word>[A-Za-z_0-9.\-:+]+))"
)
_ESCAPE: Final = re.compile(r"\\(.)")
_END: Final = ("end", "")


@dataclass(frozen=True, slots=True)
class Condition:
    """`path` is as written; `values` holds one value, or those of an IN list."""

    path: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A query that makes sense."""

    kind: Kind
    is_count: bool = False
    named: tuple[str, ...] = ()
    """Attributes besides `*`: they are in its rows already."""
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """Path, and whether it descends."""
    start: int = 1
    limit: int = DEFAULT_RESULTS


def parse(text: str) -> Statement:
    """Raise `QboError` 4000 or 4001."""
    return _Reader(_tokens(text)).statement()


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    position = 0
    text = text.rstrip().removesuffix(";").rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QboError(
                "4000", f"unexpected character at position {position}: {text[position]!r}"
            )
        kind = match.lastgroup or ""
        value = match.group(kind)
        if kind == "text":
            value = _ESCAPE.sub(r"\1", value[1:-1])
        found.append((kind, value))
        position = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def statement(self) -> Statement:
        self._expect("SELECT")
        is_count, named = self._projection()
        self._expect("FROM")
        name = self._word("an entity")
        kind = kind_of(name)
        if kind is None:
            raise QboError("4001", f"invalid context declaration: {name}")
        conditions = self._conditions() if self._takes("WHERE") else ()
        order = self._order()
        start, limit = self._window()
        if self._peek() != _END:
            raise QboError("4000", f"unexpected {self._peek()[1]!r}")
        return Statement(kind, is_count, named, conditions, order, start, limit)

    def _projection(self) -> tuple[bool, tuple[str, ...]]:
        """Whole rows, or how many: parts of rows there are not. The SDK asks for `*, Sku` of an Item."""
        if self._takes("COUNT"):
            for sign in "(*)":
                self._expect(sign)
            return True, ()
        self._expect("*")
        named = []
        while self._takes(","):
            named.append(self._word("an attribute"))
        return False, tuple(named)

    def _conditions(self) -> tuple[Condition, ...]:
        found = [self._condition()]
        while self._takes("AND"):
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> Condition:
        path = self._word("an attribute")
        operator = self._next()[1].upper()
        if operator not in OPERATORS:
            raise QboError("4000", f"unexpected {operator!r} after {path}")
        if path.lower() == "id" and operator not in {"=", "IN"}:
            raise QboError("4001", f"property Id does not support {operator}")
        if operator != "IN":
            return Condition(path, operator, (self._value(),))
        self._expect("(")
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._expect(")")
        return Condition(path, operator, tuple(values))

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._takes("ORDERBY"):
            if not self._takes("ORDER"):
                return ()
            self._expect("BY")
        found = []
        while True:
            path = self._word("an attribute")
            is_descending = self._takes("DESC")
            if not is_descending:
                self._takes("ASC")
            found.append((path, is_descending))
            if not self._takes(","):
                return tuple(found)

    def _window(self) -> tuple[int, int]:
        found = {"STARTPOSITION": 1, "MAXRESULTS": DEFAULT_RESULTS}
        seen = set()
        while (word := self._peek()[1].upper()) in found and word not in seen:
            seen.add(word)
            self._at += 1
            number = self._word("a number")
            if not number.isdigit() or int(number) < 1:
                raise QboError("4000", f"{word} {number} is not a positive number")
            found[word] = int(number)
        if found["MAXRESULTS"] > MAX_RESULTS:
            raise QboError(
                "4001",
                f"value {found['MAXRESULTS']} is too large. Max allowed value is {MAX_RESULTS}.",
            )
        return found["STARTPOSITION"], found["MAXRESULTS"]

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _takes(self, word: str) -> bool:
        kind, value = self._peek()
        if kind == "text" or value.upper() != word:
            return False
        self._at += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise QboError("4000", f"expected {word}, found {self._peek()[1]!r}")

    def _word(self, what: str) -> str:
        kind, value = self._next()
        if kind != "word":
            raise QboError("4000", f"expected {what}, found {value!r}")
        return value

    def _value(self) -> str:
        kind, value = self._next()
        if kind not in {"text", "word"}:
            raise QboError("4000", f"expected a value, found {value!r}")
        return value
