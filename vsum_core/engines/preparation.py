"""A run cut into tasks: which work there is, what it waits for, and the engine that does it.

The tasks of masks and proposals wait for nothing but the screening; the flow of a class waits for the masks and
proposals of its own images, and so runs while the masks of other classes are still being made.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vsum_core.datasets import ImageFile
from vsum_core.engines.bench import RunBench, Workplace
from vsum_core.engines.engine import Engine, Spent, Task, perform_all
from vsum_core.methods import Method, load_method
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.networks import Network
from vsum_core.progress import OnlyWork
from vsum_core.stages.classes import Order, explain_images, needs_crisp_masks
from vsum_core.stages.matching import tiles_of
from vsum_core.stages.proposing import STAGE as PROPOSALS
from vsum_core.stages.proposing import make_proposals, proposal_key
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.screening import STAGE as SCREENING
from vsum_core.stages.screening import screen, screening_key

SCREENED_AT_ONCE = 64
SUMMARIES = "summaries"


@dataclass
class Preparation:
    """Has an engine compute all stages of a run; given to :func:`vsum_core.pipeline.pregenerate` as ``prepare``.

    Attributes:
        engine: not yet open; it is closed again when all is done.
        spent: where the time of the tasks went.
    """

    engine: Engine
    spent: Spent = field(default_factory=Spent)

    def __call__(self, run: Run, order: Order) -> Run:
        """Fill the run directory; the run returned says only of further work how far it is.

        Raises:
            EngineError: the engine cannot be used, or a task ended its worker again and again.
            Exception: what a task raised.
        """
        run = dataclasses.replace(run, progress=OnlyWork(run.progress))
        workplace = Workplace.of(run, order)
        try:
            self.engine.open(pickle.dumps(workplace))
            perform_all(self.engine, list(screening_tasks(run, order)), progress=run.progress, spent=self.spent)
            perform_all(self.engine, list(further_tasks(run, order)), progress=run.progress, spent=self.spent)
        finally:
            self.engine.close()
            workplace.remove_probe()
        return run


@dataclass(frozen=True)
class ScreenImages:
    """Show images to a network."""

    network: str
    images: tuple[str, ...]

    def perform(self, bench: RunBench) -> None:
        """Screen these images only."""
        shown = dataclasses.replace(bench.run.images, images=tuple(bench.images(self.images)))
        screen(dataclasses.replace(bench.run, images=shown), bench.order.network(self.network))


@dataclass(frozen=True)
class ProposeRegions:
    """Region proposals of an image."""

    image: str

    def perform(self, bench: RunBench) -> None:
        """Propose."""
        make_proposals(bench.run, bench.images((self.image,)))


@dataclass(frozen=True)
class FindMasks:
    """Masks of one method for one network and a batch of images."""

    network: str
    method: str
    images: tuple[str, ...]

    def perform(self, bench: RunBench) -> None:
        """Optimise, or whatever the method does."""
        method = bench.order.method(self.method)
        explain_images(bench.run, bench.order.network(self.network), [method], bench.images(self.images))


@dataclass(frozen=True)
class MatchTile:
    """Part of the matching of a large class."""

    class_name: str
    tile: int

    def perform(self, bench: RunBench) -> None:
        """Match the tile's pairs of images."""
        matcher = bench.chain(self.class_name).matcher
        matcher.match_tile(matcher.tiles()[self.tile])


@dataclass(frozen=True)
class MatchClass:
    """The regions of all explainers of a class, by matching it or from its tiles."""

    class_name: str

    def perform(self, bench: RunBench) -> None:
        """Match, prune, record."""
        bench.chain(self.class_name).regions()


@dataclass(frozen=True)
class SummariseClass:
    """Clusters, summaries and control arms of a class for one explainer."""

    class_name: str
    explainer: Explainer

    def perform(self, bench: RunBench) -> None:
        """Cluster, judge, draw."""
        order = bench.order
        network, method = order.network(self.explainer.network), order.method(self.explainer.method)
        bench.chain(self.class_name).summarise(network, method)


