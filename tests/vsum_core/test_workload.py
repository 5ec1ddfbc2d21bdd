import dataclasses

import pytest
import torch

from benchmarks.tiny_run import make, stripes_network, tiny_config, write_things
from vsum_core.cost import WorkKind
from vsum_core.datasets import read_image_folder
from vsum_core.methods import methods_named
from vsum_core.progress import Silent
from vsum_core.stages.classes import Order
from vsum_core.stages.run import Run
from vsum_core.store import Store
from vsum_core.workload import calibrate, work_ahead


@pytest.fixture
def images(tmp_path):
    return write_things(tmp_path / "things", per_class=3)


def run_and_order(images, directory, *, methods="visual-summaries"):
    run = Run(
        store=Store(directory),
        images=read_image_folder(images),
        config=tiny_config(),
        device=torch.device("cpu"),
        workers=1,
        progress=Silent(),
    )
    order = Order(networks=(stripes_network(),), methods=methods_named(methods))
    kept = frozenset(image.id for image in run.images.images[2::3])
    return run, dataclasses.replace(order, kept=kept)


def units(parts):
    return {(part.class_name, part.kind): part.units for part in parts}


def test_what_lies_ahead_and_that_nothing_does_after_the_run(images, tmp_path):
    run, order = run_and_order(images, tmp_path / "run")
    counts = {WorkKind.MASKS: 2, WorkKind.PROPOSALS: 2, WorkKind.FLOW: 3, WorkKind.SUMMARIES: 2}
    expected = {(name, kind): count for name in ("red thing", "blue thing") for kind, count in counts.items()}
    assert units(work_ahead(run, order)) == expected
    make(images, tmp_path / "run")
    assert work_ahead(run, order) == []


def test_calibration_tells_masks_proposals_and_flow_and_nothing_else(images, tmp_path):
    run, order = run_and_order(images, tmp_path / "run", methods="visual-summaries,occlusion")
    parts = work_ahead(run, order)
    rates = calibrate(run, order, parts, {(WorkKind.FLOW, ""): 7.0})
    assert set(rates) == {
        (WorkKind.FLOW, ""),
        (WorkKind.PROPOSALS, ""),
        (WorkKind.MASKS, "stripes, visual-summaries"),
    }
    assert rates[WorkKind.FLOW, ""] == 7.0
    assert min(rates.values()) > 0
    assert units(work_ahead(run, order))["blue thing", WorkKind.PROPOSALS] == 0  # calibration keeps what it makes
