"""Questionnaire `understanding`: what people believe of image networks; asked before and after, to see what changes.

Own items. The first three are statements rated from 1 (do not agree) to 7 (agree fully).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study.questionnaires.base import Questionnaire, QuestionnaireForm

if TYPE_CHECKING:
    import numpy as np
    from django_stubs_ext import StrOrPromise

POINTS = 7
STATEMENTS = (
    ("same-as-people", gettext_lazy("Image networks look at the same parts of a picture as people do.")),
    ("can-imagine", gettext_lazy("I can imagine what an image network looks at.")),
    ("can-foresee", gettext_lazy("I can foresee when an image network will be wrong.")),
)


def _agreement(label: "StrOrPromise") -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=[(point, str(point)) for point in range(1, POINTS + 1)],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect(attrs={"data-scale": "agreement"}),
        label=label,
    )


class UnderstandingForm(QuestionnaireForm):
    """Three statements to agree with, and one's own words."""

    def __init__(self, data: Mapping[str, str] | None = None) -> None:
        """Build one scale per statement."""
        super().__init__(data)
        for key, statement in STATEMENTS:
            self.fields[key] = _agreement(statement)
        self.fields["words"] = forms.CharField(
            required=False,
            max_length=500,
            label=gettext_lazy("In your own words: how does a network tell what is in a picture?"),
            widget=forms.Textarea(attrs={"rows": 3}),
        )


class Understanding(Questionnaire):
    """What people believe of image networks."""

    name = "understanding"
    form_class = UnderstandingForm

    @property
    def title(self) -> str:
        """The heading."""
        return _("What do you think of image networks?")

    @property
    def introduction(self) -> str:
        """What the scale means."""
        return _("1 means that you do not agree at all, 7 that you agree fully. You may leave any question empty.")

    def simulated_fields(self, *, generator: "np.random.Generator") -> dict[str, str]:
        """Return made-up ratings and no words."""
        return {key: str(int(generator.integers(1, POINTS + 1))) for key, _statement in STATEMENTS}
