"""What a browser would send of a page's form: the values that stand in it."""

from html.parser import HTMLParser
from typing import Any


class _Forms(HTMLParser):
    """Each form's address and successful controls."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.select: str | None = None
        self.option: str | None = None
        self.area: str | None = None
        self.disabled = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": found.get("action", ""), "fields": {}})
        if tag == "fieldset" and (self.disabled or "disabled" in found):
            self.disabled += 1
        if not self.forms or self.disabled or "disabled" in found:
            return
        if tag == "input" and found.get("name") and found.get("type") != "submit":
            is_box = found.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in found:
                self._add(found["name"], found.get("value", "on" if is_box else ""))
        elif tag == "textarea":
            self.area = found["name"]
            self._add(self.area, "")
        elif tag == "select":
            self.select, self.option = found["name"], None
        elif tag == "option" and self.select and ("selected" in found or self.option is None):
            self.option = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "fieldset" and self.disabled:
            self.disabled -= 1
        elif tag == "textarea":
            self.area = None
        elif tag == "select" and self.select:
            self._add(self.select, self.option or "")
            self.select = None

    def handle_data(self, data: str) -> None:
        if self.area:
            self.forms[-1]["fields"][self.area][-1] += data.removeprefix("\n").removeprefix("\r\n")

    def _add(self, name: str, value: str) -> None:
        self.forms[-1]["fields"].setdefault(name, []).append(value)


def fields_of(response: Any, *, having: str) -> dict[str, list[str]]:
    """The one form with that field, as the browser would send it untouched."""
    parser = _Forms()
    parser.feed(response.content.decode())
    found = [
        form["fields"] for form in parser.forms if having in form["fields"] and "version" in form["fields"]
    ]
    assert len(found) == 1, [sorted(form["fields"]) for form in parser.forms]
    return found[0]
