"""The home page: studies that take participants."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from study.models import Study, StudyState
from study.views.pages import participant_page


@participant_page
@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    """List the running studies."""
    studies = Study.objects.filter(state=StudyState.RUNNING).order_by("title")
    return render(request, "study/home.html", {"studies": studies})
