"""The paper's claims as four questions with an answer each: a value, its interval, and a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from analysis.answers import MAIN_ARM, RANDOM_ARM
from analysis.comparisons import Comparison, PermutationTest
from analysis.effect_sizes import cohen_h
from analysis.estimates import Estimate
from analysis.intervals import t_mean
from analysis.results import Results
from analysis.wording import counted, decimal, estimate_text, listed, p_text, percent, points, points_text

MAJORITY = 0.5
SEVERAL = 2


class Verdict(StrEnum):
    """What the interval says about a claim."""

    YES = "Yes"
    PARTLY = "In part"
    UNCLEAR = "Not settled"
    NO = "No"
    UNKNOWN = "Cannot be said"


@dataclass(frozen=True)
class Claim:
    """One claim of the paper, examined.

    Attributes:
        key: short stable name.
        question: the claim as a question.
        estimate: the number that decides.
        share: whether the number is written in percent.
        unit: what the number is, in a few words.
        verdict: the answer.
        words: the answer in a sentence or two.
        rule: how the verdict follows from the number.
    """

    key: str
    question: str
    estimate: Estimate
    share: bool
    unit: str
    verdict: Verdict
    words: str
    rule: str


def against(estimate: Estimate, threshold: float) -> Verdict:
    """Verdict from where the interval lies: above the threshold, below it, or across it."""
    if estimate.value is None:
        return Verdict.UNKNOWN
    if estimate.low is None or estimate.high is None:
        return Verdict.UNCLEAR
    if estimate.low >= threshold:
        return Verdict.YES
    return Verdict.NO if estimate.high < threshold else Verdict.UNCLEAR


def meaning_claim(results: Results, consensus: pd.DataFrame) -> Claim:
    """(a) Most summaries carry a meaning: they are named, and more often than random regions."""
    estimate = results.get("nameability", arm=MAIN_ARM)
    verdict = against(estimate, MAJORITY)
    judged = consensus[(consensus["arm"] == MAIN_ARM) & consensus["nameable"].notna()]
    words = []
    if estimate.defined:
        words.append(f"People gave a name in {percent(estimate.value)} of the answers about summaries.")
    if len(judged):
        nameable = int(judged["nameable"].sum())
        words.append(f"{nameable} of {counted(len(judged), 'summary', 'summaries')} count as nameable.")
    control = results.get("nameability", arm=RANDOM_ARM)
    difference = results.get("nameability_above_control", arm=RANDOM_ARM)
    if estimate.value is not None and control.value is not None:
        effect = decimal(cohen_h(estimate.value, control.value))
        words.append(
            f"Random regions were named in {percent(control.value)}; the difference is "
            f"{points_text(difference)} (Cohen h {effect})."
        )
        if verdict is Verdict.YES and (difference.low is None or difference.low <= 0):
            verdict = Verdict.PARTLY
    elif estimate.defined:
        words.append("There was no random-region arm, so a habit of naming anything cannot be ruled out.")
    return Claim(
        key="meaning",
        question="Do most summaries carry a meaning?",
        estimate=estimate,
        share=True,
        unit="of answers name the summary",
        verdict=verdict,
        words=" ".join(words) or _nothing(estimate),
        rule="Yes when the interval lies above 50 % and, with a random arm, the difference to it lies above 0.",
    )


def agreement_claim(results: Results) -> Claim:
    """(b) People agree on the meaning: two people who name a summary name it alike."""
    estimate = results.get("pairwise_agreement_named", arm=MAIN_ARM)
    modal = results.get("modal_share_named", arm=MAIN_ARM)
    alpha = results.get("krippendorff_alpha_named", arm=MAIN_ARM)
    words = []
    if estimate.defined:
        words.append(
            f"Two people who name the same summary choose the same name in {percent(estimate.value)} of cases."
        )
        words.append(f"The most frequent name holds {estimate_text(modal, share=True)} of the names")
        words[-1] += f"; Krippendorff α is {estimate_text(alpha)}." if alpha.defined else "."
    control = results.get("pairwise_agreement_named", arm=RANDOM_ARM)
    if control.defined and estimate.defined and control.low is not None:
        words.append(f"For random regions it is {percent(control.value)}.")
    return Claim(
        key="agreement",
        question="Do people agree on it?",
        estimate=estimate,
        share=True,
        unit="of pairs of people use the same name",
        verdict=against(estimate, MAJORITY),
        words=" ".join(words) or _nothing(estimate),
        rule="Yes when the interval lies above 50 %. The measure does not depend on the number of people.",
    )


def parts_claim(cells: pd.DataFrame, *, level: float) -> Claim:
    """(c) One class yields several distinct parts: consensus names per class and network."""
    known = cells.dropna(subset=["distinct_names"])
    per_class = known.groupby("class")["distinct_names"].mean().astype(float)
    estimate = t_mean(per_class.to_numpy(), level=level)
    if estimate.value is None:
        estimate = Estimate.undefined("no class has a summary with enough answers")
    verdict = against(estimate, SEVERAL)
    if estimate.value is not None and estimate.low is None and estimate.n > 1:
        verdict = Verdict.YES if estimate.value >= SEVERAL else Verdict.NO
    words = []
    if estimate.value is not None:
        richest = known.sort_values(["distinct_names", "class"], ascending=[False, True]).iloc[0]
        words.append(f"A class has {decimal(estimate.value, 1)} different consensus names per network on average.")
        names = ", ".join(name for name, _, _ in richest["names"])
        if names:
            words.append(f"The richest is {richest['class']} with {richest['network']}: {names}.")
        if len(per_class) == 1:
            words.append("This is one class; nothing follows for others.")
    return Claim(
        key="parts",
        question="Does one class yield several distinct parts?",
        estimate=estimate,
        share=False,
        unit="distinct consensus names per class and network",
        verdict=verdict,
        words=" ".join(words) or _nothing(estimate),
        rule="Yes when the interval over classes starts at 2 or above, or all of several classes have as many.",
    )


def networks_claim(
    comparisons: Sequence[Comparison],
    correlations: Mapping[str, PermutationTest | str],
    *,
    networks: int,
    level: float,
) -> Claim:
    """(d) More accurate networks yield more summaries, and more nameable ones."""
    question = "Do more accurate networks yield more summaries?"
    alpha = 1 - level
    rule = (
        "Yes when the most accurate network has more summaries and more nameable ones than the least accurate, both "
        f"with p ≤ {alpha:.2g} in the exact permutation test over classes."
    )
    found = {pair.measure: pair for pair in _widest(comparisons)}
    if "summaries" not in found:
        reason = (
            f"The study has {counted(networks, 'network')}; a comparison needs two."
            if networks < 2
            else "The accuracies of the networks are unknown or equal."
        )
        estimate = Estimate.undefined(reason)
        return Claim("networks", question, estimate, False, "", Verdict.UNKNOWN, reason, rule)
    pair = found["summaries"]
    verdicts = [_tested(found.get(measure), alpha) for measure in ("summaries", "nameable")]
    words = [
        f"{pair.first} is {points(pair.accuracy_difference)} more accurate than {pair.second} and yields "
        f"{_more(pair.difference.value)} summaries per class ({p_text(pair.p_value)})"
    ]
    nameable = found.get("nameable")
    if nameable is not None:
        words[0] += f", and {_more(nameable.difference.value)} nameable ones ({p_text(nameable.p_value)})."
    else:
        words[0] += "."
    smallest = 2 / 2**pair.difference.n
    if smallest > alpha:
        words.append(
            f"With {counted(pair.difference.n, 'class', 'classes')} the smallest p that can come out is {smallest:.3f}."
        )
    correlation = correlations.get("summaries")
    if isinstance(correlation, PermutationTest):
        words.append(
            f"Over all networks, Spearman ρ between accuracy and summaries per class is "
            f"{decimal(correlation.statistic)} ({p_text(correlation.p_value)})."
        )
    return Claim(
        key="networks",
        question=question,
        estimate=pair.difference,
        share=False,
        unit=f"more summaries per class, {pair.first} than {pair.second}",
        verdict=_joined(verdicts),
        words=" ".join(words),
        rule=rule,
    )


def _widest(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Of each measure, the pair of networks that differ most in accuracy."""
    best: dict[str, Comparison] = {}
    for pair in comparisons:
        gap = pair.accuracy_difference
        if gap is None or gap <= 0 or (not pair.difference.defined and pair.measure == "summaries"):
            continue
        before = best.get(pair.measure)
        if before is None or (before.accuracy_difference or 0) < gap:
            best[pair.measure] = pair
    return list(best.values())


