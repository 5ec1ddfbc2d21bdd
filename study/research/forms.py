"""Forms of the researchers' pages. Each message says what to change."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study.design import DesignError, parse_block
from study.json_field import CarefulJSONField
from study.models import Role, Study
from study.presets import load_preset, preset_names
from study.tasks import all_tasks

TEXT_FIELDS = (
    ("researcher", gettext_lazy("Who asks"), gettext_lazy("Name and institution, shown on the consent page.")),
    ("purpose", gettext_lazy("What for"), gettext_lazy("One or two sentences; say nothing that biases answers.")),
    ("storage", gettext_lazy("What is stored"), gettext_lazy("What you keep, for how long, and who sees it.")),
    ("debrief", gettext_lazy("Debrief"), gettext_lazy("What it was about, shown at the end.")),
)
OUTCOMES = (
    ("completed", gettext_lazy("completed")),
    ("screened_out", gettext_lazy("did not pass the comprehension questions")),
    ("failed_checks", gettext_lazy("failed attention checks")),
    ("over_quota", gettext_lazy("came too late")),
    ("withdrawn", gettext_lazy("withdrew")),
)


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        max_length=40,
        label=gettext_lazy("Code"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class NewStudyForm(forms.Form):
    """A new study: a preset to start from, a title and a link."""

    preset = forms.ChoiceField(widget=forms.RadioSelect, label=gettext_lazy("Start from"))
    title = forms.CharField(max_length=200, label=gettext_lazy("Title, as participants read it"))
    slug = forms.SlugField(
        max_length=60,
        label=gettext_lazy("Link"),
        help_text=gettext_lazy("Participants open /s/LINK/. Lower-case letters, digits and hyphens."),
    )
    contact = forms.EmailField(label=gettext_lazy("Contact"), help_text=gettext_lazy("Shown to participants."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the shipped presets with their descriptions."""
        super().__init__(*args, **kwargs)
        self.fields["preset"].choices = [(name, load_preset(name).description) for name in preset_names()]  # type: ignore[attr-defined]

    def clean_slug(self) -> str:
        """Refuse a link that is taken."""
        slug = str(self.cleaned_data["slug"]).lower()
        if Study.objects.filter(slug=slug).exists():
            raise ValidationError(_("There is a study with this link already; choose another one."))
        return slug


