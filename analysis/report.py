"""The report: one HTML file that opens from disk, with its numbers, tables and figures beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from analysis import wording
from analysis.answers import ARMS, MAIN_ARM, RANDOM_ARM
from analysis.claims import Claim
from analysis.comparisons import PermutationTest
from analysis.drawing import for_page
from analysis.drawings import Drawing, all_drawings
from analysis.estimates import Estimate
from analysis.evaluation import Evaluation
from analysis.further_figures import LEVEL_WORDS
from analysis.methods import methods_sentences
from analysis.pictures import data_address
from analysis.plan import AnalysisPlan
from analysis.replication import both_sides
from analysis.sensitivity import FOLLOWED
from analysis.sheets import Cell, blank_cell, count_cell, estimate_cell, p_cell, share_cell, sheet
from analysis.tables import LATEX_TABLES, all_tables, as_json, provenance, to_csv, to_latex
from analysis.task_sections import task_sections
from analysis.wording import ARM_WORDS, STATISTIC_WORDS, points, points_text

TEMPLATES = Path(__file__).resolve().parent / "templates"
BARS_SHOWN = 6
CLAIM_MEASURES = {
    "meaning": "nameability",
    "agreement": "univocality",
    "parts": "exhaustiveness",
    "networks": "architectures",
}
"""What a plan calls the measure behind each claim."""
UNIVOCALITY_ROWS = tuple(name for name in STATISTIC_WORDS if name.endswith(("_named", "_all")))


def write_report(evaluation: Evaluation, page: Path) -> list[Path]:
    """Write the page, ``results.json``, ``tables/`` (CSV and LaTeX) and ``figures/`` (SVG and PNG) beside it.

    Args:
        evaluation: from :func:`analysis.evaluation.evaluate`.
        page: path of the HTML file; its directory is made if need be.

    Returns:
        The files written, the page first.
    """
    directory = page.parent
    drawings = all_drawings(evaluation)
    tables = all_tables(evaluation)
    files: dict[Path, bytes] = {
        page: render(evaluation, drawings).encode(),
        directory / "results.json": json_text(evaluation).encode(),
    }
    files |= {directory / "tables" / f"{name}.csv": to_csv(frame).encode() for name, frame in tables.items()}
    files |= {
        directory / "tables" / f"{name}.tex": to_latex(frame, name).encode()
        for name, frame in tables.items()
        if name in LATEX_TABLES
    }
    for name, drawing in drawings.items():
        files[directory / "figures" / f"{name}.svg"] = drawing.svg.encode()
        files[directory / "figures" / f"{name}.png"] = drawing.png
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(files)


def json_text(evaluation: Evaluation) -> str:
    """``results.json`` as text."""
    return json.dumps(as_json(evaluation), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def render(evaluation: Evaluation, drawings: Mapping[str, Drawing]) -> str:
    """The HTML page as text, with figures and pictures inside it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals.update(counted=wording.counted)
    inline = {name: Markup(for_page(drawing.svg)) for name, drawing in drawings.items()}  # noqa: S704 — our own figures
    sections = task_sections(evaluation.tasks, evaluation.selection.answers)
    return environment.get_template("report.html").render(
        evaluation=evaluation,
        names_asked=bool(len(evaluation.answers.frame)) or not sections,
        figures=inline,
        tiles=[_tile(claim, evaluation.selection.plan) for claim in evaluation.claims],
        task_sections=sections,
        tables=_tables(evaluation),
        cards=_cards(evaluation),
        methods=methods_sentences(evaluation),
        provenance=provenance(evaluation),
        correlations=correlation_sentences(evaluation),
    )


def _tile(claim: Claim, plan: AnalysisPlan) -> dict[str, str]:
    digits = 1
    return {
        "standing": plan.standing(CLAIM_MEASURES[claim.key]),
        "question": claim.question,
        "value": wording.value_text(claim.estimate, share=claim.share, digits=digits),
        "interval": wording.interval_text(claim.estimate, share=claim.share, digits=digits),
        "level": wording.percent(claim.estimate.level),
        "unit": claim.unit,
        "verdict": str(claim.verdict),
        "tone": claim.verdict.name.lower(),
        "words": claim.words,
        "rule": claim.rule,
        "reason": claim.estimate.reason,
    }


