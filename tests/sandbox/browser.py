"""A browser without scripts: it reads the forms of a page, ticks boxes and presses buttons by their ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2
from typing_extensions import override


@dataclass
class Form:
    """What would be sent, and the buttons that would send it."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Label -> value and whether it is ticked."""
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Id -> name and value."""


class Page(HTMLParser):
    """Forms, links and texts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.data: dict[str, dict[str, str]] = {}
        self._id = ""
        self._box: str | None = None
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._id = found.get("id", "") or (tag if tag == "title" else "")
        if self._id:
            self.data[self._id] = found
        if tag == "form":
            self.forms.append(Form(found["action"]))
        elif tag == "a":
            self.links[self._id] = found["href"]
        elif tag == "button":
            self.forms[-1].buttons[self._id] = (found.get("name", ""), found.get("value", ""))
        elif tag == "input" and found.get("type") == "hidden":
            self.forms[-1].hidden[found["name"]] = found["value"]
        elif tag == "input" and found.get("type") == "checkbox":
            self.forms[-1].boxes[self._id] = (found["value"], "checked" in found)
            self._box = self._id

    @override
    def handle_data(self, data: str) -> None:
        if self._box is not None:
            box = self.forms[-1].boxes.pop(self._box)
            self.forms[-1].boxes[data.strip()] = box
            self._box = None
        elif self._id:
            self.texts[self._id] = self.texts.get(self._id, "") + data

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in {"p", "h1", "button", "a", "title"}:
            self._id = ""

    @property
    def title(self) -> str:
        """What the window is called."""
        return self.texts.get("title", "")

    @property
    def error(self) -> str | None:
        """The code of what went wrong."""
        return self.data.get("error", {}).get("data-code")

    @property
    def boxes(self) -> dict[str, bool]:
        """Label -> ticked."""
        return {label: on for form in self.forms for label, (_, on) in form.boxes.items()}


class Browser:
    """One window: the page it shows, and the last answer."""

    def __init__(self, client: httpx2.Client, url: str) -> None:
        self._client = client
        self._show(client.get(url))

    def press(
        self, button: str, typed: dict[str, str] | None = None, tick: dict[str, bool] | None = None
    ) -> Page:
        """Fill in fields by name, tick or untick boxes by label, press the button of this id."""
        [form] = [form for form in self.page.forms if button in form.buttons]
        name, value = form.buttons[button]
        sent: dict[str, Any] = form.hidden | (typed or {}) | ({name: value} if name else {})
        ticked = {label: on for label, (_, on) in form.boxes.items()} | (tick or {})
        chosen = [value for label, (value, _) in form.boxes.items() if ticked[label]]
        if chosen:
            sent["account"] = chosen
        return self._show(self._client.post(form.action, data=sent))

    def follow(self, link: str) -> Page:
        """Click the link of this id."""
        return self._show(self._client.get(self.page.links[link]))

    def reload(self) -> Page:
        """The same address again."""
        return self._show(self._client.get(self.url))

    def _show(self, answer: httpx2.Response) -> Page:
        self.answer = answer
        self.url = str(answer.url)
        self.page = Page(answer.text)
        return self.page