def screening_tasks(run: Run, order: Order) -> Iterator[Task]:
    """What has to be known before the other tasks can be."""
    for network in order.networks:
        name = network.specification.name
        waiting = [i for i in run.images.images if not run.store.knows(SCREENING, screening_key(network, i))]
        for number, batch in enumerate(_batches(waiting, SCREENED_AT_ONCE)):
            yield Task(
                name=f"screening {number} of {name}",
                stage=f"{name}: screening",
                units=len(batch),
                work=ScreenImages(name, _ids(batch)),
            )


def further_tasks(run: Run, order: Order) -> Iterator[Task]:
    """All tasks after the screening, in the order in which they are best begun."""
    explained = {network.specification.name: _explained(run, network, order) for network in order.networks}
    masks_of: dict[str, set[str]] = {}
    for network in order.networks:
        for task, images in _mask_tasks(run, order, network, explained[network.specification.name]):
            for image in images:
                masks_of.setdefault(image.id, set()).add(task.name)
            yield task
    masked = [image for image in run.images.images if image.id in masks_of]
    proposals = {image.id: f"proposals of {image.relative_path}" for image in masked}
    for image in masked:
        if run.store.knows(PROPOSALS, proposal_key(run, image)):
            del proposals[image.id]
            continue
        yield Task(
            name=proposals[image.id],
            stage="region proposals",
            units=1,
            work=ProposeRegions(image.id),
            on_device=False,
        )
    for label in run.images.classes:
        of_class = [image for image in masked if image.label.name == label.name]
        needs = {name for image in of_class for name in masks_of[image.id]}
        needs |= {proposals[image.id] for image in of_class if image.id in proposals}
        yield from _class_tasks(order, label.name, len(of_class), frozenset(needs))


def _explained(run: Run, network: Network, order: Order) -> list[ImageFile]:
    return [image for image in screen(run, network).correct if image.id not in order.kept]


def _mask_tasks(
    run: Run, order: Order, network: Network, images: Sequence[ImageFile]
) -> Iterator[tuple[Task, list[ImageFile]]]:
    """Batch by batch, so that the first classes are soon complete; crisp masks before those that need their area."""
    name = network.specification.name
    for number, batch in enumerate(_batches(images, run.config.masks.batch_size)):
        for method in _with_crisp_masks(order.methods, run):
            needs = {_mask_task(number, Explainer(name, CRISP_MASKS))} if needs_crisp_masks(method, run.config) else ()
            explainer = Explainer(name, method.name)
            task = Task(
                name=_mask_task(number, explainer),
                stage=f"{explainer}: masks",
                units=len(batch),
                work=FindMasks(name, method.name, _ids(batch)),
                needs=frozenset(needs),
            )
            yield task, batch


def _with_crisp_masks(methods: Sequence[Method], run: Run) -> list[Method]:
    crisp = load_method(CRISP_MASKS)
    needed = any(needs_crisp_masks(method, run.config) for method in methods)
    first = [crisp] if needed or any(method.name == crisp.name for method in methods) else []
    return [*first, *(method for method in methods if method.name != crisp.name)]


def _mask_task(number: int, explainer: Explainer) -> str:
    return f"masks {number} of {explainer}"


def _class_tasks(order: Order, name: str, images: int, needs: frozenset[str]) -> Iterator[Task]:
    tiles = tiles_of(images)
    for number, tile in enumerate(tiles):
        yield Task(
            name=f"flow {number} of {name}",
            stage=f"{name}: proposal flow",
            units=len(tile.pairs()),
            work=MatchTile(name, number),
            needs=needs,
            on_device=False,
            topic=name,
        )
    matched = Task(
        name=f"flow of {name}",
        stage=f"{name}: regions" if tiles else f"{name}: proposal flow",
        units=1 if tiles else images * (images + 1) // 2,
        work=MatchClass(name),
        needs=needs | {f"flow {number} of {name}" for number in range(len(tiles))},
        on_device=False,
        topic=name,
    )
    yield matched
    for explainer in order.explainers():
        yield Task(
            name=f"summaries of {name}, {explainer}",
            stage=SUMMARIES,
            units=1,
            work=SummariseClass(name, explainer),
            needs=frozenset({matched.name}),
            topic=name,
        )


def _ids(images: Iterable[ImageFile]) -> tuple[str, ...]:
    return tuple(image.id for image in images)


def _batches(images: Sequence[ImageFile], size: int) -> list[list[ImageFile]]:
    return [list(images[start : start + size]) for start in range(0, len(images), size)]
