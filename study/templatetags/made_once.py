"""Parts of pages that are the same for everybody, and made once."""

from typing import Any

from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.utils import make_template_fragment_key
from django.template import Context, Library, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token

register = Library()


class MadeOnce(Node):
    """The part between `made_once` and `end_made_once`."""

    def __init__(self, nodelist: NodeList, key: FilterExpression) -> None:
        self.nodelist = nodelist
        self.key = key

    def render(self, context: Context) -> Any:
        """Return the part: as it was made first for this key, or made for this page where there is no key."""
        key = self.key.resolve(context)
        if key is None:
            return self.nodelist.render(context)
        try:
            cache = caches["template_fragments"]
        except InvalidCacheBackendError:
            cache = caches["default"]
        place = make_template_fragment_key("made_once", [key])
        part = cache.get(place)
        if part is None:
            part = self.nodelist.render(context)
            cache.set(place, part, None)
        return part


@register.tag("made_once")
def made_once(parser: Parser, token: Token) -> MadeOnce:
    """Keep a part of a page under a key; with the key None it is made anew, and nothing is kept.

    Unlike Django's `cache` this can be switched off for one page, so that blocks inside need not be written twice:

        {% made_once fields_key %}{% block fields %}{% endblock %}{% end_made_once %}
    """
    try:
        _, key = token.split_contents()
    except ValueError as error:
        raise TemplateSyntaxError("'made_once' takes one key, for instance {% made_once fields_key %}.") from error
    nodelist = parser.parse(("end_made_once",))
    parser.delete_first_token()
    return MadeOnce(nodelist, parser.compile_filter(key))
