"""Tab Data: exports as they are sent, exclusions with a live count, the codebook."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from study.access import Capability
from study.contract import long_table_contract
from study.exports import (
    STREAMED_FORMATS,
    Counts,
    ExportError,
    Format,
    Profile,
    check_pictures,
    export_files,
    zip_chunks,
)
from study.models import Answer, Event, Participant, Study
from study.research.exclusions import excluded_numbers
from study.research.pages import actor, show, study_page
from study.services.audit import record


@study_page(Capability.EXPORT)
def show_data(request: HttpRequest, study: Study) -> HttpResponse:
    """Offer the exports."""
    people = Participant.objects.filter(study=study, test_at=None)
    numbers = {
        "responses_long": Answer.objects.filter(
            trial__participant__study=study, trial__participant__test_at=None
        ).count(),
        "participants": people.count(),
        "stimuli": study.stimuli.count(),
        "events": Event.objects.filter(participant__study=study, participant__test_at=None).count(),
    }
    contract = long_table_contract()
    tables = [(table, numbers.get(name)) for name, table in contract.tables.items()]
    context: dict[str, Any] = {
        "tables": tables,
        "contract": contract,
        "formats": sorted(STREAMED_FORMATS),
        "exclusions": excluded_numbers(study),
        "people": numbers["participants"],
        "simulated": people.filter(simulated=True).count(),
    }
    return show(request, study, "data.html", tab="data", **context)


@study_page(Capability.EXPORT)
def download(request: HttpRequest, study: Study) -> HttpResponseBase:
    """Send the whole export as a ZIP file while it is written."""
    profile = Profile(request.GET["profile"]) if request.GET.get("profile") in set(Profile) else Profile.FULL
    formats = {Format(name) for name in request.GET.getlist("format") if name in STREAMED_FORMATS}
    try:
        check_pictures(study)
        files = list(export_files(study, counts=Counts(), profile=profile, formats=formats))
        next(iter(files[0].chunks()))  # the public profile refuses here, before anything is sent
    except ExportError as error:
        messages.error(request, str(error))
        return redirect("research:data", study.slug)
    record("export study", actor=actor(request), study=study.slug, target=f"zip, {profile.value}")
    name = study.slug if profile == Profile.FULL else f"{study.slug}-public"
    response = StreamingHttpResponse(zip_chunks(files, folder=name), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return response


@study_page(Capability.EXPORT)
def download_table(request: HttpRequest, study: Study, table: str) -> HttpResponseBase:
    """Send one table as CSV while it is written."""
    files = {file.name: file for file in export_files(study, counts=Counts(), formats=[Format.WIDE])}
    file = files.get(f"{table}.csv")
    if file is None:
        messages.error(request, f"There is no table {table}.")
        return redirect("research:data", study.slug)
    record("export study", actor=actor(request), study=study.slug, target=f"{table}.csv")
    response = StreamingHttpResponse(file.chunks(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-{table}.csv"'
    return response
