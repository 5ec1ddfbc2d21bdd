"""Tab Design: blocks, conditions as a matrix, planned minutes, texts, codes and the analysis plan."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from study.access import Capability
from study.allocation import PlanError
from study.burden import Burden
from study.design import DesignError
from study.design_problems import design_problems
from study.models import Study
from study.recruitment import recruitment_problems
from study.research.forms import AnalysisPlanForm, DesignForm, block_formset
from study.research.pages import actor, show, study_page
from study.services.plan import planned_burden_of
from study.services.studies import StudyError, save_study
from study.tasks import UnknownTaskError
from study.versions import PLAN_FIELDS


@dataclass(frozen=True)
class Matrix:
    """Stimuli by network, method and arm (rows) and class (columns)."""

    classes: list[str]
    rows: list[tuple[tuple[str, str, str], list[int]]]
    total: int


def condition_matrix(study: Study) -> Matrix:
    """Return how many stimuli each condition has."""
    table: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for condition in study.conditions.annotate(number=Count("stimuli")):
        key = (condition.network, condition.method, condition.arm)
        table[key][condition.class_name] = condition.number
    classes = sorted({name for row in table.values() for name in row})
    rows = [(key, [row.get(name, 0) for name in classes]) for key, row in sorted(table.items())]
    return Matrix(classes=classes, rows=rows, total=sum(sum(numbers) for _key, numbers in rows))


@study_page(Capability.SEE_DESIGN, change=Capability.CHANGE_DESIGN, methods=("GET", "POST"))
def edit(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the design, and store changes to it."""
    forms = _Forms(study, request.POST if request.method == "POST" else None)
    if request.method == "POST" and forms.are_valid():
        try:
            saved = save_study(forms.study, actor=actor(request), reason=request.POST.get("reason", ""))
        except ValidationError as error:
            forms.refuse("; ".join(error.messages))
        except (StudyError, PlanError) as error:
            forms.refuse(str(error))
        else:
            stored = _("Saved.") if saved.launched_at is None else _("Saved as version %d.") % saved.version
            messages.success(request, stored)
            return redirect("research:design", study.slug)
    fresh = Study.objects.get(pk=study.pk)
    context: dict[str, Any] = forms.context() | {
        "matrix": condition_matrix(fresh),
        "has_people": fresh.participants.filter(test_at=None).exists(),
        "plan_fields": sorted(PLAN_FIELDS),
        "burden": _burden(forms.study),
        "slots": fresh.slots.count(),
    }
    status = 422 if request.method == "POST" else 200
    return show(request, fresh, "design.html", tab="design", status=status, **context)


@study_page(Capability.SEE_DESIGN, methods=("POST",))
def check(request: HttpRequest, study: Study) -> HttpResponse:
    """Say what is wrong with the design as it stands in the browser, and its planned minutes. Stores nothing."""
    forms = _Forms(study, request.POST)
    valid = forms.are_valid()
    if valid:
        try:
            forms.study.full_clean()
        except ValidationError as error:
            forms.refuse("; ".join(error.messages))
            valid = False
    context: dict[str, Any] = forms.context() | {
        "burden": _burden(forms.study) if valid else None,
        "valid": valid,
        "study": forms.study,
    }
    return render(request, "research/parts/design_check.html", context)


class _Forms:
    """The three forms of the page, filled from the study or from what was sent."""

    def __init__(self, study: Study, data: Any) -> None:
        self.study = Study.objects.get(pk=study.pk)
        self.design = DesignForm(data, instance=self.study)
        self.blocks = block_formset(study, data)
        self.plan_frozen = self.study.analysis_plan_frozen_at is not None
        self.plan = AnalysisPlanForm(study.analysis_plan, None if self.plan_frozen else data)

    def are_valid(self) -> bool:
        """Check everything, and put it into the study, which is not stored."""
        valid = [self.design.is_valid(), self.blocks.is_valid()]
        if not self.plan_frozen:
            valid.append(self.plan.is_valid())
        if not all(valid):
            return False
        blocks = [form.as_json() for form in self.blocks if form.cleaned_data.get("task")]
        if not blocks:
            self.refuse(_("A study needs at least one block: choose a task and give its number of trials."))
            return False
        self.study.blocks = blocks
        if not self.plan_frozen:
            self.study.analysis_plan = self.plan.plan()
        problems = [*design_problems(self.study), *recruitment_problems(self.study)]
        for problem in problems:
            self.refuse(problem)
        return not problems

    def refuse(self, message: str) -> None:
        """Show a message above the form."""
        self.design.add_error(None, message)

    def context(self) -> dict[str, Any]:
        """Return what the templates need."""
        return {
            "form": self.design,
            "blocks": self.blocks,
            "plan_form": self.plan,
            "plan_frozen": self.plan_frozen,
        }


def _burden(study: Study) -> Burden | None:
    try:
        return planned_burden_of(study)
    except (DesignError, UnknownTaskError):
        return None
