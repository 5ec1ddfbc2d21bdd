"""Power: of a case with a known answer, its grid, its command."""

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.binomial import binomial_power
from analysis.crossed import linear_interval
from analysis.power import POWER_COLUMNS, PowerOptions, power_table, questions, smallest_sample
from analysis.resampling import two_way_mean
from analysis.simulate import StudyDesign, simulate_study

NO_SPREAD = {"participant_spread": 0, "summary_spread": 0}


def test_intruder_power_without_spread_is_that_of_the_binomial_test():
    """Thirty people, one trial each: oracle P says .823714."""
    design = StudyDesign(
        classes=1, networks=1, random_regions=0, intruder_trials=1, intruder_precision=0.4, **NO_SPREAD
    )
    options = PowerOptions(participants=(30,), summaries=(1,), studies=400)
    table = power_table(design, options=options).set_index("measure")
    expected = binomial_power(30, chance=1 / 6, truth=0.4).power
    assert table.loc["intruder", "power"] == pytest.approx(expected, abs=0.05)
    assert table.loc["intruder", "value"] == pytest.approx(0.4, abs=0.02)


def test_size_is_kept_without_an_effect():
    options = PowerOptions(participants=(20,), summaries=(4,), studies=200)
    table = power_table(StudyDesign(classes=3), options=options).set_index("measure")
    assert table.loc["difference", "power"] <= 0.1


def test_more_people_and_summaries_give_more_power_and_narrower_intervals():
    options = PowerOptions(participants=(8, 32), summaries=(2, 8), studies=40)
    table = power_table(StudyDesign(network_effect=1.0, classes=3), options=options)
    assert list(table.columns) == POWER_COLUMNS
    own = table[table["measure"] == "difference"].set_index(["participants", "summaries"])
    assert own.loc[(32, 8), "power"] > own.loc[(8, 2), "power"]
    assert own.loc[(32, 8), "half_width"] < own.loc[(32, 2), "half_width"] < own.loc[(8, 2), "half_width"]
    pd.testing.assert_frame_equal(table, power_table(StudyDesign(network_effect=1.0, classes=3), options=options))
    alone = PowerOptions(participants=(32,), summaries=(8,), studies=40)
    same = power_table(StudyDesign(network_effect=1.0, classes=3), options=alone)
    assert same.loc[2, "power"] == own.loc[(32, 8), "power"]


def test_linear_interval_is_near_the_bootstrap():
    study = simulate_study(StudyDesign(participants=40, summaries=6), generator=np.random.default_rng(3))
    values = study.named.astype(float)
    mean = values.mean()
    linear = linear_interval(
        mean, (values - mean) / values.size, participants=study.participants, summaries=study.stimuli, level=0.95
    )
    generator = np.random.default_rng(0)
    boot = two_way_mean(values, study.participants, study.stimuli, draws=4000, generator=generator)
    assert linear.standard_error == pytest.approx(boot.standard_error, rel=0.05)
    assert (linear.low, linear.high) == (pytest.approx(boot.low, abs=0.01), pytest.approx(boot.high, abs=0.01))


def test_linear_interval_needs_two_of_each():
    assert "two or more" in linear_interval(0.5, [0.1, -0.1], participants=[0, 1], summaries=[0, 0], level=0.95).reason
    assert (
        "alike" in linear_interval(1, np.zeros(4), participants=[0, 0, 1, 1], summaries=[0, 1] * 2, level=0.95).reason
    )


def test_a_design_without_controls_has_no_question_about_them():
    study = simulate_study(StudyDesign(random_regions=0, networks=1), generator=np.random.default_rng(0))
    assert set(questions(study)) == {"nameability", "agreement"}


def test_smallest_sample():
    rows = [
        (12, 2, "agreement", 0.5),
        (24, 4, "agreement", 0.85),
        (24, 2, "agreement", 0.81),
        (48, 2, "agreement", 0.9),
    ]
    table = pd.DataFrame(rows, columns=["participants", "summaries", "measure", "power"])
    assert smallest_sample(table, "agreement") == (24, 2)
    assert smallest_sample(table, "agreement", power=0.95) is None


def test_command(tmp_path, capsys):
    sizes = ["--participants", "8", "16", "--summaries", "2", "--studies", "4", "--classes", "2"]
    assert main(["power", *sizes, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("participants\tsummaries\tmeasure\tpower")
    table = pd.read_csv(tmp_path / "power.csv")
    assert len(table) == 2 * 5
    assert "<svg" in (tmp_path / "power.svg").read_text(encoding="utf-8")
    assert (tmp_path / "power.png").read_bytes().startswith(b"\x89PNG")


def test_command_says_what_is_wrong(tmp_path, capsys):
    assert main(["power", "--nameability", "1.5"]) == 2
    assert "nameability between 0 and 1" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    few = ["--participants", "4", "--summaries", "1", "--studies", "1", "--classes", "2"]
    assert main(["power", *few, "--out", str(tmp_path / "file")]) == 3
    assert "Cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"participants": ()}, {"studies": 0}, {"level": 95}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        PowerOptions(**wrong)
