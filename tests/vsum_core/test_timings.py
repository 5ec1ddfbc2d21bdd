from vsum_core.cost import WorkKind
from vsum_core.progress import Silent
from vsum_core.timings import StageClock, append_timings, kind_of_stage, machine_name, observations_of, read_timings


def test_stages_of_the_progress_by_kind():
    assert kind_of_stage("region proposals") == (WorkKind.PROPOSALS, "")
    assert kind_of_stage("my.module:factory: screening") == (WorkKind.SCREENING, "my.module:factory")
    assert kind_of_stage("net, occlusion: masks") == (WorkKind.MASKS, "net, occlusion")
    assert kind_of_stage("red thing: proposal flow") == (WorkKind.FLOW, "")
    assert kind_of_stage("red thing, net, m: dense flow") is None


def test_times_are_kept_from_run_to_run_and_a_torn_line_is_left_out(tmp_path):
    path = tmp_path / "var" / "timings.jsonl"
    assert read_timings(path) == []
    key = (WorkKind.FLOW, "")
    made = observations_of({key: 3.0, (WorkKind.MASKS, "a"): 1.0}, {key: 6}, conditions="c", machine=machine_name())
    append_timings(path, made)
    path.write_text(path.read_text() + '{"kind": "masks", "subj')
    assert read_timings(path) == made
    assert [(one.kind, one.units, one.seconds) for one in made] == [(WorkKind.FLOW, 6, 3.0)]


def test_the_clock_measures_stages_with_work():
    clock = StageClock(Silent())
    for stage, total in (("red: proposal flow", 3), ("blue: proposal flow", 1), ("region proposals", 0)):
        clock.start(stage, total)
        clock.advance(stage)
        clock.finish(stage)
    assert clock.units == {(WorkKind.FLOW, ""): 4}
    assert 0 < clock.seconds[WorkKind.FLOW, ""] < 1
