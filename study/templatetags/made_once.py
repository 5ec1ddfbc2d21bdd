"""Parts of pages that are the same for many, and made once."""

from hashlib import blake2b
from threading import Lock
from typing import Any

from django.conf import settings
from django.template import Context, Library, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token
from django.utils.translation import get_language

register = Library()
MOST_PARTS = 4096
"""As many each place of a template keeps; the oldest goes first."""


class MadeOnce(Node):
    """The part between `made_once` and `end_made_once`, in all forms that it has had in this process.

    They are kept as they are, not pickled as by Django's cache, since nothing changes a piece of text.
    """

    def __init__(self, nodelist: NodeList, keys: list[FilterExpression], condition: FilterExpression | None) -> None:
        self.nodelist = nodelist
        self.keys = keys
        self.condition = condition
        self.parts: dict[bytes, str] = {}
        self._lock = Lock()

    def render(self, context: Context) -> Any:
        """Return the part: as it was made first for these keys and the language, or made anew."""
        if settings.DEBUG or (self.condition is not None and not self.condition.resolve(context)):
            return self.nodelist.render(context)
        values = (get_language() or "", *(str(key.resolve(context)) for key in self.keys))
        key = blake2b(repr(values).encode(), digest_size=16).digest()  # what somebody sent may be long, and is not kept
        part = self.parts.get(key)
        if part is None:
            part = self.nodelist.render(context)
            with self._lock:
                while len(self.parts) >= MOST_PARTS:
                    del self.parts[next(iter(self.parts))]
                self.parts[key] = part
        return part


@register.tag("made_once")
def made_once(parser: Parser, token: Token) -> MadeOnce:
    """Keep a part of a page for each language and each value of its keys, from which all that it shows must follow.

    With a condition that is false, the part is made anew and not kept:

        {% made_once picture.url sizes %}…{% end_made_once %}
        {% made_once task.name if same_fields %}{% block fields %}{% endblock %}{% end_made_once %}

    Raises:
        TemplateSyntaxError: there is something else than one condition after `if`.
    """
    _, *words = token.split_contents()
    keys, separator, conditions = words, "", []
    if "if" in words:
        place = words.index("if")
        keys, separator, conditions = words[:place], "if", words[place + 1 :]
    if len(conditions) != bool(separator):
        raise TemplateSyntaxError("'made_once' takes keys, and one value after 'if': {% made_once key if value %}.")
    nodelist = parser.parse(("end_made_once",))
    parser.delete_first_token()
    condition = parser.compile_filter(conditions[0]) if conditions else None
    return MadeOnce(nodelist, [parser.compile_filter(key) for key in keys], condition)
