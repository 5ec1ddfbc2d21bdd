"""The tables of a report, as frames for CSV files and as JSON values."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import pandas as pd

from analysis.cells import LINE_END, guarded_cell
from analysis.comparisons import PermutationTest
from analysis.contract import contract
from analysis.estimates import Estimate
from analysis.evaluation import Evaluation
from analysis.replication import both_sides
from analysis.results import ESTIMATE_COLUMNS, estimate_record

PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "jinja2", "simplemma", "pyspellchecker", "pillow")


def all_tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """Every table of the report, by name; names of summaries and names people gave are text cells."""
    consensus = evaluation.consensus.assign(names=[_joined(pairs) for pairs in evaluation.consensus["names"]])
    cells = evaluation.cells.assign(
        names=[
            "; ".join(f"{name} {votes}/{answers}" for name, votes, answers in names)
            for names in evaluation.cells["names"]
        ]
    )
    flow = [("participants " + step, count) for step, count in evaluation.selection.flow.items()]
    flow += [("answers left out, " + reason, count) for reason, count in evaluation.selection.left_out.items()]
    measures = evaluation.behaviour
    return {
        "results": evaluation.results.frame(),
        "claims": _with_estimates(both_sides(evaluation)),
        "summaries": consensus,
        "parts": cells,
        "networks": comparisons_frame(evaluation),
        "names_trail": evaluation.answers.trail,
        "synonym_suggestions": evaluation.suggestions,
        "behaviour": pd.concat(
            [measures[["task", "arm", "measure"]], _spread_out(measures["estimate"].tolist())], axis=1
        ),
        "tasks": evaluation.tasks.results.frame(),
        "preferences": preferences_frame(evaluation),
        "name_levels": _with_estimates(evaluation.level_sensitivity),
        "exclusions": evaluation.selection.exclusions.counts(),
        "exclusion_sensitivity": _with_estimates(evaluation.exclusion_sensitivity),
        "flow": pd.DataFrame(flow, columns=["step", "count"]),
    }


def _with_estimates(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame.drop(columns="estimate"), _spread_out(frame["estimate"].tolist())], axis=1)


def preferences_frame(evaluation: Evaluation) -> pd.DataFrame:
    """The compare task: one row per factor, class and set, with its worth and how often it would be chosen."""
    columns = ["factor", "class", "answers", "item", "ability", "p_equal"]
    rows, shares = [], []
    for found in evaluation.tasks.comparisons:
        for item in found.model.items if not found.model.reason else ():
            ability = found.model.abilities[item].value
            rows.append((found.factor, found.label or "all", found.answers, str(item), ability, found.model.p_equal))
            shares.append(found.model.shares[item])
    return pd.concat([pd.DataFrame(rows, columns=columns), _spread_out(shares)], axis=1)


def comparisons_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Networks in pairs, one row per pair and measure."""
    columns = ["measure", "first", "second", "p_value", "p_holm", "accuracy_difference"]
    rows = [{name: getattr(pair, name) for name in columns} for pair in evaluation.comparisons]
    estimates = _spread_out([pair.difference for pair in evaluation.comparisons])
    return pd.concat([pd.DataFrame(rows, columns=columns), estimates], axis=1)


def _spread_out(estimates: list[Estimate]) -> pd.DataFrame:
    return pd.DataFrame([estimate_record(estimate) for estimate in estimates], columns=list(ESTIMATE_COLUMNS))


def _joined(pairs: list[tuple[str, int]]) -> str:
    return "; ".join(f"{name} {people}" for name, people in pairs)


def to_csv(frame: pd.DataFrame) -> str:
    """CSV text in which no cell can start a formula."""
    guarded = frame.copy()
    for column in guarded.columns:
        if guarded[column].dtype == object or pd.api.types.is_string_dtype(guarded[column]):
            guarded[column] = [guarded_cell(cell) for cell in guarded[column]]
    return guarded.to_csv(index=False, lineterminator=LINE_END)


LATEX_TABLES = ("claims", "parts", "networks", "exclusions", "name_levels", "tasks", "preferences")
"""Tables that papers print; the others are data."""
LATEX_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)