def _tables(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    return {
        "nameability": _nameability_table(evaluation),
        "agreement": _agreement_table(evaluation),
        "parts": _parts_table(evaluation),
        "networks": _networks_table(evaluation),
        "sides": _sides_table(evaluation),
        "levels": _levels_table(evaluation),
        "behaviour": _behaviour_table(evaluation),
        "exclusions": _exclusions_table(evaluation),
    }


def _nameability_table(evaluation: Evaluation) -> dict[str, Any]:
    results, units = evaluation.results, evaluation.answers.units
    rows = []
    networks = sorted(units["network"].unique())
    for network in [None, *(networks if len(networks) > 1 else [])]:
        for arm in ARMS:
            here = units[(units["arm"] == arm) & ((units["network"] == network) if network else True)]
            if here.empty:
                continue
            group = {"arm": arm} | ({"network": network} if network else {})
            nameability = results.get("nameability", **group)
            above = results.get("nameability_above_control", **group)
            detection = results.get("d_prime", **group), results.get("criterion", **group)
            rows.append(
                [
                    Cell(network or "all networks"),
                    Cell(ARM_WORDS[arm]),
                    count_cell(len(here)),
                    count_cell(nameability.n),
                    estimate_cell(nameability, share=True),
                    Cell(points_text(above), above.value, above.reason or above.method, numeric=True)
                    if arm != MAIN_ARM
                    else blank_cell(),
                    *(estimate_cell(number) if arm == RANDOM_ARM else blank_cell() for number in detection),
                ]
            )
    headings = ["Network", "Arm", "Shown", "Answers", "Named", "Summaries minus this arm", "d′", "Criterion"]
    return sheet(headings, rows)


def _agreement_table(evaluation: Evaluation) -> dict[str, Any]:
    arms = [arm for arm in ARMS if arm in set(evaluation.answers.units["arm"])]
    rows = []
    for statistic in UNIVOCALITY_ROWS:
        share = wording.is_share(statistic)
        estimates = [evaluation.results.get(statistic, arm=arm) for arm in arms]
        cells = [estimate_cell(estimate, share=share) for estimate in estimates]
        rows.append([Cell(STATISTIC_WORDS[statistic]), *cells])
    return sheet(["Measure", *(ARM_WORDS[arm].capitalize() for arm in arms)], rows)


def _parts_table(evaluation: Evaluation) -> dict[str, Any]:
    methods = evaluation.cells["method"].nunique() > 1
    rows = []
    for cell in evaluation.cells.sort_values(["class", "network", "method"]).to_dict("records"):
        names = ", ".join(f"{name} ({votes}/{answers})" for name, votes, answers in cell["names"])
        shown = f"{cell['network']}, {cell['method']}" if methods else str(cell["network"])
        rows.append(
            [
                Cell(str(cell["class"])),
                Cell(shown),
                Cell(names or wording.NOTHING),
                count_cell(cell["summaries"]),
                count_cell(cell["judged"]),
                count_cell(cell["nameable"]),
                count_cell(cell["surely_nameable"]),
                count_cell(cell["distinct_names"]),
                share_cell(cell["coverage"]),
            ]
        )
    headings = ["Class", "Network", "Consensus names (people / answers)", "Summaries", "Judged", "Nameable", "Surely",
                "Distinct names", "Coverage"]  # fmt: skip
    return sheet(headings, rows)


def _networks_table(evaluation: Evaluation) -> dict[str, Any]:
    words = {"summaries": "summaries", "nameable": "nameable summaries", "distinct_names": "distinct names"}
    rows = []
    for pair in evaluation.comparisons:
        rows.append(
            [
                Cell(f"{pair.first} − {pair.second}"),
                Cell(words[pair.measure]),
                Cell(points(pair.accuracy_difference), pair.accuracy_difference, numeric=True),
                count_cell(pair.difference.n),
                estimate_cell(pair.difference),
                p_cell(pair.p_value),
                p_cell(pair.p_holm),
            ]
        )
    headings = ["Networks", "Per class", "Accuracy difference", "Classes", "Mean difference", "p, exact", "p, Holm"]
    return sheet(headings, rows)


def _behaviour_table(evaluation: Evaluation) -> dict[str, Any]:
    rows = []
    for row in evaluation.behaviour.to_dict("records"):
        estimate: Estimate = row["estimate"]
        share = wording.is_share(str(row["measure"]))
        arm = str(row["arm"])
        rows.append(
            [
                Cell(str(row["task"])),
                Cell(ARM_WORDS.get(arm, arm)),
                Cell(str(row["measure"])),
                estimate_cell(estimate, share=share),
                count_cell(estimate.n),
            ]
        )
    return sheet(["Task", "Arm", "Measure", "Value", "n"], rows)


def _sides_table(evaluation: Evaluation) -> dict[str, Any]:
    shares = {claim.key: claim.share for claim in evaluation.claims}
    rows = [
        [
            Cell(row["question"]),
            Cell(row["side"]),
            Cell(row["quantity"]),
            estimate_cell(row["estimate"], share=row["side"] == "people" and shares[row["claim"]]),
        ]
        for row in both_sides(evaluation).to_dict("records")
    ]
    return sheet(["Claim", "Side", "Quantity", "Value"], rows)


def _levels_table(evaluation: Evaluation) -> dict[str, Any]:
    frame = evaluation.level_sensitivity
    levels = list(dict.fromkeys(frame["choice"]))
    rows = []
    for statistic, own in frame.groupby("statistic", sort=False):
        estimates = dict(zip(own["choice"], own["estimate"], strict=True))
        words, digits = STATISTIC_WORDS[str(statistic)], 0 if statistic == "distinct_names" else 2
        share = wording.is_share(str(statistic))
        rows.append([Cell(words), *(estimate_cell(estimates[level], share=share, digits=digits) for level in levels)])
    return sheet(["Summaries only", *(LEVEL_WORDS[level] for level in levels)], rows)


def _exclusions_table(evaluation: Evaluation) -> dict[str, Any]:
    frame = evaluation.exclusion_sensitivity
    rows = []
    for choice, own in frame.groupby("choice", sort=False):
        estimates = dict(zip(own["statistic"], own["estimate"], strict=True))
        first = own.iloc[0]
        rows.append(
            [
                Cell(str(choice)),
                count_cell(first["participants"]),
                count_cell(first["answers"]),
                *(estimate_cell(estimates[name], share=wording.is_share(name)) for name in FOLLOWED),
                estimate_cell(estimates["distinct_names"], digits=0),
            ]
        )
    words = [STATISTIC_WORDS[name].partition(",")[0].capitalize() for name in FOLLOWED]
    return sheet(["Rules applied", "Participants", "Answers", *words, "Distinct names"], rows)


def _cards(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Classes with their summaries: picture, consensus name, bars of its names."""
    shown = evaluation.consensus[evaluation.consensus["arm"] == MAIN_ARM]
    stimuli = evaluation.selection.stimuli.set_index("summary")
    classes = []
    for label, of_class in shown.groupby("class", sort=True):
        networks = []
        for network, own in of_class.groupby("network", sort=True):
            ordered = own.sort_values(["named", "votes", "summary"], ascending=[False, False, True])
            cards = [_card(evaluation, row, stimuli) for row in ordered.to_dict("records")]
            networks.append({"network": str(network), "cards": cards})
        classes.append({"label": str(label), "networks": networks})
    return classes


def _card(evaluation: Evaluation, row: Mapping[Any, Any], stimuli: pd.DataFrame) -> dict[str, Any]:
    stimulus = stimuli.loc[row["summary"]] if row["summary"] in stimuli.index else None
    picture = None if stimulus is None or pd.isna(stimulus["picture"]) else str(stimulus["picture"])
    address, reason = data_address(evaluation.export.directory, picture)
    answers = int(row["answers"])
    bars = [(name, people, False) for name, people in row["names"][:BARS_SHOWN]]
    others = sum(people for _, people in row["names"][BARS_SHOWN:])
    if others:
        bars.append((wording.counted(len(row["names"]) - BARS_SHOWN, "other name"), others, False))
    if answers > row["named"]:
        bars.append(("No common part", answers - int(row["named"]), True))
    share = Estimate(value=row["nameability"], n=answers, low=row["low"], high=row["high"])
    undecided = pd.isna(row["nameable"])
    verdict = "too few answers" if undecided else "nameable" if row["nameable"] else "not nameable"
    return {
        "summary": row["summary"],
        "picture": address,
        "no_picture": reason,
        "name": row["name"] or ("two names tie" if row["tie"] and row["votes"] > 1 else "no shared name"),
        "shared": bool(row["name"]),
        "verdict": verdict,
        "named": f"{row['named']} of {answers} named it",
        "interval": wording.interval_text(share, share=True),
        "bars": [
            {"name": name, "people": people, "width": round(100 * people / answers, 1), "none": none}
            for name, people, none in bars
        ],
        "members": None if stimulus is None else int(stimulus["members"]),
        "true_part": None if stimulus is None or pd.isna(stimulus["true_part"]) else str(stimulus["true_part"]),
    }


def correlation_sentences(evaluation: Evaluation) -> list[str]:
    """Rank correlations of accuracy with each count, or why there is none, as sentences."""
    words = {"summaries": "summaries", "nameable": "nameable summaries", "distinct_names": "distinct names"}
    sentences = []
    for measure, test in evaluation.correlations.items():
        if isinstance(test, PermutationTest):
            rho = wording.decimal(test.statistic)
            sentences.append(f"Accuracy and {words[measure]} per class: ρ = {rho}, {wording.p_text(test.p_value)}.")
    if not sentences:
        reasons = {test for test in evaluation.correlations.values() if isinstance(test, str)}
        sentences = [f"No rank correlation: {reason}." for reason in sorted(reasons)]
    return sentences
