"""Where participants come from. Each recruiter is one file, named in the setting `STUDY_RECRUITERS`."""

from study.recruitment.base import Entry, EntryRefusedError, Recruiter, WayBack
from study.recruitment.registry import all_recruiters, recognise, recruiter_of, recruitment_problems

__all__ = [
    "Entry",
    "EntryRefusedError",
    "Recruiter",
    "WayBack",
    "all_recruiters",
    "recognise",
    "recruiter_of",
    "recruitment_problems",
]
