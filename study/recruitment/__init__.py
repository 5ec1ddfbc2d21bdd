"""Where participants come from. Each recruiter is one file, named in the setting `STUDY_RECRUITERS`."""

from study.recruitment.base import Entry, EntryRefusedError, Recruiter
from study.recruitment.registry import all_recruiters, completion_url, recognise

__all__ = ["Entry", "EntryRefusedError", "Recruiter", "all_recruiters", "completion_url", "recognise"]
