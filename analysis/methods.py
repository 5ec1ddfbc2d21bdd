"""The methods paragraph: every choice behind the numbers, in sentences made from the options that were used."""

from __future__ import annotations

from analysis.evaluation import Evaluation
from analysis.interpretability import NameableRule
from analysis.selection import RULE_WORDS
from analysis.wording import counted, decimal, estimate_text, listed, percent


def methods_sentences(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Headed paragraphs, in the order of the analysis."""
    return [
        ("Answers", _selection(evaluation)),
        ("Names", _names(evaluation)),
        ("Nameability", _nameability(evaluation)),
        ("Agreement", _agreement()),
        ("Parts", _parts(evaluation)),
        ("Networks", _networks()),
        ("Inference", _inference(evaluation)),
        ("Relation to the original study", _reconstruction()),
    ]


def _selection(evaluation: Evaluation) -> str:
    options, selection = evaluation.selection_options, evaluation.selection
    rules = options.exclusions if options.exclusions is not None else selection.plan.exclusions
    excluded = listed([RULE_WORDS[exclusion.rule] for exclusion in rules]) or "failed no rule, as there is none"
    declared = (
        f"declared before launch (plan {selection.plan.sha256[:12]}, frozen {selection.plan.frozen_at[:10]})"
        if selection.plan.frozen and options.exclusions is None
        else "not declared before launch"
    )
    sentences = [
        "Analysed are answers of the main phase; practice and previews never count. "
        f"Left out are participants who {excluded}; these rules were {declared}."
    ]
    if options.include_active:
        sentences.append("Participants who have not finished yet were taken, too.")
    if options.method is not None:
        sentences.append(f"Only the explanation method {options.method} was analysed.")
    if selection.left_out:
        left_out = [f"{count:,} {reason}".replace(",", "\u202f") for reason, count in selection.left_out.items()]
        sentences.append(f"Answers left out: {listed(left_out)}.")
    if selection.mixed:
        kept = "programs" if selection.simulated else "people"
        sentences.append(f"Both people and programs answered; only the answers of {kept} were analysed.")
    if evaluation.answers.repeats:
        repeats = counted(evaluation.answers.repeats, "repeated answer")
        sentences.append(f"Of the same participant about the same summary the first answer counts; {repeats} left out.")
    sentences += evaluation.export.notes
    return " ".join(sentences)


def _names(evaluation: Evaluation) -> str:
    level = evaluation.inference_options.name_level.upper().replace("RAW", "L0")
    unreadable = evaluation.answers.unreadable
    return (
        f"Names were compared at level {level}. L0 is what was typed; L1 unifies Unicode form, case, articles, "
        "possessives, punctuation and white space; L2 unifies number and lemma, the singular first, and mends "
        "slips of one letter in words that no dictionary knows, preferring words of other participants about the "
        "same class. A known word is never changed. Every change is listed in tables/names_trail.csv. "
        + _further_levels(evaluation)
        + (
            f" {counted(unreadable, 'name')} without a letter or digit count as named but have no name."
            if unreadable
            else ""
        )
    )


def _further_levels(evaluation: Evaluation) -> str:
    sentences = [
        "At L3 synonyms were merged that a person confirmed."
        if "l3" in evaluation.answers.levels
        else "Synonyms were not merged; suggestions for a person to confirm are in tables/synonym_suggestions.csv "
        + ("(WordNet and writing)." if evaluation.wordnet_used else "(writing only, as WordNet was not at hand).")
    ]
    coders = evaluation.answers.adjudication
    if coders is not None:
        agreed = (
            f"agreed with α = {estimate_text(coders.alpha)}"
            if coders.alpha.defined
            else f"cannot be compared: {coders.alpha.reason}"
        )
        sentences.append(
            f"At L4 names are the consensus of {counted(coders.coders, 'blind coder')}, who {agreed} before they "
            f"resolved differences; {counted(evaluation.answers.uncoded, 'answer')} without a code keep their name."
        )
    return " ".join(sentences)


def _nameability(evaluation: Evaluation) -> str:
    options = evaluation.inference_options
    what = (
        "lower Wilson bound of its share of names"
        if options.nameable_rule is NameableRule.LOWER_BOUND
        else ("share of answers that name it")
    )
    return (
        "Nameability is the share of answers that give a name rather than “No common part”. A summary counts as "
        f"nameable when the {what} is at least {percent(options.nameable_threshold)}, judged from "
        f"{options.minimum_answers} answers on; “surely nameable” asks the same of the lower Wilson bound. Naming "
        "a random region is a false alarm: d′ and the criterion use the log-linear correction (0.5 added to "
        "counts, 1 to trials)."
    )


def _agreement() -> str:
    return (
        "Measures stand side by side because each has blind spots. “Of those who named” leaves “No common part” "
        "out; “of all raters” takes it as an answer of its own, and the modal share then divides by everyone. "
        "Pairwise agreement (Simpson) is the chance that two different people gave the same name and does not "
        "depend on their number. H is in bits, plug-in and with the Miller–Madow correction; these and the modal "
        "share are means over summaries. α, κ and AC1 are nominal and pooled over summaries; the categories of "
        "AC1 are the names that occur."
    )


def _parts(evaluation: Evaluation) -> str:
    options = evaluation.inference_options
    return (
        f"A consensus name is the most frequent name of a nameable summary, given by {options.minimum_votes} "
        "people or more and without a tie. Distinct names are counted per class and network. A network that "
        "found no summary of a class counts as 0 there. Coverage is the share of the network's score drop that "
        "all summaries of a class explain together, computed before the study."
    )


def _networks() -> str:
    return (
        "Networks are compared in pairs over the classes (and methods) they share: mean difference with a t "
        "interval, exact sign-flip permutation p = (b + 1)/(m + 1), two-sided, Holm-adjusted over the pairs of "
        "one measure. From three networks on, Spearman's ρ between accuracy and mean count per class, with an "
        "exact permutation p."
    )


def _inference(evaluation: Evaluation) -> str:
    options = evaluation.inference_options
    return (
        f"Intervals cover {percent(options.level)}. Participants and summaries are crossed and both are resampled "
        f"(two-way bootstrap, {options.draws:,} draws, seed {options.seed}); pairs of one person with a copy of "
        "themselves are taken out; the variance is that of participants plus summaries, the noise of single answers "
        "counted once, with Satterthwaite's degrees of freedom. Intervals of modal shares are corrected for the bias "
        "of few raters, those of H lie around the estimate of Chao and Shen. Coefficients α, κ and AC1 resample "
        "summaries. Single summaries have Wilson intervals for shares "
        "and resample participants otherwise. Means over classes have t intervals. Analyses of single classes, "
        "networks and of behaviour are exploratory and not adjusted for their number."
    ).replace(f"{options.draws:,}", decimal(options.draws, 0))


def _reconstruction() -> str:
    return (
        "The paper (arXiv 1801.09103) states what its user study found; the number of participants, the exact "
        "wording and the measure of agreement are not published. This is a documented reconstruction: the "
        "questions are the paper's, and the choices above are ours."
    )
