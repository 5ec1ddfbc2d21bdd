"""Passwords that whoever knows this server would try first."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

WORDS = (
    *("visual", "summary", "summaries", "study", "studies", "participant", "participants", "experiment", "survey"),
    *("research", "researcher", "admin", "administrator", "analyst", "coder", "password", "passphrase", "secret"),
    *(
        "university",
        "laboratory",
        "lab",
        "prolific",
        "welcome",
        "login",
        "robin",
        "bird",
        "birds",
        "network",
        "the",
        "my",
    ),
)
_ONLY_WORDS = re.compile(f"(?:{'|'.join(sorted(WORDS, key=len, reverse=True))})+")


class NoWordsOfThisPlace:
    """Refuses a password that is nothing but words of `WORDS`, with any digits and signs between them."""

    def validate(self, password: str, user: object = None) -> None:
        """Look at the letters alone.

        Raises:
            ValidationError: they are words of this place.
        """
        letters = re.sub(r"[\W\d_]", "", password.casefold())
        if _ONLY_WORDS.fullmatch(letters):
            raise ValidationError(self.get_help_text(), code="password_of_this_place")

    def get_help_text(self) -> str:
        """Say the rule."""
        return _("The password must hold more than words that fit this site, such as study, visual or admin.")
