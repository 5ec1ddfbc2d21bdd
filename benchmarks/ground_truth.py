"""Do the summaries tell what the network uses? On drawn birds the answer is known.

    python -m benchmarks.ground_truth [--networks bird-small bird-large] [--per-species 12] [--seed 1]
        [--variants default "relative bar" …] [--run DIR] [--json FILE] [--quick]

Deleting each true part, one at a time, says which parts a network uses. Printed are, per network and class: the used
parts with their score drops, the summaries with the part and purity of each, recall of the used parts, and how many
clusters of random regions were accepted that went the same way (masks scattered, pruned, clustered, filtered). Then,
in one line each, the same for every variant of the method, in which one stage is left out or replaced. Finished stages
stay in the run directory, so variants share what they have in common and a second call continues an interrupted one.

``--quick`` looks at one network, three species and eight birds of each, and at the quality bars only.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from vsum_core.clustering import Propagation, affinity_propagation
from vsum_core.config import ClusteringConfig, EvidenceKind, Matcher, PipelineConfig, QualityBar, preset
from vsum_core.datasets import ImageFile, read_image, read_image_folder, read_part_masks
from vsum_core.freed_memory import keep_freed_memory
from vsum_core.ground_truth import (
    Deletion,
    PartUse,
    UseConfig,
    false_summary_share,
    part_drops,
    part_uses,
    recall_of_used_parts,
)
from vsum_core.methods import load_method
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.metrics import part_of_region, purity
from vsum_core.networks import Network, load_network
from vsum_core.progress import Silent
from vsum_core.stages.grouping import Clusterer, group
from vsum_core.stages.masking import ImageMask, make_masks
from vsum_core.stages.matching import ClassMatcher, ClassRegions, Masks
from vsum_core.stages.proposing import make_proposals
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.scattering import MaskedRegions, deleted_pixels, scattered_explainer, scattered_masks
from vsum_core.stages.screening import screen
from vsum_core.store import Store
from vsum_core.synthetic import SPECIES, write_birds

HELD_OUT = (1000, 1001, 1002, 1003)  # scatterings that no bar is calibrated with; they stand for false summaries
STRICTER_LIMITS = (0.15, 0.2)  # drops from which a part clearly matters
QUICK_SPECIES = ("robin", "toucan", "peacock")
QUICK_VARIANTS = ("default", "relative bar", "no bar")

Change = Callable[[PipelineConfig], PipelineConfig]


def k_means(
    similarity: NDArray[np.floating[Any]], *, config: ClusteringConfig, seed: int, device: torch.device | None = None
) -> Propagation:
    """As many clusters as affinity propagation finds, by k-means on the rows of the similarity matrix."""
    found = affinity_propagation(similarity, config=config, seed=seed, device=device)
    if len(found.exemplars) < 2:
        return found
    values = np.asarray(similarity, dtype=np.float64)
    labels = KMeans(n_clusters=len(found.exemplars), n_init=4, random_state=seed).fit_predict(values)
    exemplars = np.array(
        [
            members[values[np.ix_(members, members)].sum(axis=0).argmax()]
            for members in (np.flatnonzero(labels == cluster) for cluster in range(len(found.exemplars)))
        ]
    )
    order = np.argsort(exemplars)
    return dataclasses.replace(found, labels=np.argsort(order)[labels].astype(np.int64), exemplars=exemplars[order])


@dataclass(frozen=True)
class Variant:
    """The method with one thing changed."""

    change: Change = field(default=lambda config: config)
    clusterer: Clusterer = affinity_propagation


def _part(name: str, **values: Any) -> Change:
    """A change of some constants of one stage."""
    return lambda config: dataclasses.replace(config, **{name: dataclasses.replace(getattr(config, name), **values)})


def _smooth_only(config: PipelineConfig) -> PipelineConfig:
    sharp = dataclasses.replace(config.masks.sharp, steps=0)
    return dataclasses.replace(config, masks=dataclasses.replace(config.masks, sharp=sharp))


def _without(kind: EvidenceKind) -> tuple[EvidenceKind, ...]:
    return tuple(other for other in EvidenceKind if other is not kind)


def _reference_bar(config: PipelineConfig) -> PipelineConfig:
    return dataclasses.replace(config, quality=preset("reference").quality)


VARIANTS: dict[str, Variant] = {
    "default": Variant(),
    "reference": Variant(lambda config: preset("reference", seed=config.seed)),
    "smooth masks only": Variant(_smooth_only),
    "no whitening": Variant(_part("descriptors", whitening=False)),
    "NAM for LOM": Variant(_part("flow", matcher=Matcher.APPEARANCE)),
    "PHM for LOM": Variant(_part("flow", matcher=Matcher.PROBABILISTIC_HOUGH)),
    "near-duplicates stay": Variant(_part("pruning", area_ratio=1.0)),
    "near-duplicates of half the area go": Variant(_part("pruning", area_ratio=2.0)),
    "k-means for AP": Variant(clusterer=k_means),
    "larger clusters": Variant(_part("clustering", preference_factor=2.0)),
    "twice the null share": Variant(_part("quality", null_share=0.16)),
    "a null share of a twentieth": Variant(_part("quality", null_share=0.05)),
    "evidence without breadth": Variant(_part("quality", evidence=_without(EvidenceKind.BREADTH))),
    "evidence without effect": Variant(_part("quality", evidence=_without(EvidenceKind.EFFECT))),
    "evidence without likeness": Variant(_part("quality", evidence=_without(EvidenceKind.LIKENESS))),
    "regions three quarters masked": Variant(_part("pruning", minimum_masked=0.75)),
    "relative bar": Variant(_part("quality", bar=QualityBar.RELATIVE)),
    "null-calibrated SSIM bar": Variant(_part("quality", bar=QualityBar.NULL_CALIBRATED)),
    "no bar": Variant(_part("quality", bar=QualityBar.NONE)),
    "reference's quality stage": Variant(_reference_bar),
    "four members at least": Variant(_part("quality", minimum_members=4)),
    "repeats stay": Variant(_part("quality", repeat_overlap=None)),
}


@dataclass(frozen=True)
class CaseResult:
    """One network and class under one variant."""

    network: str
    label: str
    uses: tuple[PartUse, ...]
    summaries: tuple[tuple[str | None, float], ...]  # part and purity of each
    clusters: int
    random_accepted: int
    random_clusters: int

    @property
    def recall(self) -> float | None:
        """Share of the used parts that a summary shows."""
        return recall_of_used_parts(self.uses, [part for part, _ in self.summaries])


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    folder = options.run / f"birds-{options.seed}-{'both-ways' if options.both_ways else 'facing-right'}"
    write_birds(
        folder,
        per_species=options.per_species,
        seed=options.seed,
        species=options.species,
        both_ways=options.both_ways,
    )
    images = read_image_folder(folder, classes=options.species, per_class=options.per_species)
    networks = [
        load_network(name, device=torch.device("cpu"), cache=options.networks_cache) for name in options.networks
    ]
    config = preset("default", seed=options.seed)
    run = Run(Store(options.run), images, config, torch.device("cpu"), options.workers, Silent())
    use = UseConfig(threshold=options.threshold)
    uses = {deletion: _uses(run, networks, deletion, use) for deletion in Deletion}
    record: dict[str, Any] = {"options": {**vars(options), "run": str(options.run)}, "variants": {}}
    print(f"{options.per_species} birds of each species, seed {options.seed}; a part is used from {use.threshold} on\n")
    print_uses(uses)
    lines = []
    for name in options.variants:
        started = time.perf_counter()
        results = measure(run, networks, VARIANTS[name], uses[Deletion.BLURRED])
        seconds = time.perf_counter() - started
        if name == options.variants[0]:
            print_cases(name, results)
        total = totals(results, uses[Deletion.BACKGROUND])
        lines.append((name, total, seconds))
        record["variants"][name] = {**total, "seconds": seconds, "cases": [dataclasses.asdict(r) for r in results]}
        print_line(name, total, seconds, first=len(lines) == 1)
    for limit, (recalled, used) in record["variants"][options.variants[0]]["recall_from"].items():
        print(
            f"{options.variants[0]!r}: of the parts with a drop of {limit:g} or more, {recalled} of {used} are recalled"
        )
    if options.json:
        options.json.write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")


def _uses(
    run: Run, networks: Sequence[Network], deletion: Deletion, use: UseConfig
) -> dict[tuple[str, str], tuple[PartUse, ...]]:
    """By network and class: which parts are used, over the images that the network gets right."""
    result = {}
    for network in networks:
        correct = screen(run, network).correct
        for label in run.images.classes:
            drops = [
                _image_drops(run, network, image, deletion, use) for image in correct if image.label.name == label.name
            ]
            result[network.specification.name, label.name] = part_uses(drops, use=use)
    return result


def _image_drops(run: Run, network: Network, image: ImageFile, deletion: Deletion, use: UseConfig) -> dict[str, float]:
    size = (network.specification.input_height, network.specification.input_width)
    return part_drops(
        network,
        read_image(image.path, size=size),
        network.class_index(image.label),
        read_part_masks(image, size),
        deletion=deletion,
        use=use,
        masks=run.config.masks,
    )


def measure(
    run: Run, networks: Sequence[Network], variant: Variant, uses: Mapping[tuple[str, str], tuple[PartUse, ...]]
) -> list[CaseResult]:
    """Every network and class under a variant: real summaries, and those of scattered masks that nobody calibrated."""
    run = dataclasses.replace(run, config=variant.change(run.config))
    method = load_method(CRISP_MASKS)
    masks: dict[Explainer, dict[str, ImageMask]] = {
        Explainer(network.specification.name, method.name): make_masks(
            run, network, screen(run, network).correct, method=method
        )
        for network in networks
    }
    draws = range(run.config.quality.scatterings if run.config.quality.bar is QualityBar.EVIDENCE else 0)
    everything: dict[Explainer, dict[str, ImageMask]] = masks | scattered_masks(run, masks, draws=[*draws, *HELD_OUT])
    boxes = make_proposals(run, run.images.images)
    results = []
    for label in run.images.classes:
        of_class = [image for image in run.images.images if image.label.name == label.name]
        matcher = ClassMatcher(run, of_class, boxes, everything)
        regions = matcher.regions(label=label.name)
        for network in networks:
            explainer = Explainer(network.specification.name, method.name)
            null = [_masked(regions, everything, scattered_explainer(explainer, draw)) for draw in draws]

            real = _masked(regions, everything, explainer)
            held_out = [_masked(regions, everything, scattered_explainer(explainer, draw)) for draw in HELD_OUT]
            grouping, *random = (
                group(
                    run,
                    network,
                    matcher,
                    case,
                    scatterings=null,
                    clusterer=variant.clusterer,
                    with_structure=False,
                    label=label.name,
                )
                for case in (real, *held_out)
            )
            results.append(
                CaseResult(
                    network=explainer.network,
                    label=label.name,
                    uses=uses[explainer.network, label.name],
                    summaries=tuple(_summary_part(run, real, found.members) for found in grouping.accepted),
                    clusters=grouping.clusters,
                    random_accepted=sum(len(found.accepted) for found in random),
                    random_clusters=sum(found.clusters for found in random),
                )
            )
    return results


def _masked(
    regions: Mapping[Explainer, ClassRegions], masks: Mapping[Explainer, Masks], explainer: Explainer
) -> MaskedRegions:
    of_class = regions[explainer]
    return MaskedRegions(of_class, {image.id: masks[explainer][image.id] for image in of_class.images})


def _summary_part(run: Run, case: MaskedRegions, members: Sequence[int]) -> tuple[str | None, float]:
    side = run.config.proposals.frame_side
    parts = []
    for member in members:
        image = case.regions.images[int(case.regions.image_of_region[member])]
        pixels = deleted_pixels(case.masks[image.id].on_frame(side), case.regions.boxes[member])
        parts.append(part_of_region(pixels, read_part_masks(image, (side, side))))
    part, share = purity(parts)
    return part, share or 0.0


def totals(
    results: Sequence[CaseResult], by_background: Mapping[tuple[str, str], tuple[PartUse, ...]]
) -> dict[str, Any]:
    """Over all networks and classes: purity per summary, recall per used part, false summaries per random cluster."""
    shares = [share for result in results for _, share in result.summaries]

    def recall(uses_of: Callable[[CaseResult], tuple[PartUse, ...]]) -> tuple[int, int]:
        found = [({part for part, _ in r.summaries}, [u.part for u in uses_of(r) if u.used]) for r in results]
        return sum(part in shown for shown, used in found for part in used), sum(len(used) for _, used in found)

    def uses_from(limit: float) -> Callable[[CaseResult], tuple[PartUse, ...]]:
        return lambda case: tuple(dataclasses.replace(use, used=use.mean_drop >= limit) for use in case.uses)

    recalled, used = recall(lambda result: result.uses)
    recalled_background, used_background = recall(lambda result: by_background[result.network, result.label])
    return {
        "summaries": len(shares),
        "purity": float(np.mean(shares)) if shares else None,
        "recalled": recalled,
        "used": used,
        "recall": recalled / used if used else None,
        "recall_background": recalled_background / used_background if used_background else None,
        "recall_from": {limit: recall(uses_from(limit)) for limit in STRICTER_LIMITS},
        "random_accepted": sum(r.random_accepted for r in results),
        "random_clusters": sum(r.random_clusters for r in results),
        "false_share": false_summary_share([r.random_accepted for r in results], [r.random_clusters for r in results]),
    }


def print_uses(uses: Mapping[Deletion, Mapping[tuple[str, str], tuple[PartUse, ...]]]) -> None:
    """Drops of all parts; a star marks the used ones."""
    for deletion, of_deletion in uses.items():
        print(f"Mean relative score drop without a part ({deletion}); * = used")
        for (network, label), parts in of_deletion.items():
            words = "  ".join(f"{use.part} {use.mean_drop:.2f}{'*' if use.used else ''}" for use in parts)
            print(f"  {network:11} {label:11} {words}")
        print()


def print_cases(name: str, results: Sequence[CaseResult]) -> None:
    """What became of every network and class."""
    print(f"Summaries of {name!r}, as part and purity")
    for result in results:
        words = "  ".join(f"{part or 'none'} {share:.2f}" for part, share in result.summaries)
        print(
            f"  {result.network:11} {result.label:11} recall {_number(result.recall)}  random "
            f"{result.random_accepted}/{result.random_clusters}  {words}"
        )
    print()


def print_line(name: str, total: Mapping[str, Any], seconds: float, *, first: bool) -> None:
    """One variant in one line."""
    if first:
        print(f"{'variant':30} summaries  purity  recall (used)  recall, background  random accepted  seconds")
    recall = f"{_number(total['recall']):>6} {total['recalled']:>3}/{total['used']:<3}"
    random = f"{_number(total['false_share']):>6} {total['random_accepted']:>3}/{total['random_clusters']:<4}"
    print(
        f"{name:30} {total['summaries']:9}  {_number(total['purity']):>6}  {recall} "
        f"{_number(total['recall_background']):>18}  {random} {seconds:9.0f}",
        flush=True,
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ground_truth", description="Summaries against truth.")
    parser.add_argument("--networks", nargs="+", default=["bird-small", "bird-large"])
    parser.add_argument("--species", nargs="+", choices=tuple(SPECIES), default=list(SPECIES))
    parser.add_argument("--per-species", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1, help="of the birds and of the method")
    parser.add_argument("--both-ways", action="store_true", help="birds face left and right")
    parser.add_argument("--variants", nargs="+", choices=tuple(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--threshold", type=float, default=UseConfig().threshold, help="drop from which a part is used")
    parser.add_argument("--run", type=Path, default=Path("var/runs/ground-truth"), help="kept between calls")
    parser.add_argument("--networks-cache", type=Path, default=Path("var/networks"))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="a small part of it")
    options = parser.parse_args(arguments)
    if options.quick:
        options.networks, options.species = ["bird-large"], list(QUICK_SPECIES)
        options.per_species, options.variants = 8, list(QUICK_VARIANTS)
    return options


if __name__ == "__main__":
    main()
