"""Every deviation of `default` is measured, and all of them taken back give `reference`."""

from benchmarks.deviations import deviations, taken_back
from vsum_core.config import preset

CHANGED, PUBLISHED = preset("default").masks, preset("reference").masks


def test_all_deviations_taken_back_are_the_reference():
    config = CHANGED
    for names in deviations(CHANGED, PUBLISHED).values():
        config = taken_back(config, PUBLISHED, names)
    assert config == PUBLISHED


def test_one_deviation_taken_back_changes_nothing_else():
    found = deviations(CHANGED, PUBLISHED)
    config = taken_back(CHANGED, PUBLISHED, found["fewer steps"])
    assert (config.smooth.steps, config.sharp.steps) == (300, 150)
    assert deviations(config, PUBLISHED) == {what: names for what, names in found.items() if what != "fewer steps"}


def test_no_deviation_of_equal_configurations():
    assert deviations(PUBLISHED, PUBLISHED) == {}
