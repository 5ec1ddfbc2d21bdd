"""Finding the forms of an HTML page, as a browser without JavaScript would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class PageForm:
    """A form: where it posts to, and the fields that would be sent if nobody touched it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _FormParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[PageForm] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append(PageForm(attributes.get("action") or "", (attributes.get("method") or "get").lower()))
            self._inside = True
        elif self._inside and tag in {"input", "textarea"} and attributes.get("name"):
            self._add_field(str(attributes["name"]), attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False

    def _add_field(self, name: str, attributes: dict[str, str | None]) -> None:
        kind = (attributes.get("type") or "text").lower()
        if kind in {"submit", "button", "image", "file"} or "disabled" in attributes:
            return
        if kind in {"checkbox", "radio"} and "checked" not in attributes:
            return
        self.forms[-1].fields[name] = attributes.get("value") or ("on" if kind in {"checkbox", "radio"} else "")


def find_forms(html: str) -> list[PageForm]:
    """Return the forms of a page in their order."""
    parser = _FormParser()
    parser.feed(html)
    parser.close()
    return parser.forms
