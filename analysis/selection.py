"""Which answers count: declared once, applied by code, reported with the numbers left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.exclusions import Exclusions, apply_exclusions
from analysis.plan import AnalysisPlan, Exclusion, Rule
from analysis.schema import Export


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """Rules that choose the analysed answers.

    Attributes:
        include_active: also take participants who have not finished yet.
        simulated: analyse the answers of programs although people answered too.
        method: analyse one explanation method only, by name; ``None`` takes all.
        exclusions: rules that replace those of the plan, for a sensitivity analysis; ``None`` takes the plan's.
    """

    include_active: bool = False
    simulated: bool = False
    method: str | None = None
    exclusions: tuple[Exclusion, ...] | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """Participant states that count."""
        return ("completed", "active") if self.include_active else ("completed",)


@dataclass(frozen=True)
class Selection:
    """The analysed answers.

    Attributes:
        answers: rows of the main phase that count.
        stimuli: the summaries they are about (those of the chosen method).
        plan: the frozen plan of the study, or the default one.
        exclusions: which participant failed which rule.
        simulated: whether the analysed answers were made by a program.
        mixed: whether both people and programs answered the study.
        flow: participants at each step, from the invited to the analysed, by description.
        left_out: answers left out, by reason.
    """

    answers: pd.DataFrame
    stimuli: pd.DataFrame
    plan: AnalysisPlan
    exclusions: Exclusions
    simulated: bool
    mixed: bool
    flow: Mapping[str, int]
    left_out: Mapping[str, int]


class UnknownMethodError(ValueError):
    """The chosen explanation method does not occur in the export."""


RULE_WORDS = {
    Rule.INCOMPLETE: "did not complete",
    Rule.FAILED_ATTENTION: "failed attention checks",
    Rule.TOO_FAST: "answered too fast",
    Rule.STRAIGHT_LINING: "gave one and the same answer throughout",
    Rule.DUPLICATE: "took part a second time",
    Rule.CAME_BACK_LATE: "came back after their place had run out",
    Rule.COMPREHENSION: "needed too many attempts at the comprehension questions",
}
NEVER_ANALYSED = ("test", "withdrawn")
"""Previews of researchers, and people whose answers were deleted."""


def select(export: Export, *, options: SelectionOptions) -> Selection:
    """Choose the answers to analyse: main phase, participants who pass the plan's rules, people rather than programs.

    Practice answers never count, nor do previews by researchers. When people and programs both answered, programs are
    left out unless ``options.simulated`` asks for them alone: the two are never mixed.

    Raises:
        UnknownMethodError: when ``options.method`` is not in the export; the message lists those that are.
    """
    stimuli = _of_method(export.stimuli, options.method)
    responses = export.responses
    plan = (export.study_file.plan if export.study_file else None) or AnalysisPlan()
    rules = options.exclusions if options.exclusions is not None else plan.exclusions
    programs = responses["simulated"].astype(bool)
    people_answered, programs_answered = bool((~programs).any()), bool(programs.any())
    take_programs = programs_answered and (options.simulated or not people_answered)
    main = responses["phase"] == "main"
    group = export.participants[export.participants["simulated"].astype(bool) == take_programs]
    group = group[group["state"] != "test"].reset_index(drop=True)
    exclusions = apply_exclusions(
        group,
        responses[main & responses["participant"].isin(group["participant"])],
        exclusions=rules,
        complete_states=options.states,
    )
    wanted = {
        f"of {'people' if take_programs else 'programs'}": programs == take_programs,
        "from practice or attention checks": main,
        "of previews or withdrawn participants": ~responses["participant_state"].isin(NEVER_ANALYSED),
    }
    first = responses["participant"].map(exclusions.first_failed)
    for exclusion in rules:
        wanted[f"of participants who {RULE_WORDS[exclusion.rule]}"] = ~(first == str(exclusion.rule))
    if options.method is not None:
        same = (responses["method"] == options.method).fillna(False) | responses["method"].isna()
        wanted["about other methods"] = same
    left_out: dict[str, int] = {}
    keep = pd.Series(True, index=responses.index)
    for reason, fits in wanted.items():
        lost = int((keep & ~fits).sum())
        if lost:
            left_out[reason] = lost
        keep &= fits
    kept = responses[keep]
    return Selection(
        answers=kept.reset_index(drop=True),
        stimuli=stimuli,
        plan=plan,
        exclusions=exclusions,
        simulated=take_programs,
        mixed=people_answered and programs_answered,
        flow=_flow(export, group, exclusions, kept),
        left_out=left_out,
    )


def _of_method(stimuli: pd.DataFrame, method: str | None) -> pd.DataFrame:
    if method is None:
        return stimuli
    if method not in set(stimuli["method"]):
        known = ", ".join(sorted(stimuli["method"].unique())) or "none"
        raise UnknownMethodError(f"Expected a method of the export ({known}), got {method!r}. Choose one of them.")
    return stimuli[stimuli["method"] == method].reset_index(drop=True)


def _flow(export: Export, group: pd.DataFrame, exclusions: Exclusions, answers: pd.DataFrame) -> dict[str, int]:
    """Participants at each step, after CONSORT 2010: invited, consented, started, completed, excluded, analysed."""
    flow: dict[str, int] = {}
    if export.study_file is not None and export.study_file.invited is not None:
        flow["invited"] = export.study_file.invited
    flow["consented"] = len(group)
    flow["started"] = int(group["started_at"].notna().sum())
    flow["completed"] = int((group["state"] == "completed").sum())
    flow["withdrew"] = int((group["state"] == "withdrawn").sum())
    flow["excluded"] = len(exclusions.first_failed)
    flow["analysed"] = int(answers["participant"].nunique())
    return flow
