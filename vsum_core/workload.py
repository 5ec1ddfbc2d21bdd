"""The work that lies ahead of a run, and a short calibration where its rates are not known."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from vsum_core.cost import Rates, WorkKind, WorkPart
from vsum_core.datasets import ImageFile
from vsum_core.flow import match
from vsum_core.masks import optimise_masks
from vsum_core.methods import load_method
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.networks import Network
from vsum_core.progress import Silent
from vsum_core.stages.classes import Order
from vsum_core.stages.masking import STAGE as MASKS
from vsum_core.stages.masking import mask_key
from vsum_core.stages.proposing import STAGE as PROPOSALS
from vsum_core.stages.proposing import describe, make_proposals, proposal_key
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.screening import read_batch, screen

PAIRS_TIMED = 3


def work_ahead(run: Run, order: Order) -> list[WorkPart]:
    """What is still to be done, by class; the images are screened first, unless they are already.

    Masks and proposals that are in the run directory do not count. Flow and summaries of a class count whole, unless
    the run directory holds a manifest and every mask and proposal of the class.
    """
    explained = {
        network.specification.name: [image for image in screen(run, network).correct if image.id not in order.kept]
        for network in order.networks
    }
    finished = (run.store.directory / "manifest.json").exists()
    return [
        part
        for label in run.images.classes
        for part in _of_class(
            run,
            order,
            label.name,
            {name: [image for image in found if image.label.name == label.name] for name, found in explained.items()},
            finished=finished,
        )
    ]


def _of_class(
    run: Run, order: Order, name: str, explained: dict[str, list[ImageFile]], *, finished: bool
) -> list[WorkPart]:
    networks = tuple(explained)
    images = list({image.id: image for found in explained.values() for image in found}.values())
    masks = [
        WorkPart(
            WorkKind.MASKS,
            name,
            (explainer.network,),
            str(explainer),
            len(_without_mask(run, order, explainer, explained[explainer.network])),
        )
        for explainer in order.explainers()
    ]
    waiting = [image for image in images if not run.store.knows(PROPOSALS, proposal_key(run, image))]
    proposals = WorkPart(WorkKind.PROPOSALS, name, networks, "", len(waiting))
    if finished and not any(part.units for part in (*masks, proposals)):
        return []
    pairs = len(images) * (len(images) + 1) // 2
    summaries = [
        WorkPart(WorkKind.SUMMARIES, name, (explainer.network,), str(explainer), len(explained[explainer.network]))
        for explainer in order.explainers()
    ]
    return [*masks, proposals, WorkPart(WorkKind.FLOW, name, networks, "", pairs), *summaries]


def _without_mask(run: Run, order: Order, explainer: Explainer, images: Sequence[ImageFile]) -> list[ImageFile]:
    """Images whose mask is not in the store; of a method that is told how much to delete, all count."""
    method, network = order.method(explainer.method), order.network(explainer.network)
    if not method.finds_area:
        return list(images)
    return [image for image in images if not run.store.knows(MASKS, mask_key(run, network, image, method, area=1.0))]


def calibrate(run: Run, order: Order, parts: Sequence[WorkPart], rates: Rates) -> Rates:
    """The rates, and those missing that a few seconds of work can tell: crisp masks, proposals, flow.

    A mask's time is that of two steps less that of one, times its steps; proposals are made of two images, and kept; of
    their flow a pair is matched a few times. What clusters and pictures take cannot be told beforehand.
    """
    run = dataclasses.replace(run, progress=Silent())
    known = dict(rates)
    wanted = {(part.kind, part.subject) for part in parts if part.units} - set(known)
    images = [image for image in run.images.images if image.id not in order.kept][:2]
    for explainer in order.explainers():
        key = (WorkKind.MASKS, str(explainer))
        if key in wanted and explainer.method == load_method(CRISP_MASKS).name:
            known[key] = _mask_seconds(run, order.network(explainer.network), images[:1])
    if (WorkKind.PROPOSALS, "") in wanted or (WorkKind.FLOW, "") in wanted:
        waiting = [image for image in images if not run.store.knows(PROPOSALS, proposal_key(run, image))]
        seconds = _seconds(lambda: make_proposals(run, waiting))
        if waiting and (WorkKind.PROPOSALS, "") in wanted:
            known[WorkKind.PROPOSALS, ""] = seconds / len(waiting)
    if (WorkKind.FLOW, "") in wanted:
        known[WorkKind.FLOW, ""] = _pair_seconds(run, images) / run.workers
    return known


def _mask_seconds(run: Run, network: Network, images: Sequence[ImageFile]) -> float:
    """Of one image in a full batch."""
    config = run.config.masks
    pixels = read_batch(images, network)
    targets = torch.tensor([network.class_index(image.label) for image in images], device=network.device)

    def seconds(steps: int) -> float:
        short = dataclasses.replace(
            config,
            smooth=dataclasses.replace(config.smooth, steps=steps),
            sharp=dataclasses.replace(config.sharp, steps=steps),
        )
        return _seconds(lambda: optimise_masks(network, pixels, targets, config=short))

    seconds(1)  # the first call is slower than the others
    one, two = seconds(1), seconds(2)
    step = max(two - one, 0.0) / 2  # one more of the smooth stage and one more of the sharp one
    return (one + step * (config.smooth.steps + config.sharp.steps - 2)) / config.batch_size


def _pair_seconds(run: Run, images: Sequence[ImageFile]) -> float:
    boxes = make_proposals(run, images)
    descriptors = describe(run, images, boxes)
    first, second = boxes[images[0].id], boxes[images[-1].id]

    def once() -> None:
        match(first, second, descriptors.appearance(0, len(images) - 1), config=run.config.flow)

    once()
    return float(np.median([_seconds(once) for _ in range(PAIRS_TIMED)]))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
