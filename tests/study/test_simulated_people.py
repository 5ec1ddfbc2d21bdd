import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.simulated_people import (
    NEUTRAL_WORDS,
    SYNONYMS,
    SeenStimulus,
    agreement,
    draw_person,
    true_concept,
    with_slip,
)


def answers(seen, *, people=40, each=10):
    collected = []
    for seed in range(people):
        generator = np.random.default_rng(seed)
        person = draw_person(study_seed=0, generator=generator)
        collected += [person.name_of(seen, generator=generator) for _ in range(each)]
    return collected


def test_controls_are_mostly_rejected_but_not_always():
    named = [name is not None for name, _ in answers(SeenStimulus("c1", "random-regions"))]
    assert 0.005 < np.mean(named) < 0.25


def test_pure_summaries_are_mostly_named_by_their_part():
    seen = SeenStimulus("s1", "summaries", part="beak", purity=1.0)
    names = [name for name, _ in answers(seen) if name]
    assert np.mean([any(word[:3] in name for word in SYNONYMS["beak"]) for name in names]) > 0.8
    assert len(set(names)) > 3  # synonyms, plurals, articles, slips


def test_agreement_rises_with_purity_and_likeness():
    assert agreement(SeenStimulus("s", "summaries", part="beak", purity=0.9)) > agreement(
        SeenStimulus("s", "summaries", part="beak", purity=0.4)
    )
    assert agreement(SeenStimulus("s", "summaries", median_ssim=0.4)) > agreement(
        SeenStimulus("s", "summaries", median_ssim=0.1)
    )


def test_made_up_names_stay_the_same_and_differ_between_studies():
    seen = [SeenStimulus(f"s{number}", "summaries") for number in range(30)]
    first = [true_concept(item, study_seed=1) for item in seen]
    assert first == [true_concept(item, study_seed=1) for item in seen]
    assert first != [true_concept(item, study_seed=2) for item in seen]
    assert set(first) <= set(NEUTRAL_WORDS)


def test_confidence_goes_with_certainty():
    sure = [confidence for _, confidence in answers(SeenStimulus("s", "summaries", part="beak", purity=1.0))]
    unsure = [confidence for _, confidence in answers(SeenStimulus("s", "summaries", part="beak", purity=0.1))]
    assert {1, 2, 3, 4, 5}.issuperset(sure + unsure)
    assert np.mean(sure) > np.mean(unsure) + 1


@pytest.mark.parametrize(("word", "slips"), [("leg", {"leg"}), ("beak", {"baek", "beka"})])
def test_slips_swap_neighbours(word, slips):
    assert {with_slip(word, generator=np.random.default_rng(seed)) for seed in range(20)} == slips


@given(st.integers(0, 2**31), st.sampled_from([None, *SYNONYMS]), st.floats(0, 1))
def test_names_fit_the_field(seed, part, purity):
    generator = np.random.default_rng(seed)
    person = draw_person(study_seed=0, generator=generator)
    name, confidence = person.name_of(SeenStimulus("s", "summaries", part=part, purity=purity), generator=generator)
    assert name is None or 1 <= len(name) <= 60
    assert 1 <= confidence <= 5
