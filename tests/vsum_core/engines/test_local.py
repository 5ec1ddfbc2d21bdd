import dataclasses
import os
import pickle
import signal

import pytest
import torch

from vsum_core.engines.bench import RunBench, Surroundings, Workplace
from vsum_core.engines.engine import EngineError
from vsum_core.engines.local import LocalEngine
from vsum_core.engines.preparation import Preparation
from vsum_core.stages import matching


class KillsOne(LocalEngine):
    """Its first process is killed when it has begun its n-th task, as by a machine short of memory."""

    def __init__(self, *, at, processes):
        super().__init__(processes=processes)
        self.begun = 0
        self.at = at

    def begin(self, worker, work):
        super().begin(worker, work)
        self.begun += 1
        if self.begun == self.at:
            os.kill(self._processes[worker.name].process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_two_processes_one_of_which_is_killed_write_the_same_manifest(tiny_run, tmp_path):
    alone = tiny_run(tmp_path / "alone")
    preparation = Preparation(KillsOne(at=4, processes=2))
    assert tiny_run(tmp_path / "together", preparation) == alone
    assert preparation.spent.lost == 1
    assert not list((tmp_path / "together").glob(".probe*"))


def records(directory):
    return {path.relative_to(directory) for path in (directory / "stages").rglob("*.json")}


def test_a_class_matched_in_tiles_has_the_regions_of_one_matched_at_once(tiny_run, tmp_path, monkeypatch):
    alone = tiny_run(tmp_path / "alone")

    def tiles_first(run, order):
        monkeypatch.setattr(matching, "TILE_IMAGES", 3)
        bench = RunBench(pickle.dumps(Workplace.of(run, order)), device=torch.device("cpu"))
        for name in ("red thing", "blue thing"):
            matcher = bench.chain(name).matcher
            assert len(matcher.tiles()) == 3
            for tile in matcher.tiles()[:2]:  # the third is matched when it is needed
                matcher.match_tile(tile)
            assert len(list((run.store.directory / "stages" / "pairs").iterdir())) == 2
            bench.chain(name).regions()
            assert not list((run.store.directory / "stages" / "pairs").iterdir())
        return run

    assert tiny_run(tmp_path / "tiled", tiles_first) == alone
    assert records(tmp_path / "tiled") == records(tmp_path / "alone")


def test_a_worker_that_sees_other_files_or_runs_other_code_is_refused(tiny_run, tmp_path):
    def refuse(run, order):
        workplace = Workplace.of(run, order)
        elsewhere = dataclasses.replace(workplace, directory=tmp_path / "elsewhere")
        with pytest.raises(EngineError, match="shared file system"):
            RunBench(pickle.dumps(elsewhere), device=run.device)
        other = dataclasses.replace(workplace, surroundings=Surroundings.here()._replace(code="other"))
        with pytest.raises(EngineError, match=r"code is .* but 'other'"):
            RunBench(pickle.dumps(other), device=run.device)
        image = dataclasses.replace(workplace.images.images[0], sha256="0" * 64)
        images = dataclasses.replace(workplace.images, images=(image,))
        with pytest.raises(EngineError, match=r"does not see .*png"):
            RunBench(pickle.dumps(dataclasses.replace(workplace, images=images)), device=run.device)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny_run(tmp_path / "run", refuse)


def test_there_is_at_least_one_process():
    with pytest.raises(ValueError, match="1 or more"):
        LocalEngine(processes=0)
