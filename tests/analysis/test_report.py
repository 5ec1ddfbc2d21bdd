"""The report of whole studies, rich and poor."""

import json
import re

import pandas as pd
import pytest

import analysis
from analysis.evaluation import evaluate
from analysis.interpretability import InferenceOptions
from analysis.report import write_report
from analysis.schema import load
from analysis.tables import to_csv
from tests.analysis.conftest import answer, make_export, person, stimulus, write_export

QUICK = InferenceOptions(draws=100, seed=3)


def report_of(directory, out):
    evaluation = evaluate(load(directory), inference_options=QUICK)
    write_report(evaluation, out / "report.html")
    return evaluation, (out / "report.html").read_text(encoding="utf-8")


def numbers(out):
    return json.loads((out / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def full(export_directory, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    evaluation, page = report_of(export_directory, out)
    return evaluation, page, out


def test_known_probabilities_are_recovered(full):
    results = full[0].results
    assert results.get("nameability", arm="summaries").value == pytest.approx(0.9, abs=0.05)
    assert results.get("nameability", arm="random-regions").value == pytest.approx(0.3, abs=0.1)
    # Alike with 0.8, else evenly over the class's parts: between 0.8² and (0.8 + 0.2/3)².
    assert 0.6 < results.get("pairwise_agreement_named", arm="summaries").value < 0.78
    assert set(full[0].cells.groupby("network")["summaries"].sum().to_dict().values()) == {15, 20}


def test_the_page_stands_alone(full):
    page = full[1]
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("<svg") == 7
    assert page.count('src="data:image/webp;base64,') == 35
    assert "These answers were made by a program." in page
    assert "documented reconstruction" in page
    assert "nan" not in re.findall(r">(nan|None|<NA>)<", page)


def test_every_part_of_the_robin_is_on_the_page(full):
    robin = full[0].cells.set_index(["class", "network"]).loc[("robin", "efficientnet-lite2")]
    assert {name for name, _, _ in robin["names"]} == {"head", "body", "leg", "wing", "tail"}


def test_json_has_every_number_with_interval_n_and_reason(full):
    content = numbers(full[2])
    assert len(content["claims"]) == 4
    assert len(content["results"]) == len(full[0].results)
    assert {"value", "low", "high", "n", "interval_method", "reason"} <= set(content["results"][0])
    assert content["provenance"]["schema_version"] == "2.0"
    assert content["provenance"]["runs"][0]["dataset"] == "drawn"
    assert content["options"]["seed"] == 3


def test_tables_and_figures_lie_beside_the_page(full):
    out = full[2]
    data = ("results", "summaries", "names_trail", "synonym_suggestions", "behaviour", "flow", "exclusion_sensitivity")
    printed = ("claims", "parts", "networks", "exclusions", "name_levels", "tasks", "preferences")
    assert {path.name for path in (out / "tables").iterdir()} == {
        *(f"{name}.csv" for name in (*data, *printed)),
        *(f"{name}.tex" for name in printed),
    }
    trail = pd.read_csv(out / "tables" / "names_trail.csv")
    assert {"raw", "level", "from", "to", "rule"} <= set(trail.columns)
    assert len(list((out / "figures").glob("*.svg"))) == 7


def test_the_same_seed_gives_the_same_bytes(full, export_directory, tmp_path):
    page = report_of(export_directory, tmp_path)[1]
    assert page == full[1]
    assert (tmp_path / "results.json").read_bytes() == (full[2] / "results.json").read_bytes()


def test_an_empty_study_says_so(tmp_path):
    evaluation, page = report_of(write_export(tmp_path / "export", {}), tmp_path / "out")
    assert "There are no naming answers" in page
    assert all(claim.verdict == "Cannot be said" for claim in evaluation.claims)
    assert numbers(tmp_path / "out")["results"] == []


def test_three_answers_are_enough_for_a_report(tmp_path):
    robin = stimulus("robin-0", "robin", "lite0")
    rows = [answer(f"p{n}", 1, robin, text, simulated="false") for n, text in enumerate(["head", "Head", None])]
    people = [person(f"p{n}", simulated="false") for n in range(3)]
    tables = {"responses_long": rows, "participants": people, "stimuli": [robin]}
    evaluation, page = report_of(write_export(tmp_path / "export", tables), tmp_path / "out")
    assert "made by a program" not in page
    assert evaluation.results.get("nameability", arm="summaries").value == pytest.approx(2 / 3)
    assert "No picture: the export names no picture." in page
    assert "A comparison" not in page
    assert "a comparison needs two" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["robin"]},
        {"networks": ["efficientnet-lite0"]},
        {"random_arm": False},
        {"pictures": False},
        {"named": 0.0},
        {"named": 1.0, "alike": 1.0},
        {"simulated": False},
        {"networks": ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_poor_and_extreme_studies(tmp_path, changes):
    options = {"classes": ["robin", "oboe"], "participants": 5, "trials": 12, "pictures": False} | changes
    evaluation, page = report_of(make_export(tmp_path / "export", **options), tmp_path / "out")
    assert page.rstrip().endswith("</html>")
    assert all(claim.words for claim in evaluation.claims)
    for record in numbers(tmp_path / "out")["results"]:
        assert record["value"] is not None or record["reason"]


def test_names_cannot_run_as_formulas_or_markup(tmp_path):
    robin = stimulus("robin-0", "robin", "lite0")
    rows = [answer(f"p{n}", 1, robin, text) for n, text in enumerate(["'=cmd()", "<b>head</b>", "<b>head</b>"])]
    tables = {"responses_long": rows, "participants": [person(f"p{n}") for n in range(3)], "stimuli": [robin]}
    _, page = report_of(write_export(tmp_path / "export", tables), tmp_path / "out")
    assert "<b>head" not in page
    trail = (tmp_path / "out" / "tables" / "names_trail.csv").read_text(encoding="utf-8")
    assert "'=cmd()" in trail
    assert to_csv(pd.DataFrame({"name": ["+1", "head"], "n": [-1, 2]})) == "name,n\r\n'+1,-1\r\nhead,2\r\n"


def test_the_package_offers_its_functions_lazily(export_directory):
    assert analysis.load(export_directory).study == "robin-study"
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = analysis.missing
