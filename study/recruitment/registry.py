"""The recruiters that the setting `STUDY_RECRUITERS` names."""

from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

from study.models import Study
from study.recruitment.base import Entry, Recruiter
from study.registry import Registry

RECRUITERS = Registry[Recruiter]("STUDY_RECRUITERS", noun="recruiter", unknown=LookupError)


def all_recruiters() -> dict[str, Recruiter]:
    """Return the registered recruiters by name, in the order in which they are asked."""
    return RECRUITERS.all()


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


def recruiter_of(source: str) -> Recruiter | None:
    """Return the recruiter of that name; None for one that is no longer registered."""
    return all_recruiters().get(source)


def recruitment_problems(study: Study) -> list[str]:
    """Return what is wrong with the study's settings for recruiters; each message says what to change."""
    unknown = sorted(set(study.recruitment) - set(all_recruiters()))
    return [
        *(f"Recruitment: there is no recruiter {name!r}; known are {', '.join(all_recruiters())}." for name in unknown),
        *(problem for recruiter in all_recruiters().values() for problem in recruiter.problems(study)),
    ]
