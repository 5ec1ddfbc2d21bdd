"""Level L4: coders' codes, their agreement by hand, and what happens to names without a code."""

import pytest

from analysis.adjudication import adjudicate, coder_key
from analysis.answers import naming_answers
from analysis.evaluation import MissingLevelError, evaluate
from analysis.interpretability import InferenceOptions
from analysis.schema import load
from tests.analysis.conftest import START, answer, columns_of, person, stimulus, write_export

ROBIN = stimulus("robin-0", "robin", "lite0")
NAMES = ["Beak", "bill ", "Snoot", "dots", "Wing"]
CODES = [
    ("beak", "beak", "beak", "beak"),
    ("bill", "beak", "beak", "beak"),
    ("snoot", "beak", "nose", "beak"),
    ("dots", "", "", ""),
]


def export_of(directory, codes=CODES):
    rows = [answer(f"p{number}", 1, ROBIN, name) for number, name in enumerate(NAMES)]
    people = [person(f"p{number}") for number in range(len(NAMES))]
    write_export(directory, {"responses_long": rows, "participants": people, "stimuli": [ROBIN]})
    lines = [",".join(columns_of("name_codes"))]
    for name, *given in codes:
        for coder, code in zip(("coder-1", "coder-2", "consensus"), given, strict=True):
            lines.append(f"2.0,robin-study,robin,{name},{coder},{code},{START.isoformat()}")
    (directory / "name_codes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(directory)


def test_a_name_as_coders_see_it():
    assert coder_key("  Left\u00a0 WING ") == "left wing"


def test_agreement_between_coders(tmp_path):
    found = adjudicate(export_of(tmp_path).name_codes, draws=50, seed=1)
    assert (found.coders, found.coded) == (2, 4)
    assert found.agreement.value == pytest.approx(3 / 4)
    # Coincidences: beak–beak 4, beak–nose 2, none–none 2; n = 8, beak 5, nose 1, none 2. By hand:
    # D_o = 2/8, D_e = (64 − 25 − 1 − 4)/(8·7) = 34/56, α = 1 − (1/4)/(34/56).
    assert found.alpha.value == pytest.approx(1 - (1 / 4) / (34 / 56))


def test_codes_become_names(tmp_path):
    export = export_of(tmp_path)
    found = adjudicate(export.name_codes, draws=50, seed=1)
    answers = naming_answers(export.responses, adjudication=found)
    assert list(answers.frame["l4"]) == ["beak", "beak", "beak", "", "wing"]
    assert answers.uncoded == 1
    assert answers.levels == ("raw", "l1", "l2", "l4")
    assert set(answers.trail[answers.trail["level"] == "L4"]["to"]) == {"beak", ""}


def test_nobody_coded(tmp_path):
    export = export_of(tmp_path, codes=[])
    assert adjudicate(export.name_codes, draws=50, seed=1) is None
    with pytest.raises(MissingLevelError, match="codes of coders"):
        evaluate(export, inference_options=InferenceOptions(draws=20, name_level="l4"))


def test_a_report_at_level_four(tmp_path):
    evaluation = evaluate(export_of(tmp_path), inference_options=InferenceOptions(draws=20, name_level="l4"))
    assert list(evaluation.consensus["name"]) == ["beak"]
    assert set(evaluation.level_sensitivity["choice"]) == {"raw", "l1", "l2", "l4"}
