"""Questionnaire `demographics`: age band, gender, knowledge of machine learning and of the pictures. All optional."""

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study.questionnaires.base import Questionnaire, QuestionnaireForm

if TYPE_CHECKING:
    import numpy as np

# Bands instead of years: enough to describe a sample, too little to recognise a person.
AGES = (
    ("18-24", "18–24"),
    ("25-34", "25–34"),
    ("35-44", "35–44"),
    ("45-54", "45–54"),
    ("55-64", "55–64"),
    ("65-", gettext_lazy("65 or older")),
)
GENDERS = (
    ("woman", gettext_lazy("Woman")),
    ("man", gettext_lazy("Man")),
    ("non-binary", gettext_lazy("Non-binary")),
    ("other", gettext_lazy("Another")),
)
EXPERIENCE = (
    (1, gettext_lazy("None")),
    (2, gettext_lazy("I have read about it")),
    (3, gettext_lazy("I have used it")),
    (4, gettext_lazy("I have built it")),
)
SIGHT = (
    ("full", gettext_lazy("Yes")),
    ("corrected", gettext_lazy("Yes, with glasses or lenses")),
    ("limited", gettext_lazy("Not quite")),
)


class DemographicsForm(QuestionnaireForm):
    """Who answers, in coarse bands."""

    age = forms.ChoiceField(
        choices=AGES, required=False, widget=forms.RadioSelect, label=gettext_lazy("How old are you?")
    )
    gender = forms.ChoiceField(
        choices=GENDERS, required=False, widget=forms.RadioSelect, label=gettext_lazy("What is your gender?")
    )
    experience = forms.TypedChoiceField(
        choices=EXPERIENCE,
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
        label=gettext_lazy("What do you know of machine learning?"),
    )
    sight = forms.ChoiceField(
        choices=SIGHT,
        required=False,
        widget=forms.RadioSelect,
        label=gettext_lazy("Could you see all pictures clearly?"),
    )


class Demographics(Questionnaire):
    """Who took part."""

    name = "demographics"
    form_class = DemographicsForm

    @property
    def title(self) -> str:
        """The heading."""
        return _("About you")

    @property
    def introduction(self) -> str:
        """What the questions are for."""
        return _("These questions help to describe who took part. You may leave any of them empty.")

    def simulated_fields(self, *, generator: "np.random.Generator") -> dict[str, str]:
        """Return made-up answers; now and then a question is left empty."""
        drawn = {
            "age": str(generator.choice([key for key, _label in AGES])),
            "gender": str(generator.choice([key for key, _label in GENDERS])),
            "experience": str(int(generator.integers(1, len(EXPERIENCE) + 1))),
            "sight": str(generator.choice([key for key, _label in SIGHT])),
        }
        return {key: value for key, value in drawn.items() if generator.random() > 0.1}
