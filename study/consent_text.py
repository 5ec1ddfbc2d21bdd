"""What the consent page says, as plain text: the study's own texts and the sentences that all studies share."""

import html
import re
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import strip_tags

from study.models import Study


def consent_text(study: Study, language: str) -> str:
    """Return the words of the consent page in a language, one line per paragraph, without any link or mark-up."""
    context = {"study": study, "texts": study.texts_in(language), "minutes": study.minutes, "can_enter": True}
    with translation.override(language):
        page = render_to_string("study/consent.html", context)
    return _words(page)


@lru_cache(maxsize=64)
def _words(page: str) -> str:
    """Return the words of a page's main part; the same page is shown to everybody, so they are looked for once."""
    _, _, main = page.partition("<main")[2].partition(">")
    lines = html.unescape(strip_tags(main.partition("</main>")[0])).splitlines()
    return "\n".join(line for line in (re.sub(r"\s+", " ", line).strip() for line in lines) if line)
