"""The paper's user study as a whole: what its claims need, and both sides of each, the machine's and the people's."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.answers import MAIN_ARM, RANDOM_ARM
from analysis.estimates import Estimate
from analysis.evaluation import Evaluation
from analysis.interpretability import InferenceOptions
from analysis.intervals import t_mean
from analysis.parts import network_accuracies
from analysis.schema import Export
from analysis.selection import SelectionOptions, select

SIDE_COLUMNS = ["claim", "question", "side", "quantity", "estimate"]


@dataclass(frozen=True)
class Lack:
    """Something that a claim needs and the data do not have."""

    claim: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.claim}: {self.what} {self.mend}"


class ReplicationError(ValueError):
    """The data cannot answer the paper's questions.

    Attributes:
        lacks: everything that is missing, by claim.
    """

    def __init__(self, lacks: list[Lack]) -> None:
        self.lacks = tuple(lacks)
        super().__init__("\n".join(str(lack) for lack in lacks))


def missing_for_replication(
    export: Export, *, selection_options: SelectionOptions, inference_options: InferenceOptions
) -> list[Lack]:
    """What the four claims of arXiv 1801.09103 need and the export lacks; nothing when all can be examined.

    Args:
        export: what was read.
        selection_options: which answers count.
        inference_options: the least number of answers that judges a summary.
    """
    selection = select(export, options=selection_options)
    answers = selection.answers[selection.answers["task"] == "name"]
    if answers.empty:
        return [Lack("all claims", "There is no naming answer that counts.", "The paper's task is name.")]
    lacks = []
    if selection.simulated and not selection_options.simulated:
        what = "All answers were made by programs."
        lacks.append(Lack("all claims", what, "Ask people, or add --simulated to try the machinery."))
    arms = answers["arm"].dropna().value_counts()
    if MAIN_ARM not in arms:
        lacks.append(Lack("meaning", "No summary was answered.", "Import a run and show its summaries."))
    if RANDOM_ARM not in arms:
        mend = "Make the arm (pregenerate --arms random-regions) and show it."
        lacks.append(Lack("meaning", "No random region was answered, so naming anything cannot be told apart.", mend))
    lacks += _agreement_lacks(answers)
    lacks += _parts_lacks(answers, inference_options.minimum_answers)
    return [*lacks, *_network_lacks(export, selection.stimuli)]


def _agreement_lacks(answers: pd.DataFrame) -> list[Lack]:
    named = answers[(answers["arm"] == MAIN_ARM) & (answers["answer_kind"] == "named")]
    people = named.groupby("summary")["participant"].nunique()
    if int((people >= 2).sum()) >= 2:
        return []
    what = f"{int((people >= 2).sum())} summaries were named by two or more people."
    return [Lack("agreement", what, "Agreement needs at least two such summaries: plan more participants.")]


def _parts_lacks(answers: pd.DataFrame, minimum: int) -> list[Lack]:
    main = answers[answers["arm"] == MAIN_ARM]
    counts = main.groupby("summary").size()
    if int((counts >= minimum).sum()):
        return []
    mend = "Plan more participants, or fewer summaries."
    return [Lack("parts", f"No summary has the {minimum} answers that judge it.", mend)]


def _network_lacks(export: Export, stimuli: pd.DataFrame) -> list[Lack]:
    lacks = []
    main = stimuli[stimuli["arm"] == MAIN_ARM]
    networks = sorted(main["network"].unique())
    if len(networks) < 2:
        what = f"There are summaries of {len(networks)} network ({', '.join(networks) or 'none'})."
        lacks.append(Lack("networks", what, "Make summaries of two networks or more of the same classes."))
    accuracies = network_accuracies(stimuli)
    unknown = [network for network in networks if network not in accuracies]
    if unknown:
        what = f"The accuracy of {', '.join(unknown)} is unknown."
        lacks.append(Lack("networks", what, "Import the run again; its manifest holds the accuracies."))
    elif len(networks) > 1 and len({accuracies[network] for network in networks}) == 1:
        lacks.append(Lack("networks", "All networks are equally accurate.", "Compare networks that differ."))
    absent = sorted(set(main["run_digest"].astype(str)) - set(export.manifests))
    if absent:
        what = f"The manifest of run {absent[0][:12]} is not in the export, so classes without a summary are unknown."
        lacks.append(Lack("networks", what, "Export the study again; it writes manifests/."))
    return lacks


def both_sides(evaluation: Evaluation) -> pd.DataFrame:
    """Each claim from both sides: what the pregeneration measured, and what people said.

    Returns:
        ``SIDE_COLUMNS``; ``side`` is machine or people. Machine-side means are over summaries or classes, with t
        intervals.
    """
    level = evaluation.inference_options.level
    main = evaluation.selection.stimuli[evaluation.selection.stimuli["arm"] == MAIN_ARM]
    per_class = evaluation.cells.groupby("class")["summaries"].mean()
    machine = {
        "meaning": ("mean relative score drop when a summary's regions are deleted", _mean(main["mean_drop"], level)),
        "agreement": ("mean structural similarity within a summary", _mean(main["median_ssim"], level)),
        "parts": ("summaries per class and network", _mean(per_class, level)),
        "networks": ("summaries per class, most against least accurate network", _difference(evaluation, "summaries")),
    }
    people = {claim.key: (claim.unit, claim.estimate) for claim in evaluation.claims}
    people["networks"] = (
        "nameable summaries per class, most against least accurate network",
        _difference(evaluation, "nameable"),
    )
    rows = []
    for claim in evaluation.claims:
        for side, found in (("machine", machine), ("people", people)):
            quantity, estimate = found[claim.key]
            rows.append((claim.key, claim.question, side, quantity, estimate))
    return pd.DataFrame(rows, columns=SIDE_COLUMNS)


def _mean(values: pd.Series[float], level: float) -> Estimate:
    known = values.dropna().to_numpy(dtype=float)
    return t_mean(known, level=level) if known.size else Estimate.undefined("the export has no such number")


def _difference(evaluation: Evaluation, measure: str) -> Estimate:
    pairs = [pair for pair in evaluation.comparisons if pair.measure == measure and pair.accuracy_difference]
    if not pairs:
        return Estimate.undefined("it needs two networks of different accuracy")
    return max(pairs, key=lambda pair: pair.accuracy_difference or 0.0).difference
