"""The tasks beside naming, from an export with known answers: numbers by hand, and sections of the report."""

import pytest

from analysis.evaluation import evaluate
from analysis.interpretability import InferenceOptions
from analysis.report import write_report
from analysis.schema import load
from analysis.selection import SelectionOptions, select
from analysis.task_measures import measure_tasks
from analysis.task_sections import task_sections
from tests.analysis.conftest import answer, person, stimulus, write_export

QUICK = InferenceOptions(draws=60, seed=3)
PEOPLE = [f"p{number}" for number in range(6)]
SHOWN = [
    stimulus(f"{label}-{network}", label, network) for label in ("robin", "oboe") for network in ("small", "large")
]
CONTROL = stimulus("robin-random", "robin", "small", "random-regions")


def choice(name, position, shown, task, **more):
    return answer(name, position, shown, None, task=task, answer_kind="choice") | more


def intruder(name, position, shown, right):
    tile = 2 if right else 5
    return choice(name, position, shown, "intruder", answer_value=tile, options=6, chance=1 / 6, difficulty="easy",
                  target_position=2, chosen_position=tile, correct=str(right).lower(), other_summary="oboe-small",
                  chosen="intruder" if right else "member", confidence=5 if right else 2)  # fmt: skip


def coherence(name, position, shown, rating):
    return answer(name, position, shown, None, task="coherence", answer_kind="rating", answer_value=rating, options=7)


def compare(name, position, label, left, right, chosen):
    sides = {"left_network": left, "right_network": right}
    sides |= {f"{side}_method": "crisp-masks" for side in ("left", "right")}
    sides |= {f"{side}_arm": "summaries" for side in ("left", "right")}
    shown = {"class": label, "summary": "", "network": "", "method": "", "arm": ""}
    value = {"left": 1, "right": 2, "tie": 3}[chosen]
    return choice(name, position, SHOWN[0], "compare", answer_value=value, chosen=chosen, options=3) | sides | shown


def predict(name, position, *, image, truth, said, chosen, explained):
    shown = SHOWN[0] | {"summary": ""}
    variant = "with-explanation" if explained else "without-explanation"
    return choice(name, position, shown, "predict", answer_value=1, chosen=chosen, options=3, chance=1 / 3,
                  image=image, true_class=truth, network_answer=said, variant=variant, chosen_position=1,
                  target_position=1, correct=str(chosen == said).lower())  # fmt: skip


def rows():
    out = []
    for number, name in enumerate(PEOPLE):
        # Robins are found by everybody, oboes by half of the people.
        out.append(intruder(name, 1, SHOWN[0], right=True))
        out.append(intruder(name, 2, SHOWN[2], right=number < 3))
        out.append(coherence(name, 3, SHOWN[0], 7 if number else 6))
        out.append(coherence(name, 4, CONTROL, 2))
        for position, (label, left, right) in enumerate(
            [("robin", "large", "small"), ("oboe", "small", "large"), ("oboe", "large", "small")], start=5
        ):
            better = "left" if left == "large" else "right"
            worse = "right" if better == "left" else "left"
            out.append(compare(name, position, label, left, right, better if number < 4 else worse))
        # With the explanation all are right, without it half of them; the network errs on the second image.
        out.append(predict(name, 8, image="a", truth="robin", said="robin", chosen="robin", explained=True))
        out.append(predict(name, 9, image="b", truth="robin", said="oboe", chosen="oboe", explained=True))
        out.append(predict(name, 10, image="c", truth="robin", said="robin",
                           chosen="robin" if number < 3 else "oboe", explained=False))  # fmt: skip
    return out


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    tables = {"responses_long": rows(), "participants": [person(name) for name in PEOPLE], "stimuli": [*SHOWN, CONTROL]}
    return write_export(tmp_path_factory.mktemp("tasks"), tables)


@pytest.fixture(scope="module")
def answers(directory):
    return select(load(directory), options=SelectionOptions()).answers


@pytest.fixture(scope="module")
def measures(answers):
    return measure_tasks(answers, options=QUICK)


def test_intruder(measures):
    results = measures.results
    assert results.get("intruder_precision", arm="summaries").value == pytest.approx(0.75)
    assert results.get("intruder_precision", arm="summaries", class_="oboe").value == pytest.approx(0.5)
    # (9 right − 12/6) / (12 · 5/6)
    assert results.get("intruder_chance_corrected", arm="summaries").value == pytest.approx(0.7)
    one = results.get("intruder_precision", arm="summaries", network="small", class_="robin", method="crisp-masks",
                      summary="robin-small")  # fmt: skip
    assert (one.value, one.n) == (1.0, 6)


def test_coherence_by_arm(measures):
    assert measures.results.get("coherence_mean", arm="summaries").value == pytest.approx(41 / 6)
    assert measures.results.get("coherence_mean", arm="random-regions").value == 2
    assert measures.results.get("coherence_top_share", arm="random-regions").value == 0


def test_compare_finds_the_better_network(measures):
    overall = next(found for found in measures.comparisons if not found.label)
    assert (overall.factor, overall.answers, overall.model.items[0]) == ("network", 18, "large")
    # 12 of 18 prefer large, on either side alike often, so its share is 2/3 without ties.
    assert overall.model.shares["large"].value == pytest.approx(2 / 3, abs=0.01)
    assert [found.label for found in measures.comparisons] == ["", "oboe", "robin"]


def test_predict_is_split_by_the_networks_correctness(measures):
    results = measures.results
    assert results.get("predict_accuracy", arm="summaries").value == pytest.approx(15 / 18)
    assert results.get("predict_network_right", arm="summaries").value == pytest.approx(9 / 12)
    assert results.get("predict_network_wrong", arm="summaries").value == 1
    assert results.get("predict_utility", arm="summaries").value == pytest.approx(1 / 0.5)


def test_confidence_goes_with_being_right(measures):
    assert measures.calibrations["intruder"].discrimination.value == 1
    assert set(measures.calibrations) == {"intruder", "predict"}
    assert measures.times["compare"].missing == 18 - measures.times["compare"].answers


def test_a_study_of_naming_has_no_such_section(answers):
    only_named = answers[answers["task"] == "name"]
    measures = measure_tasks(only_named, options=QUICK)
    assert len(measures.results) == 0
    assert task_sections(measures, only_named) == []


def test_the_report_has_a_section_for_each_task(directory, tmp_path):
    evaluation = evaluate(load(directory), inference_options=QUICK)
    files = write_report(evaluation, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for name in ("coherence", "intruder", "compare", "predict", "calibration"):
        assert f'<h2 id="{name}">' in page
        assert (tmp_path / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "This study did not ask for names." in page
    assert 'id="nameability"' not in page
    assert "large would be chosen in 67 %" in page
    assert (tmp_path / "tables" / "preferences.tex") in files
