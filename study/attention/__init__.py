"""Attention checks. Each is one file with an `AttentionCheck` subclass, named in `STUDY_ATTENTION_CHECKS`."""

from study.attention.base import AttentionCheck, UnknownCheckError
from study.attention.registry import all_checks, attention_item, get_check

__all__ = ["AttentionCheck", "UnknownCheckError", "all_checks", "attention_item", "get_check"]
