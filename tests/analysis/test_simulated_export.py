"""Simulated studies through the contract and the whole evaluation."""

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.contract import contract
from analysis.interpretability import InferenceOptions
from analysis.simulate import StudyDesign, simulate_study, truth_of
from analysis.simulated_export import frames, write_simulated_export


@pytest.fixture(scope="module")
def study():
    design = StudyDesign(participants=12, classes=3, summaries=3, random_regions=1, intruder_trials=4)
    return simulate_study(design, generator=np.random.default_rng(3))


def test_frames_have_the_columns_of_the_contract(study):
    tables = frames(study)
    for name, frame in tables.items():
        assert list(frame.columns) == [column.name for column in contract().tables[name].columns]
        required = [column.name for column in contract().tables[name].columns if column.required]
        assert frame[required].notna().all(axis=None)
    responses = tables["responses_long"]
    assert len(responses) == 12 * (24 + 4)
    assert not responses.duplicated(["participant", "trial_position"]).any()
    assert responses["simulated"].all()
    pd.testing.assert_frame_equal(responses, frames(study)["responses_long"])


def test_the_evaluation_finds_what_was_simulated(study, tmp_path):
    export = analysis.load(write_simulated_export(study, tmp_path / "export"))
    evaluation = analysis.evaluate(export, inference_options=InferenceOptions(draws=100))
    main = study.arms[study.stimuli]
    share = evaluation.results.get("nameability", arm="summaries")
    assert share.value == pytest.approx(study.named[main].mean())
    words = evaluation.answers.frame
    assert set(words.loc[words["named"], "l2"]) == set(words.loc[words["named"], "raw"])
    assert evaluation.cells["summaries"].tolist() == [3] * 6
    truth = truth_of(study.design)
    agreement = evaluation.results.get("pairwise_agreement_named", arm="summaries")
    assert agreement.value == pytest.approx(truth.pairwise_agreement, abs=0.2)


def test_too_large_a_vocabulary_is_refused():
    design = StudyDesign(participants=2, classes=1, vocabulary=30)
    with pytest.raises(ValueError, match="at most 24 words"):
        frames(simulate_study(design, generator=np.random.default_rng(0)))
