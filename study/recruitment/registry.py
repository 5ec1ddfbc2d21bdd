"""The recruiters that the setting `STUDY_RECRUITERS` names."""

from collections.abc import Mapping
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from study.models import Study
from study.recruitment.base import Entry, Recruiter


@cache
def _instances(paths: tuple[str, ...]) -> dict[str, Recruiter]:
    instances = [import_string(path)() for path in paths]
    return {instance.name: instance for instance in instances}


def all_recruiters() -> dict[str, Recruiter]:
    """Return the registered recruiters by name, in the order in which they are asked."""
    return _instances(tuple(settings.STUDY_RECRUITERS))


def recognise(study: Study, query: Mapping[str, str], *, raw_query: str) -> Entry:
    """Return what the entry link says, from the first recruiter that recognises it.

    Raises:
        EntryRefusedError: a recruiter recognised the link and refused it.
        ImproperlyConfigured: no recruiter takes the link; the open link should come last in `STUDY_RECRUITERS`.
    """
    for recruiter in all_recruiters().values():
        entry = recruiter.recognise(study, query, raw_query=raw_query)
        if entry is not None:
            return entry
    raise ImproperlyConfigured("No recruiter takes this link; add study.recruitment.open_link.OpenLink at the end.")


def completion_url(study: Study, *, source: str, outcome: str) -> str | None:
    """Return where to send a participant at the end; None for sources without a page, or no longer registered."""
    recruiter = all_recruiters().get(source)
    return recruiter.completion_url(study, outcome) if recruiter else None
