import json

import pytest
import torch

from benchmarks.engines import main


@pytest.fixture
def one_torch_thread():
    """The benchmark sets the number of threads of the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_torch_thread")
def test_the_engine_costs_are_printed_and_the_manifests_agree(tmp_path, capsys):
    main(["--per-class", "3", "--processes", "1", "--empty", "20", "--json", str(tmp_path / "engines.json")])
    alone, run, empty = json.loads((tmp_path / "engines.json").read_text())
    assert (run["workers"], run["tasks"]) == (1, 13)  # screening 1, masks 2, proposals 6, flow 2, summaries 2
    assert 0 < run["work_s"] < run["wall_s"]
    assert 0 < run["outside_share"] < 1
    assert 0 < empty["empty_task_s"] < 1
    assert alone["alone_s"] > 0
    assert "outside tasks" in capsys.readouterr().out
