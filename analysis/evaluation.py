"""From an export to every number of the report, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.adjudication import adjudicate
from analysis.answers import NamingAnswers, naming_answers
from analysis.behaviour import behaviour
from analysis.claims import Claim, agreement_claim, meaning_claim, networks_claim, overall_answer, parts_claim
from analysis.comparisons import COMPARED, Comparison, PermutationTest, accuracy_correlation, compare_networks
from analysis.interpretability import InferenceOptions, measure
from analysis.parts import consensus_names, exhaustiveness
from analysis.results import Results
from analysis.schema import Export
from analysis.selection import Selection, SelectionOptions, select
from analysis.sensitivity import exclusion_sensitivity, level_sensitivity
from analysis.synonyms import Synonyms, suggest_synonyms
from analysis.task_measures import TaskMeasures, measure_tasks
from analysis.wordnet import WordNet


@dataclass(frozen=True)
class Evaluation:
    """Everything the report shows.

    Attributes:
        export: what was read.
        selection: the answers that count, and why others do not.
        selection_options, inference_options: the choices.
        answers: naming answers with names at all levels.
        results: nameability, univocality and detection.
        consensus: one row per summary shown (:func:`analysis.parts.consensus_names`).
        cells: one row per class, network and method (:func:`analysis.parts.exhaustiveness`).
        comparisons: networks in pairs.
        correlations: accuracy against each count, or the reason why there is none.
        behaviour: times, confidence and scores by task and arm.
        tasks: measures of the tasks beside naming.
        level_sensitivity: the main numbers at every level of names.
        exclusion_sensitivity: the main numbers with and without the rules that excluded somebody.
        suggestions: pairs of names that may be synonyms, for a person to confirm; whether WordNet was at hand.
        claims: the four questions.
        answer: the paragraph at the top.
    """

    export: Export
    selection: Selection
    selection_options: SelectionOptions
    inference_options: InferenceOptions
    answers: NamingAnswers
    results: Results
    consensus: pd.DataFrame
    cells: pd.DataFrame
    comparisons: list[Comparison]
    correlations: Mapping[str, PermutationTest | str]
    behaviour: pd.DataFrame
    tasks: TaskMeasures
    level_sensitivity: pd.DataFrame
    exclusion_sensitivity: pd.DataFrame
    suggestions: pd.DataFrame
    wordnet_used: bool
    claims: tuple[Claim, ...]
    answer: str


class MissingLevelError(ValueError):
    """Names are to be compared at a level that is not there."""


def evaluate(
    export: Export,
    *,
    selection_options: SelectionOptions | None = None,
    inference_options: InferenceOptions | None = None,
    synonyms: Synonyms | None = None,
    wordnet: WordNet | None = None,
) -> Evaluation:
    """Analyse an export.

    Args:
        export: from :func:`analysis.schema.load`.
        selection_options: which answers count.
        inference_options: draws, seed, level and the rules for names; without them those of the frozen plan, if any.
        synonyms: merges that a person confirmed (:func:`analysis.synonyms.read_synonyms`).
        wordnet: nouns for suggestions of synonyms.

    Raises:
        MissingLevelError: names are to be compared at a level that the export, or the options, do not give.
        analysis.selection.UnknownMethodError: when a method is chosen that the export does not have.
    """
    choose = selection_options or SelectionOptions()
    selection = select(export, options=choose)
    infer = inference_options or InferenceOptions(
        name_level=selection.plan.name_level, level=round(1 - selection.plan.alpha, 10)
    )
    adjudication = adjudicate(export.name_codes, draws=infer.draws, seed=infer.seed)
    named = partial(naming_answers, synonyms=synonyms, adjudication=adjudication)
    answers = named(selection.answers)
    if infer.name_level not in answers.levels:
        needs = {"l3": "confirmed synonyms (--synonyms)", "l4": "codes of coders (name_codes.csv)"}
        raise MissingLevelError(
            f"Names are to be compared at level {infer.name_level.upper()}, which needs {needs[infer.name_level]}. "
            f"Give them, or choose another level: {', '.join(answers.levels)}."
        )
    results = measure(answers, options=infer)
    consensus = consensus_names(answers, options=infer)
    cells = exhaustiveness(selection.stimuli, consensus, export.manifests)
    generator = np.random.default_rng(infer.seed)
    comparisons = compare_networks(cells, generator=generator, draws=infer.draws, level=infer.level)
    correlations = {
        measure_name: accuracy_correlation(cells, measure_name, generator=generator, draws=infer.draws)
        for measure_name in COMPARED
    }
    claims = (
        meaning_claim(results, consensus),
        agreement_claim(results),
        parts_claim(cells, level=infer.level),
        networks_claim(comparisons, correlations, networks=int(cells["network"].nunique()), level=infer.level),
    )
    return Evaluation(
        export=export,
        selection=selection,
        selection_options=choose,
        inference_options=infer,
        answers=answers,
        results=results,
        consensus=consensus,
        cells=cells,
        comparisons=comparisons,
        correlations=correlations,
        behaviour=behaviour(selection.answers, draws=infer.draws, seed=infer.seed, level=infer.level),
        tasks=measure_tasks(selection.answers, options=infer),
        level_sensitivity=level_sensitivity(answers, options=infer, results=results, consensus=consensus),
        exclusion_sensitivity=exclusion_sensitivity(
            export,
            selection,
            answers,
            selection_options=choose,
            options=infer,
            results=results,
            consensus=consensus,
            named=named,
        ),
        suggestions=suggest_synonyms(answers.frame, wordnet=wordnet),
        wordnet_used=wordnet is not None,
        claims=claims,
        answer=overall_answer(
            claims,
            answers=len(answers.frame),
            participants=answers.participant_count,
            simulated=selection.simulated,
        ),
    )