class DesignForm(forms.ModelForm[Study]):
    """Everything about a study that is no block: texts, numbers, codes."""

    class Meta:
        model = Study
        fields = (
            "title",
            "contact",
            "language",
            "other_languages",
            "participants_planned",
            "quota_per_cell",
            "block_order",
            "questionnaires",
            "minutes",
            "comprehension",
            "failed_checks_allowed",
            "lease_minutes",
            "target_half_width",
            "retention_date",
            "recruitment",
            "seed",
        )
        widgets = {
            "retention_date": forms.DateInput(attrs={"type": "date"}),
            "questionnaires": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            "recruitment": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            "other_languages": forms.TextInput(attrs={"spellcheck": "false"}),
        }
        field_classes = dict.fromkeys(("questionnaires", "recruitment", "other_languages"), CarefulJSONField)
        labels = {
            "participants_planned": gettext_lazy("Participants"),
            "quota_per_cell": gettext_lazy("Most trials per cell"),
            "minutes": gettext_lazy("Announced minutes"),
            "failed_checks_allowed": gettext_lazy("Failed checks allowed"),
            "lease_minutes": gettext_lazy("Lease, in minutes"),
            "target_half_width": gettext_lazy("Target precision, half the interval"),
            "retention_date": gettext_lazy("Delete personal data on"),
            "recruitment": gettext_lazy("Parameter names of recruiters"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Give each text and each code a field of its own."""
        super().__init__(*args, **kwargs)
        study: Study = self.instance
        for key, label, hint in TEXT_FIELDS:
            self.fields[f"text_{key}"] = forms.CharField(
                required=False,
                label=label,
                help_text=hint,
                initial=study.texts.get(key, ""),
                max_length=4000,
                widget=forms.Textarea(attrs={"rows": 3}),
            )
        for key, label in OUTCOMES:
            self.fields[f"code_{key}"] = forms.CharField(
                required=False, label=label, max_length=40, initial=study.completion_codes.get(key, "")
            )
        self.fields["recruitment"].required = self.fields["questionnaires"].required = False

    def group(self, prefix: str) -> list[forms.BoundField]:
        """Return the fields whose name starts with a prefix, for the template."""
        return [self[name] for name in self.fields if name.startswith(prefix)]

    @property
    def texts(self) -> list[forms.BoundField]:
        """The fields of the texts."""
        return self.group("text_")

    @property
    def codes(self) -> list[forms.BoundField]:
        """The fields of the completion codes."""
        return self.group("code_")

    def clean(self) -> dict[str, Any]:
        """Put texts and codes back together."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        known_texts = {key for key, *_rest in TEXT_FIELDS}
        texts = {key: value for key, value in self.instance.texts.items() if key not in known_texts}
        self.instance.texts = texts | {
            key: cleaned[f"text_{key}"] for key in sorted(known_texts) if cleaned.get(f"text_{key}")
        }
        known_codes = [key for key, _label in OUTCOMES]
        codes = {key: value for key, value in self.instance.completion_codes.items() if key not in known_codes}
        self.instance.completion_codes = codes | {
            key: cleaned[f"code_{key}"] for key in known_codes if cleaned.get(f"code_{key}")
        }
        return cleaned


class BlockForm(forms.Form):
    """One block of the design: a task with its trials. An empty task leaves the block out."""

    task = forms.ChoiceField(required=False, label=gettext_lazy("Task"))
    trials = forms.IntegerField(required=False, min_value=1, max_value=500, label=gettext_lazy("Trials"))
    control_share = forms.FloatField(
        required=False,
        min_value=0,
        max_value=0.9,
        label=gettext_lazy("Controls"),
        widget=forms.NumberInput({"step": "0.05"}),
    )
    practice = forms.CharField(required=False, label=gettext_lazy("Practice items"))
    attention = forms.CharField(required=False, label=gettext_lazy("Attention checks"))
    options = forms.JSONField(required=False, label=gettext_lazy("Options of the task"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the registered tasks."""
        super().__init__(*args, **kwargs)
        tasks = [("", _("(no block)"))] + [(name, name) for name in all_tasks()]
        self.fields["task"].choices = tasks  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Check the block as a whole."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("task") and not self.errors:
            try:
                parse_block(self.as_json(), number=1)
            except DesignError as error:
                raise ValidationError(str(error)) from error
        return cleaned

    def as_json(self) -> dict[str, Any]:
        """Return what `Study.blocks` stores for this block."""
        data = self.cleaned_data
        return {
            "task": data["task"],
            "trials": data["trials"] or 1,
            "control_share": data["control_share"] or 0.0,
            "practice": _words(data["practice"]),
            "attention": _words(data["attention"]),
            "options": data["options"] or {},
        }


def block_formset(study: Study, data: Any = None) -> Any:
    """Return the forms of a study's blocks, and one more to add a block."""
    factory = forms.formset_factory(BlockForm, extra=1, max_num=12)
    initial = [
        block | {"practice": ", ".join(block.get("practice", ())), "attention": ", ".join(block.get("attention", ()))}
        for block in study.blocks
    ]
    return factory(data, initial=initial, prefix="block")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


EXCLUSIONS = (
    ("incomplete", None, None, gettext_lazy("did not finish")),
    ("failed-attention", "maximum", 1, gettext_lazy("failed more attention checks than")),
    ("too-fast", "minimum", 2000, gettext_lazy("median reaction time below, in milliseconds")),
    ("straight-lining", "maximum", 0.8, gettext_lazy("share of identical answers above")),
    ("comprehension", "maximum", 2, gettext_lazy("attempts at the comprehension questions above")),
    ("duplicate", None, None, gettext_lazy("took part before, by the recruiter's identifier")),
    ("came-back-late", None, None, gettext_lazy("came back after the slot had gone to somebody else")),
)
"""Rule, its bound, a usual value, and the rule in words (contracts/study.schema.json)."""
MEASURES = (
    "nameability",
    "univocality",
    "exhaustiveness",
    "architectures",
    "intruder",
    "compare",
    "predict",
    "coherence",
)
NAME_LEVELS = (
    ("raw", gettext_lazy("as typed")),
    ("l1", gettext_lazy("letters and spaces made alike")),
    ("l2", gettext_lazy("lemmas and spelling")),
    ("l3", gettext_lazy("synonyms")),
    ("l4", gettext_lazy("adjudicated by two coders")),
)


class AnalysisPlanForm(forms.Form):
    """What is declared before launch: who is excluded, what is confirmatory, how names are compared."""

    confirmatory = forms.MultipleChoiceField(
        required=False,
        choices=[(measure, measure) for measure in MEASURES],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Confirmatory measures; all others are exploratory"),
    )
    name_level = forms.ChoiceField(choices=NAME_LEVELS, initial="l2", label=gettext_lazy("Names are compared"))
    alpha = forms.FloatField(min_value=0.0001, max_value=0.5, initial=0.05, label=gettext_lazy("Alpha"))
    notes = forms.CharField(
        required=False, max_length=4000, label=gettext_lazy("Notes"), widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, plan: dict[str, Any], data: Any = None) -> None:
        """Show a plan; an empty one shows the usual values, not chosen."""
        chosen = {rule["rule"]: rule for rule in plan.get("exclusions", ())}
        initial: dict[str, Any] = {
            name: plan[name] for name in ("confirmatory", "name_level", "alpha", "notes") if name in plan
        }
        super().__init__(data, initial=initial, prefix="plan")
        for rule, bound, usual, label in EXCLUSIONS:
            self.fields[f"use_{rule}"] = forms.BooleanField(required=False, label=label, initial=rule in chosen)
            if bound:
                value = chosen.get(rule, {}).get(bound, usual)
                self.fields[f"bound_{rule}"] = forms.FloatField(required=False, min_value=0, initial=value, label=label)

    @property
    def rules(self) -> list[tuple[forms.BoundField, forms.BoundField | None]]:
        """Each exclusion's box, and the field of its bound where it has one."""
        return [(self[f"use_{rule}"], self[f"bound_{rule}"] if bound else None) for rule, bound, *_rest in EXCLUSIONS]

    def clean(self) -> dict[str, Any]:
        """Ask for the bound of each chosen rule."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for rule, bound, *_rest in EXCLUSIONS:
            if bound and cleaned.get(f"use_{rule}") and cleaned.get(f"bound_{rule}") is None:
                self.add_error(f"bound_{rule}", _("Give the number that this rule needs, or take the rule out."))
        return cleaned

    def plan(self) -> dict[str, Any]:
        """Return the plan as `Study.analysis_plan` stores it."""
        data = self.cleaned_data
        exclusions = [
            {"rule": rule} | ({bound: data[f"bound_{rule}"]} if bound else {})
            for rule, bound, *_rest in EXCLUSIONS
            if data[f"use_{rule}"]
        ]
        plan = {
            "exclusions": exclusions,
            "confirmatory": data["confirmatory"],
            "name_level": data["name_level"],
            "alpha": data["alpha"],
        }
        return plan | ({"notes": data["notes"]} if data["notes"] else {})


class MemberForm(forms.Form):
    """Somebody with an account, and their role."""

    username = forms.CharField(max_length=150, label=gettext_lazy("User name"))
    role = forms.ChoiceField(choices=Role.choices, label=gettext_lazy("Role"))


class PregenerationForm(forms.Form):
    """What to make summaries of. Names are checked by the worker, which knows the networks."""

    source = forms.ChoiceField(label=gettext_lazy("Images"))
    networks = forms.CharField(
        initial="efficientnet-lite0", label=gettext_lazy("Networks"), help_text=gettext_lazy("Names with commas.")
    )
    classes = forms.CharField(
        required=False, label=gettext_lazy("Classes"), help_text=gettext_lazy("With commas; empty takes all.")
    )
    per_class = forms.IntegerField(
        required=False, min_value=1, max_value=10_000, label=gettext_lazy("Images per class")
    )
    preset = forms.ChoiceField(
        choices=[("default", "default"), ("reference", "reference"), ("fast", "fast")], label=gettext_lazy("Constants")
    )
    arms = forms.MultipleChoiceField(
        required=False,
        choices=[(arm, arm) for arm in ("random-regions", "shuffled-clusters", "whole-images")],
        initial=["random-regions"],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Control arms"),
    )
    seed = forms.IntegerField(initial=0, label=gettext_lazy("Seed"))

    def __init__(self, sources: list[tuple[str, str]], data: Any = None) -> None:
        """Offer the folders and datasets of this server."""
        super().__init__(data)
        self.fields["source"].choices = sources  # type: ignore[attr-defined]
