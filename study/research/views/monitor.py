"""Tab Monitor: the page, and its panels alone for refreshing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from study.access import Capability
from study.models import Study
from study.research.monitoring import monitor
from study.research.pages import show, study_page


@study_page(Capability.MONITOR)
def show_monitor(request: HttpRequest, study: Study) -> HttpResponse:
    """Show how the study goes."""
    return show(request, study, "monitor.html", tab="monitor", monitor=monitor(study))


@study_page(Capability.MONITOR)
def show_panels(request: HttpRequest, study: Study) -> HttpResponse:
    """Show the panels alone; the page's script puts those in place that changed."""
    return render(request, "research/parts/monitor_panels.html", {"study": study, "monitor": monitor(study)})
