"""``study.json`` of an export: the design of every version, and the analysis plan frozen before launch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema

from analysis.complaints import Complaint
from analysis.contract import CONTRACTS

FILE = "study.json"


class Rule(StrEnum):
    """Exclusion rules that a plan can declare."""

    INCOMPLETE = "incomplete"
    FAILED_ATTENTION = "failed-attention"
    TOO_FAST = "too-fast"
    STRAIGHT_LINING = "straight-lining"
    DUPLICATE = "duplicate"
    CAME_BACK_LATE = "came-back-late"
    COMPREHENSION = "comprehension"


@dataclass(frozen=True)
class Exclusion:
    """One rule with its bound.

    Attributes:
        rule: which rule.
        bound: the largest value that is still accepted (failed checks, share of identical answers, attempts), or for
            ``too-fast`` the smallest median time in milliseconds; None where the rule has no bound.
    """

    rule: Rule
    bound: float | None = None


DEFAULT_BOUNDS = {
    Rule.FAILED_ATTENTION: 0.0,
    Rule.TOO_FAST: 1000.0,
    Rule.STRAIGHT_LINING: 0.9,
    Rule.COMPREHENSION: 2.0,
}


@dataclass(frozen=True)
class AnalysisPlan:
    """What was declared before the first answer.

    Attributes:
        exclusions: rules in the order in which they are applied.
        confirmatory: measures and claims declared before launch; all others are exploratory.
        name_level: level at which names are compared, ``raw`` or ``l1`` to ``l4``.
        alpha: significance level, in (0, 1).
        sha256: hash of the plan; "" for the default plan.
        frozen_at: time of the launch in ISO 8601, or "" when nothing was frozen.
    """

    exclusions: tuple[Exclusion, ...] = (Exclusion(Rule.INCOMPLETE),)
    confirmatory: tuple[str, ...] = ()
    name_level: str = "l2"
    alpha: float = 0.05
    sha256: str = ""
    frozen_at: str = ""

    @property
    def frozen(self) -> bool:
        """Whether the plan was fixed before launch."""
        return bool(self.frozen_at)

    def standing(self, measure: str) -> str:
        """``confirmatory`` when the measure or claim was declared in a frozen plan, else ``exploratory``."""
        return "confirmatory" if self.frozen and measure in self.confirmatory else "exploratory"


@dataclass(frozen=True)
class StudyFile:
    """What ``study.json`` says: title, people invited where known, designs by version, and the plan if there is one."""

    title: str = ""
    preset: str = ""
    invited: int | None = None
    opened: int | None = None
    designs: Mapping[int, Mapping[str, Any]] | None = None
    plan: AnalysisPlan | None = None


def read_study_file(path: Path, complaints: list[Complaint]) -> StudyFile | None:
    """Read ``study.json``; None when the export has none, or when complaints were made.

    The hashes are recomputed: a plan or design that was edited after the export is a complaint.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        complaints.append(Complaint(FILE, f"It cannot be read: {error.strerror}.", "Export the study again."))
        return None
    except (ValueError, RecursionError) as error:
        complaints.append(Complaint(FILE, f"It is no JSON: {error}.", "Export the study again."))
        return None
    faults = sorted(_validator().iter_errors(content), key=lambda fault: [str(part) for part in fault.path])
    for fault in faults[:5]:
        place = ".".join(str(part) for part in fault.path) or None
        complaints.append(Complaint(FILE, f"{fault.message[:200]}.", "Export the study again.", column=place))
    if faults:
        return None
    plan = content["analysis_plan"]
    hashed = [
        (f"versions.{index}", entry["sha256"], entry["design"]) for index, entry in enumerate(content["versions"])
    ]
    if plan is not None:
        hashed.append(("analysis_plan", plan["sha256"], _without_stamps(plan)))
    try:
        changed = [place for place, sha256, part in hashed if canonical_sha256(part) != sha256]
    except UnicodeEncodeError:
        complaints.append(
            Complaint(FILE, "It holds a lone surrogate, which is no character.", "Export the study again.")
        )
        return None
    for place in changed:
        mend = "A frozen design or plan is never edited; export the study again."
        complaints.append(Complaint(FILE, "The content does not have the hash written beside it.", mend, column=place))
    if changed:
        return None
    return StudyFile(
        title=content["title"],
        preset=content["preset"],
        invited=content.get("invited"),
        opened=content.get("opened"),
        designs={entry["version"]: entry["design"] for entry in content["versions"]},
        plan=_plan(plan) if plan is not None else None,
    )


def canonical_sha256(content: Any) -> str:
    """SHA-256 of a JSON document with sorted keys, without spaces, in UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_stamps(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plan.items() if key not in ("sha256", "frozen_at")}


def _plan(content: Mapping[str, Any]) -> AnalysisPlan:
    exclusions = []
    for entry in content["exclusions"]:
        rule = Rule(entry["rule"])
        bound = entry.get("minimum" if rule is Rule.TOO_FAST else "maximum", DEFAULT_BOUNDS.get(rule))
        exclusions.append(Exclusion(rule, bound))
    return AnalysisPlan(
        exclusions=tuple(exclusions),
        confirmatory=tuple(content["confirmatory"]),
        name_level=content["name_level"],
        alpha=float(content["alpha"]),
        sha256=content["sha256"],
        frozen_at=content["frozen_at"] or "",
    )


@lru_cache(maxsize=1)
def _validator() -> Any:
    schema = json.loads((CONTRACTS / "study.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)
