"""Which answers count: declared once, applied by code, reported with the numbers left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.schema import Export


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """Rules that choose the analysed answers.

    Attributes:
        include_active: also take participants who have not finished yet.
        simulated: analyse the answers of programs although people answered too.
        method: analyse one explanation method only, by name; ``None`` takes all.
    """

    include_active: bool = False
    simulated: bool = False
    method: str | None = None

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
        simulated: whether the analysed answers were made by a program.
        mixed: whether both people and programs answered the study.
        flow: participants at each step, in order, by description.
        left_out: answers left out, by reason.
    """

    answers: pd.DataFrame
    stimuli: pd.DataFrame
    simulated: bool
    mixed: bool
    flow: Mapping[str, int]
    left_out: Mapping[str, int]


class UnknownMethodError(ValueError):
    """The chosen explanation method does not occur in the export."""


def select(export: Export, *, options: SelectionOptions) -> Selection:
    """Choose the answers to analyse: main phase, states that count, people rather than programs.

    Practice answers never count. When people and programs both answered, programs are left out unless
    ``options.simulated`` asks for them alone: the two are never mixed.

    Raises:
        UnknownMethodError: when ``options.method`` is not in the export; the message lists those that are.
    """
    stimuli = _of_method(export.stimuli, options.method)
    responses = export.responses
    programs = responses["simulated"].astype(bool)
    people_answered, programs_answered = bool((~programs).any()), bool(programs.any())
    take_programs = programs_answered and (options.simulated or not people_answered)
    kinds = {"people": ~programs, "programs": programs}
    wanted = {
        f"of {'people' if take_programs else 'programs'}": kinds["programs" if take_programs else "people"],
        "from practice or attention checks": responses["phase"] == "main",
        f"of participants who are not {' or '.join(options.states)}": responses["participant_state"].isin(
            options.states
        ),
    }
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
        simulated=take_programs,
        mixed=people_answered and programs_answered,
        flow=_flow(export.participants, kept, take_programs=take_programs),
        left_out=left_out,
    )


def _of_method(stimuli: pd.DataFrame, method: str | None) -> pd.DataFrame:
    if method is None:
        return stimuli
    if method not in set(stimuli["method"]):
        known = ", ".join(sorted(stimuli["method"].unique())) or "none"
        raise UnknownMethodError(f"Expected a method of the export ({known}), got {method!r}. Choose one of them.")
    return stimuli[stimuli["method"] == method].reset_index(drop=True)


def _flow(participants: pd.DataFrame, answers: pd.DataFrame, *, take_programs: bool) -> dict[str, int]:
    group = participants[participants["simulated"].astype(bool) == take_programs]
    flow = {"consented": len(group)}
    for state, count in group["state"].value_counts().sort_index().items():
        flow[f"now {str(state).replace('_', ' ')}"] = int(count)
    flow["analysed"] = int(answers["participant"].nunique())
    return flow
