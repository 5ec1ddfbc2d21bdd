"""Networks, or methods, of a run held against each other: plain functions on a manifest, for commands and notebooks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vsum_core.manifest import Manifest
from vsum_core.metrics_stability import places_of, stability

SUMMARIES = "summaries"
_DRAWS = 2000
_LEAST_CLASSES = 3  # from which an interval over classes means anything


@dataclass(frozen=True, kw_only=True)
class ExplainerRow:
    """What one method applied to one network yields, over all classes of a run.

    Attributes:
        network, method: by name.
        accuracy: share of the run's images that the network gets right; None without images.
        classes: with at least one mask.
        images: masks in all.
        p0, p_thresholded, drop, area, area_times_p: means over the masks; None without masks.
        summaries: in all, control arms aside.
        summaries_per_class: mean over the classes of the run.
        interval: 95 % bootstrap interval of it over classes; None for fewer than three classes.
        members: mean per summary; None without summaries.
        member_drop: mean score drop of a member alone; None without summaries.
        coverage: mean over the classes for which it is defined; None where there is none.
        purity: mean over the summaries, where true parts are known.
    """

    network: str
    method: str
    accuracy: float | None
    classes: int
    images: int
    p0: float | None
    p_thresholded: float | None
    drop: float | None
    area: float | None
    area_times_p: float | None
    summaries: int
    summaries_per_class: float
    interval: tuple[float, float] | None
    members: float | None
    member_drop: float | None
    coverage: float | None
    purity: float | None


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """How much the summaries of two explainers agree, over the classes for which either has any.

    Attributes:
        first, second: (network, method).
        overlap: mean Jaccard overlap of summaries matched one to one, unmatched ones counting 0; None without any.
        matched: share of summaries that the other has, too (overlap one half or more); None without any.
    """

    first: tuple[str, str]
    second: tuple[str, str]
    overlap: float | None
    matched: float | None


@dataclass(frozen=True, kw_only=True)
class ImportanceRow:
    """What one summary contributes.

    Attributes:
        summary, class_name, network, method: which.
        share_of_images: of the images with a mask that it shows.
        mean_drop: of its members alone.
        importance: score drop it explains per image of the class: the sum of its members' drops (below 0 counted as 0)
            divided by the number of images with a mask. Source: this project.
    """

    summary: str
    class_name: str
    network: str
    method: str
    share_of_images: float
    mean_drop: float
    importance: float


def compare_explainers(manifest: Manifest, *, seed: int = 0) -> list[ExplainerRow]:
    """One row per network and method, in the order of the manifest.

    Args:
        manifest: of a run, as :func:`vsum_core.manifest.read` gives it.
        seed: of the bootstrap.
    """
    networks = {network["name"]: network for network in manifest["networks"]}
    return [_row(manifest, networks[network], method, seed=seed) for network, method in _explainers(manifest)]


def compare_pairs(manifest: Manifest) -> list[PairRow]:
    """Every pair of explainers, in the order of the manifest; only images that both have a mask of count."""
    rows = []
    for first, second in itertools.combinations(_explainers(manifest), 2):
        overlaps, matches, weights = [], [], []
        for label in manifest["classes"]:
            shared = _images(manifest, first, label["name"]) & _images(manifest, second, label["name"])
            sets = [[places_of(one) for one in _summaries(manifest, who, label["name"])] for who in (first, second)]
            result = stability(*sets, images=shared)
            if result.mean_overlap is not None and result.matched is not None:
                overlaps.append(result.mean_overlap)
                matches.append(result.matched)
                weights.append(max(len(one) for one in sets))
        known = bool(weights)
        rows.append(
            PairRow(
                first=first,
                second=second,
                overlap=float(np.average(overlaps, weights=weights)) if known else None,
                matched=float(np.average(matches, weights=weights)) if known else None,
            )
        )
    return rows


def summary_importance(manifest: Manifest) -> list[ImportanceRow]:
    """Every summary of the run (no controls), the most important first; ties by identifier."""
    rows = []
    for network, method in _explainers(manifest):
        for label in manifest["classes"]:
            images = len(_images(manifest, (network, method), label["name"]))
            for summary in _summaries(manifest, (network, method), label["name"]):
                drops = [member["drop"] for member in summary["members"]]
                rows.append(
                    ImportanceRow(
                        summary=summary["id"],
                        class_name=label["name"],
                        network=network,
                        method=method,
                        share_of_images=len(drops) / max(1, images),
                        mean_drop=float(np.mean(drops)),
                        importance=sum(max(0.0, drop) for drop in drops) / max(1, images),
                    )
                )
    return sorted(rows, key=lambda row: (-row.importance, row.summary))


def _explainers(manifest: Manifest) -> list[tuple[str, str]]:
    return list(dict.fromkeys((record["network"], record["method"]) for record in manifest["clusterings"]))


def _of(records: Sequence[dict[str, Any]], explainer: tuple[str, str]) -> Iterator[dict[str, Any]]:
    network, method = explainer
    return (record for record in records if record["network"] == network and record["method"] == method)


def _summaries(manifest: Manifest, explainer: tuple[str, str], class_name: str) -> list[dict[str, Any]]:
    return [
        summary
        for summary in _of(manifest["summaries"], explainer)
        if summary["arm"] == SUMMARIES and summary["class"] == class_name
    ]


def _images(manifest: Manifest, explainer: tuple[str, str], class_name: str) -> set[str]:
    return {mask["image"] for mask in _of(manifest["masks"], explainer) if mask["class"] == class_name}


def _row(manifest: Manifest, network: Mapping[str, Any], method: str, *, seed: int) -> ExplainerRow:
    explainer = (network["name"], method)
    masks = list(_of(manifest["masks"], explainer))
    own = [summary for summary in _of(manifest["summaries"], explainer) if summary["arm"] == SUMMARIES]
    counts = [len(_summaries(manifest, explainer, label["name"])) for label in manifest["classes"]]
    coverages = [record["coverage"] for record in _of(manifest["clusterings"], explainer) if record["arm"] == SUMMARIES]
    seen = network["images_seen"]
    return ExplainerRow(
        network=explainer[0],
        method=method,
        accuracy=network["images_correct"] / seen if seen else None,
        classes=len({mask["class"] for mask in masks}),
        images=len(masks),
        p0=_mean(mask["p0"] for mask in masks),
        p_thresholded=_mean(mask["p_thresholded"] for mask in masks),
        drop=_mean(mask["drop"] for mask in masks),
        area=_mean(mask["area"] for mask in masks),
        area_times_p=_mean(mask["area_times_p"] for mask in masks),
        summaries=len(own),
        summaries_per_class=float(np.mean(counts)) if counts else 0.0,
        interval=_interval(counts, seed=seed),
        members=_mean(float(len(summary["members"])) for summary in own),
        member_drop=_mean(summary["quality"]["mean_drop"] for summary in own),
        coverage=_mean(coverages),
        purity=_mean(summary["quality"].get("purity") for summary in own),
    )


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _interval(counts: Sequence[int], *, seed: int) -> tuple[float, float] | None:
    """Percentile bootstrap over classes (Efron, 1979)."""
    if len(counts) < _LEAST_CLASSES:
        return None
    drawn = np.random.default_rng(seed).choice(np.asarray(counts, dtype=np.float64), size=(_DRAWS, len(counts)))
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
