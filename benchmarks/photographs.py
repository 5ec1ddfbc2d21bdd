"""Real photographs: how good masks and summaries are, network by network.

    python -m benchmarks.photographs DIR --networks efficientnet-lite0,efficientnet-lite1,efficientnet-lite2 \
        --per-class 30 --out RUN [--classes dalmatian saxophone] [--json FILE]

DIR holds one folder of images per class. The run goes to ``--out`` and is kept there: started again, the command goes
on where it stopped, and a finished run is only read. Printed are

1. masks: mean over the images of what the mask leaves of the probability, its area and crispness, against the aims;
2. summaries: how many, how much of the masks' drop they explain together, and whether the clustering converged;
3. number of summaries against accuracy over the networks, with bootstrap intervals over classes and images;
4. deletion and insertion curves of the masks, and the drop as summaries are deleted one after another.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.photograph_curves import CurveMeans, mask_curves, summary_curve
from vsum_core.config import Arm, preset, preset_names
from vsum_core.datasets import read_image_folder
from vsum_core.freed_memory import keep_freed_memory
from vsum_core.networks import Network, load_network
from vsum_core.pipeline import device_named, pregenerate
from vsum_core.progress import Silent

Manifest = Mapping[str, Any]

DRAWS = 2000
LEVEL = 0.95
AIMS = {"left by the sharp mask": 0.02, "left when cut at 0.5": 0.05, "area": 0.20, "binarity": 0.01}


@dataclass(frozen=True, kw_only=True)
class MaskMeans:
    """Means over all masks of one network; shares of p0 are means of ratios."""

    network: str
    images: int
    p0: float
    p_blurred: float
    p_smooth: float
    left_by_the_sharp_mask: float
    left_when_cut: float
    area: float
    binarity: float
    area_times_p: float

    def aims(self) -> dict[str, tuple[float, float]]:
        """Name of each aim → (measured, at most)."""
        measured = (self.left_by_the_sharp_mask, self.left_when_cut, self.area, self.binarity)
        return {name: (value, bound) for (name, bound), value in zip(AIMS.items(), measured, strict=True)}


@dataclass(frozen=True, kw_only=True)
class SummaryCounts:
    """Summaries of one network over all classes, and how their clustering went."""

    network: str
    classes: int
    regions: int
    clusters: int
    accepted: int
    random_accepted: int
    coverage: float | None
    converged: int
    retried: int


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value with a percentile interval of the bootstrap."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Accuracy and number of summaries per class of one network."""

    network: str
    accuracy: Interval
    summaries_over_classes: Interval
    summaries_over_both: Interval


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = device_named(options.device)
    networks = [load_network(name, device=device) for name in options.networks.split(",")]
    images = read_image_folder(options.directory, classes=options.classes, per_class=options.per_class)
    manifest = pregenerate(
        images,
        networks,
        config=preset(options.preset, seed=options.seed),
        arms=[Arm.RANDOM_REGIONS],
        directory=options.out,
        device=device,
        workers=options.workers,
        progress=Silent(),
    )
    names = [network.specification.name for network in networks]
    masks = [mask_means(manifest, name) for name in names]
    counts = [summary_counts(manifest, name) for name in names]
    comparisons = compare(manifest, names, seed=options.seed)
    curves = [] if options.no_curves else _curves(manifest, networks, options)
    console = Console(width=160)
    console.print(f"{len(images.images)} images of {len(images.classes)} classes, preset {options.preset}")
    print_masks(console, masks)
    print_summaries(console, counts)
    print_comparisons(console, comparisons, share_rising(manifest, names, seed=options.seed))
    if curves:
        print_curves(console, curves)
    if options.json:
        record = {
            "images": len(images.images),
            "masks": [asdict(one) for one in masks],
            "summaries": [asdict(one) for one in counts],
            "comparisons": [asdict(one) for one in comparisons],
            "curves": [asdict(one) for one in curves],
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def mask_means(manifest: Manifest, network: str) -> MaskMeans:
    """Means over the masks of a network."""
    records = [mask for mask in manifest["masks"] if mask["network"] == network]
    columns = {key: np.array([mask[key] for mask in records], dtype=np.float64) for key in _MASK_COLUMNS}
    return MaskMeans(
        network=network,
        images=len(records),
        p0=float(columns["p0"].mean()),
        p_blurred=float(columns["p_blurred"].mean()),
        p_smooth=float(columns["p_smooth"].mean()),
        left_by_the_sharp_mask=float((columns["p_sharp"] / columns["p0"]).mean()),
        left_when_cut=float((columns["p_thresholded"] / columns["p0"]).mean()),
        area=float(columns["area"].mean()),
        binarity=float(columns["binarity"].mean()),
        area_times_p=float(columns["area_times_p"].mean()),
    )


_MASK_COLUMNS = ("p0", "p_blurred", "p_smooth", "p_sharp", "p_thresholded", "area", "binarity", "area_times_p")


def summary_counts(manifest: Manifest, network: str) -> SummaryCounts:
    """Counts over the classes of a network."""
    own = [record for record in manifest["clusterings"] if record["network"] == network]
    ours = [record for record in own if record["arm"] == Arm.SUMMARIES]
    explained = [record["coverage"] for record in ours if record["coverage"] is not None]
    return SummaryCounts(
        network=network,
        classes=len(ours),
        regions=sum(record["regions"] for record in ours),
        clusters=sum(record["clusters"] for record in ours),
        accepted=sum(record["accepted"] for record in ours),
        random_accepted=sum(record["accepted"] for record in own if record["arm"] == Arm.RANDOM_REGIONS),
        coverage=float(np.mean(explained)) if explained else None,
        converged=sum(record["converged"] for record in ours),
        retried=sum(record["attempts"] > 1 for record in ours),
    )


@dataclass(frozen=True, eq=False)
class _ClassCounts:
    """What resampling needs of one class and network: which images were recognised, and who is in which summary."""

    recognised: NDArray[np.bool_]  # (images,)
    members: NDArray[np.bool_]  # (summaries, images)


def compare(manifest: Manifest, networks: Sequence[str], *, seed: int) -> list[Comparison]:
    """Accuracy and summaries per class of each network, with intervals over classes, and over classes and images.

    Classes are drawn with replacement; the same draws serve all networks, so that differences between networks keep
    the pairing. Within a class images are drawn with replacement. A summary counts in a draw when its drawn members,
    counted as often as they were drawn, reach the least number of members of a summary. The bootstrap cannot find
    summaries that only a new clustering would find, so intervals over images err towards fewer summaries.
    """
    results = []
    for network in networks:
        counts = _class_counts(manifest, network)
        least = int(manifest["run"]["config"]["quality"]["minimum_members"])
        draws = _draws(counts, least=least, seed=seed)
        value = float(np.mean([len(one.members) for one in counts]))
        accuracy = float(np.mean([one.recognised.mean() for one in counts]))
        results.append(
            Comparison(
                network=network,
                accuracy=_interval(accuracy, draws.accuracy),
                summaries_over_classes=_interval(value, draws.over_classes),
                summaries_over_both=_interval(value, draws.over_both),
            )
        )
    return results


def share_rising(manifest: Manifest, networks: Sequence[str], *, seed: int) -> float | None:
    """In how many draws the more accurate networks have more summaries: the share with a positive slope.

    None where all networks have one accuracy or there is one network.
    """
    least = int(manifest["run"]["config"]["quality"]["minimum_members"])
    draws = [_draws(_class_counts(manifest, network), least=least, seed=seed) for network in networks]
    accuracy = np.stack([one.accuracy for one in draws])
    summaries = np.stack([one.over_both for one in draws])
    slopes = ((accuracy - accuracy.mean(0)) * (summaries - summaries.mean(0))).sum(0)
    decided = np.abs(slopes) > 1e-12
    return float((slopes[decided] > 0).mean()) if decided.any() else None


@dataclass(frozen=True, eq=False)
class _Draws:
    accuracy: NDArray[np.float64]
    over_classes: NDArray[np.float64]
    over_both: NDArray[np.float64]


def _class_counts(manifest: Manifest, network: str) -> list[_ClassCounts]:
    wrong = {(one["class"], one["path"]) for one in manifest["skipped"] if one["network"] == network and _misread(one)}
    counts = []
    for label in manifest["classes"]:
        images = [image for image in manifest["images"] if image["class"] == label["name"]]
        position = {image["id"]: index for index, image in enumerate(images)}
        summaries = [
            summary
            for summary in manifest["summaries"]
            if summary["class"] == label["name"] and summary["network"] == network and summary["arm"] == Arm.SUMMARIES
        ]
        members = np.zeros((len(summaries), len(images)), dtype=bool)
        for row, summary in enumerate(summaries):
            members[row, [position[member["image"]] for member in summary["members"]]] = True
        recognised = np.array([(label["name"], image["path"]) not in wrong for image in images])
        counts.append(_ClassCounts(recognised=recognised, members=members))
    return counts


def _misread(skipped: Mapping[str, Any]) -> bool:
    return bool(skipped["reason"] == "misclassified")


def _draws(counts: Sequence[_ClassCounts], *, least: int, seed: int) -> _Draws:
    """(DRAWS,) means per class of accuracy and of the number of summaries."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(len(counts), size=(DRAWS, len(counts)))
    accuracy, alive, plain = (np.empty((len(counts), DRAWS)) for _ in range(3))
    for index, one in enumerate(counts):
        size = len(one.recognised)
        weights = generator.multinomial(size, np.full(size, 1 / size), size=DRAWS)
        accuracy[index] = weights @ one.recognised / size
        alive[index] = (weights @ one.members.T >= least).sum(1)
        plain[index] = len(one.members)
    picked = (classes, np.arange(DRAWS)[:, None])
    return _Draws(
        accuracy=accuracy[picked].mean(1), over_classes=plain[picked].mean(1), over_both=alive[picked].mean(1)
    )


def _interval(value: float, draws: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value=value, low=float(low), high=float(high))


def _curves(manifest: Manifest, networks: Sequence[Network], options: argparse.Namespace) -> list[CurveMeans]:
    return [
        CurveMeans(
            network=network.specification.name,
            **mask_curves(manifest, options.out, options.directory, network, limit=options.curve_images),
            summaries=summary_curve(manifest, options.out, options.directory, network, limit=options.curve_images),
        )
        for network in networks
    ]


def print_masks(console: Console, rows: Sequence[MaskMeans]) -> None:
    """One row per network; an asterisk marks an aim that is missed."""
    table = Table(title="Masks: means over the recognised images (* misses the aim)")
    for heading in ("network", "images", "p0", "p blurred", "p smooth", *AIMS, "area × p"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    table.add_row("aim", "", "", "", "", *(f"≤ {bound:g}" for bound in AIMS.values()), "")
    for row in rows:
        aims = [f"{value:.4f}{'' if value <= bound else ' *'}" for value, bound in row.aims().values()]
        values = [f"{value:.3f}" for value in (row.p0, row.p_blurred, row.p_smooth)]
        table.add_row(row.network, str(row.images), *values, *aims, f"{row.area_times_p:.2e}")
    console.print(table)


def print_summaries(console: Console, rows: Sequence[SummaryCounts]) -> None:
    """One row per network."""
    table = Table(title="Summaries: totals over the classes")
    headings = (
        "network",
        "regions",
        "clusters",
        "summaries",
        "random groups",
        "drop explained",
        "converged",
        "retried",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for row in rows:
        coverage = "–" if row.coverage is None else f"{row.coverage:.3f}"
        numbers = (row.regions, row.clusters, row.accepted, row.random_accepted)
        converged = f"{row.converged} of {row.classes}"
        table.add_row(row.network, *(str(number) for number in numbers), coverage, converged, str(row.retried))
    console.print(table)


def print_comparisons(console: Console, rows: Sequence[Comparison], rising: float | None) -> None:
    """One row per network, and how often more accuracy came with more summaries."""
    table = Table(title=f"Summaries per class against accuracy on these images ({LEVEL:.0%} bootstrap intervals)")
    for heading in ("network", "accuracy", "summaries (classes drawn)", "summaries (classes and images drawn)"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for row in rows:
        intervals = (row.accuracy, row.summaries_over_classes, row.summaries_over_both)
        table.add_row(row.network, *(f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in intervals))
    console.print(table)
    if rising is not None:
        console.print(f"More accurate networks have more summaries in {rising:.0%} of the draws.")


def print_curves(console: Console, rows: Sequence[CurveMeans]) -> None:
    """Areas under the curves, and the share of p0 that is left after each further summary."""
    table = Table(title="Curves: probability as a share of p0, mean over the images")
    for heading in ("network", "images", "deletion area", "insertion area", "left after 0, 1, 2, ... summaries"):
        table.add_column(
            heading, justify="right" if heading in ("images", "deletion area", "insertion area") else "left"
        )
    for row in rows:
        left = " ".join(f"{value:.2f}" for value in row.summaries)
        table.add_row(row.network, str(row.images), f"{row.deletion_area:.3f}", f"{row.insertion_area:.3f}", left)
    console.print(table)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.photographs", description="Masks and summaries of photos."
    )
    parser.add_argument("directory", type=Path, help="folder that holds one folder of images per class")
    parser.add_argument("--networks", default="efficientnet-lite0,efficientnet-lite1,efficientnet-lite2")
    parser.add_argument("--classes", nargs="+", help="folders or names; all where left out")
    parser.add_argument("--per-class", type=int, default=30)
    parser.add_argument("--preset", choices=preset_names(), default="default")
    parser.add_argument("--out", type=Path, default=Path("var/runs/photographs"), help="run directory, kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="threads of PyTorch; its own choice where left out")
    parser.add_argument("--workers", type=int, default=1, help="parallel work on the CPU")
    parser.add_argument("--curve-images", type=int, default=2, help="images per class for the curves")
    parser.add_argument("--no-curves", action="store_true", help="leave the curves out; they run the networks again")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
