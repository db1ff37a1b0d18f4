"""The forms that our pages show, read as a browser reads them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

NOT_TYPED = {"submit", "image", "reset", "button"}


@dataclass
class Field:
    """One control: what it is, what stands in it, and what it offers."""

    name: str
    kind: str
    value: str = ""
    options: list[str] = field(default_factory=list)


@dataclass
class Form:
    """Where it is sent, how, and its controls."""

    action: str
    method: str
    fields: dict[str, Field] = field(default_factory=dict)


class FormReader(HTMLParser):
    """Collects the forms of one page, controls outside of their form too (the `form` attribute)."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.astray: list[tuple[str, Field]] = []
        self.open: Form | None = None
        self.choice: Field | None = None
        self.text: Field | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "form":
            method = said.get("method", "get").lower()
            self.open = Form((said.get("action") or self.url).partition("#")[0], method)
            self.forms.append(self.open)
            if "id" in said:
                self.by_id[said["id"]] = self.open
        elif tag == "option" and self.choice:
            self.choice.options.append(said.get("value", ""))
            if "selected" in said:
                self.choice.value = said.get("value", "")
        elif tag in ("input", "select", "textarea", "button") and said.get("name"):
            self._control(tag, said)

    def _control(self, tag: str, said: dict[str, str]) -> None:
        kind = said.get("type", "text") if tag in ("input", "button") else tag
        control = Field(said["name"], kind, said.get("value", ""))
        if kind in ("checkbox", "radio") or kind in NOT_TYPED or tag == "button":
            control.options = [control.value or "on"]
        if "form" in said:
            self.astray.append((said["form"], control))
        elif self.open is not None:
            _add(self.open, control)
        self.choice = control if tag == "select" else self.choice
        self.text = control if tag == "textarea" else self.text

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.choice = None
        elif tag == "textarea":
            self.text = None

    def handle_data(self, data: str) -> None:
        if self.text:
            self.text.value += data

    def read(self, page: str) -> list[Form]:
        self.feed(page)
        for owner, control in self.astray:
            if owner in self.by_id:
                _add(self.by_id[owner], control)
        return self.forms


def _add(form: Form, control: Field) -> None:
    """Radios and buttons of one name are one control with several options."""
    known = form.fields.setdefault(control.name, control)
    if known is not control:
        known.options += control.options


def forms_on(page: str, *, url: str) -> list[Form]:
    """The page's forms; one without an action is sent to the page's own address."""
    return FormReader(url).read(page)
