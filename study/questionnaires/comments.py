"""Questionnaire `comments`: free words at the end."""

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study.questionnaires.base import LONGEST_TEXT, Questionnaire, QuestionnaireForm

if TYPE_CHECKING:
    import numpy as np


class CommentsForm(QuestionnaireForm):
    """What worked, what did not."""

    trouble = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        label=gettext_lazy("Was anything unclear, or did anything not work?"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    comments = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        label=gettext_lazy("Anything else you would like to tell us?"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class Comments(Questionnaire):
    """Free comments."""

    name = "comments"
    form_class = CommentsForm

    @property
    def title(self) -> str:
        """The heading."""
        return _("Anything to add?")

    @property
    def introduction(self) -> str:
        """What to keep out of it."""
        return _("Please write nothing that tells who you are. You may leave both fields empty.")

    def simulated_fields(self, *, generator: "np.random.Generator") -> dict[str, str]:
        """Return a comment that tells a program wrote it, one time in four."""
        return {"comments": "Written by a program."} if generator.random() < 0.25 else {}
