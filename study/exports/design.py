"""`study.json`: the design of every version that participants saw, and the analysis plan frozen at launch."""

from typing import Any

from study.canonical import digest
from study.exports.cells import timestamp
from study.models import Study

STUDY_SCHEMA_VERSION = "1.0"


def study_description(study: Study) -> dict[str, Any]:
    """Return the content of `study.json` (contracts/study.schema.json). A draft has no version yet."""
    frozen = study.analysis_plan_frozen_at
    return {
        "schema_version": STUDY_SCHEMA_VERSION,
        "study": study.slug,
        "title": study.title,
        "preset": study.preset,
        "state": study.state,
        "invited": None,
        "opened": None,
        "versions": [
            {
                "version": version.number,
                "sha256": version.sha256,
                "frozen_at": timestamp(version.frozen_at),
                "design": version.design,
            }
            for version in study.versions.order_by("number")
        ],
        "analysis_plan": {
            **study.analysis_plan,
            "sha256": digest(study.analysis_plan),
            "frozen_at": timestamp(frozen) if frozen else None,
        }
        if study.analysis_plan
        else None,
    }
