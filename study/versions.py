"""The design of a study as one document, and which of its parts the plan rests on. Reads, never writes."""

from typing import Any

from django.db.models import Field

from study.canonical import digest
from study.models import Study

NO_DESIGN = frozenset(
    {
        "id",
        "state",
        "version",
        "created_at",
        "launched_at",
        "retention_enforced_at",
        "analysis_plan",
        "analysis_plan_frozen_at",
        "target_half_width",
    }
)
"""Fields of a study that are no part of what participants see."""
PLAN_FIELDS = frozenset(
    {"slug", "preset", "blocks", "block_order", "questionnaires", "participants_planned", "quota_per_cell", "seed"}
)
"""What the plan, or answers already given, rest on: fixed once somebody has consented."""


def design_fields() -> list[str]:
    """Return the names of the fields that make the design, in the model's order."""
    fields: list[Field[Any, Any]] = list(Study._meta.concrete_fields)
    return [field.name for field in fields if field.name not in NO_DESIGN]


def settings_of(study: Study) -> dict[str, Any]:
    """Return the fields of the design, as JSON holds them."""
    values = {}
    for name in design_fields():
        value = getattr(study, name)
        values[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return values


def design_of(study: Study) -> dict[str, Any]:
    """Return the whole design: the study's fields, its conditions, its stimuli by hash, and its plan by hash."""
    conditions = study.conditions.order_by("network", "class_name", "method", "arm")
    stimuli = study.stimuli.order_by("identifier").values_list("identifier", "pictures__grid__sha256", "run__digest")
    slots = study.slots.order_by("number").values_list("number", "trials")
    return {
        **settings_of(study),
        "conditions": [
            {"network": one.network, "class": one.class_name, "method": one.method, "arm": one.arm}
            for one in conditions
        ],
        "runs": sorted(study.runs.values_list("digest", flat=True)),
        "stimuli": stimuli.count(),
        "stimuli_sha256": digest([list(stimulus) for stimulus in stimuli]),
        "slots": slots.count(),
        "plan_sha256": digest([list(slot) for slot in slots]),
    }