def to_latex(frame: pd.DataFrame, name: str) -> str:
    """A table in LaTeX with booktabs rules; names that people typed cannot run as commands."""
    shown = frame.dropna(axis="columns", how="all")
    columns = [column for column in shown.columns if column not in ("standard_error", "interval_method", "reason")]
    numeric = [pd.api.types.is_numeric_dtype(shown[column]) for column in columns]
    lines = [
        rf"% Table {name}; needs \usepackage{{booktabs}}",
        rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numeric)}}}",
        r"\toprule",
        " & ".join(column.replace("_", " ").translate(LATEX_SPECIAL) for column in columns) + r" \\",
        r"\midrule",
        *(" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in shown[columns].itertuples(index=False)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex_cell(cell: Any) -> str:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return "--"
    if isinstance(cell, float):
        return f"{cell:.3f}".replace("-", "$-$")
    return str(cell).translate(LATEX_SPECIAL)


def provenance(evaluation: Evaluation) -> dict[str, Any]:
    """Where the numbers come from: runs, schema, packages, seed."""
    stimuli, answers = evaluation.selection.stimuli, evaluation.selection.answers
    runs = []
    for digest in sorted(stimuli["run_digest"].unique()):
        run = evaluation.export.manifests.get(str(digest), {}).get("run", {})
        known = {key: run.get(key) for key in ("dataset", "preset", "seed", "code_version", "synthetic")}
        runs.append({"digest": str(digest)} | known)
    times = answers["answered_at"]
    return {
        "study": evaluation.export.study,
        "study_versions": [int(number) for number in sorted(answers["study_version"].dropna().unique())],
        "first_answer": times.min().isoformat() if len(times) else None,
        "last_answer": times.max().isoformat() if len(times) else None,
        "runs": runs,
        "schema_version": contract().schema_version,
        "seed": evaluation.inference_options.seed,
        "draws": evaluation.inference_options.draws,
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
    }


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """``results.json``: every number with interval, n, method and reason; JSON values only, no NaN."""
    claims = [
        {
            "key": claim.key,
            "question": claim.question,
            "verdict": str(claim.verdict),
            "unit": claim.unit,
            "rule": claim.rule,
            "words": claim.words,
            "estimate": estimate_record(claim.estimate),
        }
        for claim in evaluation.claims
    ]
    correlations = {
        measure: asdict(test) if isinstance(test, PermutationTest) else {"statistic": None, "reason": test}
        for measure, test in evaluation.correlations.items()
    }
    content = {
        "answer": evaluation.answer,
        "simulated": evaluation.selection.simulated,
        "claims": claims,
        "results": evaluation.results.records(),
        "summaries": evaluation.consensus.to_dict("records"),
        "parts": evaluation.cells.to_dict("records"),
        "networks": comparisons_frame(evaluation).to_dict("records"),
        "correlations": correlations,
        "behaviour": [
            {"task": row["task"], "arm": row["arm"], "measure": row["measure"]} | estimate_record(row["estimate"])
            for row in evaluation.behaviour.to_dict("records")
        ],
        "tasks": evaluation.tasks.results.records(),
        "preferences": preferences_frame(evaluation).to_dict("records"),
        "name_levels": _with_estimates(evaluation.level_sensitivity).to_dict("records"),
        "exclusions": evaluation.selection.exclusions.counts().to_dict("records"),
        "exclusion_sensitivity": _with_estimates(evaluation.exclusion_sensitivity).to_dict("records"),
        "plan": asdict(evaluation.selection.plan),
        "flow": dict(evaluation.selection.flow),
        "left_out": dict(evaluation.selection.left_out),
        "options": asdict(evaluation.selection_options) | asdict(evaluation.inference_options),
        "provenance": provenance(evaluation),
    }
    cleaned: dict[str, Any] = _plain(content)
    return cleaned


def _plain(value: Any) -> Any:
    """Turn pandas and NumPy scalars into JSON values; missing ones into null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if hasattr(value, "item") else value