def _tested(pair: Comparison | None, alpha: float) -> Verdict:
    if pair is None or pair.p_value is None or pair.difference.value is None:
        return Verdict.UNKNOWN
    if pair.p_value > alpha:
        return Verdict.UNCLEAR
    return Verdict.YES if pair.difference.value > 0 else Verdict.NO


def _joined(verdicts: list[Verdict]) -> Verdict:
    if all(verdict is verdicts[0] for verdict in verdicts):
        return verdicts[0]
    return Verdict.PARTLY if Verdict.YES in verdicts else Verdict.UNCLEAR


def _more(difference: float | None) -> str:
    if difference is None:
        return "an unknown number of"
    return f"{decimal(abs(difference), 1)} {'more' if difference >= 0 else 'fewer'}"


def _nothing(estimate: Estimate) -> str:
    return f"{estimate.reason[:1].upper()}{estimate.reason[1:]}."


def overall_answer(claims: Sequence[Claim], *, answers: int, participants: int, simulated: bool) -> str:
    """The report's one paragraph."""
    if answers == 0:
        return "There are no naming answers to analyse yet, so none of the questions has an answer."
    who = counted(participants, "simulated participant" if simulated else "participant")
    start = f"{counted(answers, 'naming answer')} of {who} {'was' if answers == 1 else 'were'} analysed. "
    sentences = {
        "meaning": "most summaries carry a meaning for people",
        "agreement": "people agree on what it is",
        "parts": "a class yields several distinct parts",
        "networks": "the more accurate network yields more summaries",
    }
    groups = {verdict: [sentences[claim.key] for claim in claims if claim.verdict is verdict] for verdict in Verdict}
    leads = {
        Verdict.YES: ("The answers support", "that"),
        Verdict.PARTLY: ("They support only in part", "that"),
        Verdict.UNCLEAR: ("They do not settle", "whether"),
        Verdict.NO: ("They speak against the claims", "that"),
        Verdict.UNKNOWN: ("Nothing can be said about", "whether"),
    }
    said = [
        f"{lead} {listed([f'{link} {part}' for part in groups[verdict]])}."
        for verdict, (lead, link) in leads.items()
        if groups[verdict]
    ]
    caution = " These answers were made by a program: they test the platform and say nothing about people."
    return start + " ".join(said) + (caution if simulated else "")
