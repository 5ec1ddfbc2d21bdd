"""The order of the stages, once: images and networks in, a run directory with its manifest out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import vsum_core
from vsum_core.config import Arm, PipelineConfig, QualityBar, as_dictionary
from vsum_core.datasets import ClassLabel, ImageFile, ImageSet, Skipped, SkipReason
from vsum_core.manifest import SCHEMA_VERSION, Manifest, write
from vsum_core.methods import Method, load_method
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.networks import Network
from vsum_core.progress import Progress, Silent
from vsum_core.provenance import code_digest
from vsum_core.stages.concepts import group_concepts
from vsum_core.stages.grouping import Grouping, group
from vsum_core.stages.masking import ImageMask, make_masks
from vsum_core.stages.matching import ClassMatcher, ClassRegions
from vsum_core.stages.predicting import held_out_images, predict
from vsum_core.stages.proposing import make_proposals
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.scattering import MaskedRegions, scattered_explainer, scattered_masks
from vsum_core.stages.screening import Screening, network_key, screen
from vsum_core.stages.summaries import ArmResult, summarise
from vsum_core.stages.tagging import tag_summaries
from vsum_core.store import Store, key_of
from vsum_core.tagging import TaggerOf


def control_arms(names: str) -> tuple[Arm, ...]:
    """Control arms from comma-separated names; ``none`` or nothing gives no arm.

    Raises:
        ValueError: a name is unknown; the message lists the known ones.
    """
    known = {str(arm): arm for arm in Arm if arm is not Arm.SUMMARIES}
    wanted = [name.strip() for name in names.split(",") if name.strip() not in ("", "none")]
    for name in wanted:
        if name not in known:
            raise ValueError(f"Unknown control arm {name!r}; known arms: {', '.join(known)} (or none).")
    return tuple(known[name] for name in dict.fromkeys(wanted))


def device_named(name: str) -> torch.device:
    """The device: ``auto`` takes the GPU where there is one.

    Raises:
        ValueError: the device does not exist on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"Unknown device {name!r}; use auto, cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("This machine has no usable CUDA device; use --device cpu or auto.")
    return device


def pregenerate(
    images: ImageSet,
    networks: Sequence[Network],
    *,
    config: PipelineConfig,
    arms: Sequence[Arm],
    methods: Sequence[Method] | None = None,
    tagger_of: TaggerOf | None = None,
    directory: Path,
    device: torch.device,
    held_out: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Manifest:
    """Make the summaries of every class for every network, and the control arms, and write the manifest.

    Finished stages found in ``directory`` are not computed again. The manifest does not depend on where an earlier run
    was interrupted, nor on ``workers``.

    Args:
        images: what :func:`vsum_core.datasets.read_image_folder` returns.
        networks: at least one; names must differ.
        config: every constant.
        arms: control arms beside the summaries.
        methods: explanation methods, each once; None for the crisp masks of the paper alone.
        tagger_of: makes, for each network, what suggests words for its summaries; None: no words.
        directory: the run directory.
        device: where the networks live.
        held_out: images of each class that are kept from the summaries, so that people can predict the networks'
            answers to them; with any, the manifest has the section ``predictions``.
        workers: threads for work on the CPU, 1 or more.
        progress: receiver of progress.

    Raises:
        ValueError: no network or method, one name twice, no worker, or too many images held out.
        UnsuitableNetworkError: a method cannot explain one of the networks.
        UnknownClassError: a network lacks a class of the images.
        StorageError: the run directory cannot be written.
    """
    names = [network.specification.name for network in networks]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"Give at least one network and each name once, but the names are {names}.")
    methods = (load_method(CRISP_MASKS),) if methods is None else tuple(methods)
    method_names = [method.name for method in methods]
    if not method_names or len(set(method_names)) != len(method_names):
        raise ValueError(f"Give at least one method and each name once, but the names are {method_names}.")
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, but it is {workers}.")
    for network in networks:
        for label in images.classes:
            network.class_index(label)
    run = Run(
        store=Store(directory),
        images=images,
        config=config,
        device=device,
        workers=workers,
        progress=progress or Silent(),
    )
    kept = held_out_images(images.images, per_class=held_out)
    screenings = {network.specification.name: screen(run, network) for network in networks}
    masks: dict[Explainer, dict[str, ImageMask]] = {}
    for network in networks:
        correct = screenings[network.specification.name].correct
        masks |= _masks_of(run, network, methods, [image for image in correct if image.id not in kept])
    masked = [image for image in images.images if any(image.id in found for found in masks.values())]
    boxes = make_proposals(run, masked)
    draws = range(config.quality.scatterings if config.quality.bar is QualityBar.EVIDENCE else 0)
    by_itself = {method.name for method in methods if method.groups_segments}
    matched = {explainer: found for explainer, found in masks.items() if explainer.method not in by_itself}
    scattered = scattered_masks(run, matched, draws=draws)
    clusterings: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for label in images.classes:
        of_class = [image for image in masked if image.label.name == label.name]
        matcher = ClassMatcher(run, of_class, boxes, matched | scattered)
        regions = matcher.regions(label=label.name)
        for network in networks:
            for method in methods:
                explainer = Explainer(network.specification.name, method.name)
                found = masks[explainer]
                own_masks = {image.id: found[image.id] for image in of_class if image.id in found}
                if method.groups_segments:
                    own_regions, grouping = group_concepts(
                        run, network, method, own_masks, label=f"{label.name}, {explainer}"
                    )
                else:
                    own_regions = regions[explainer]
                    random = [scattered_explainer(explainer, draw) for draw in draws]
                    grouping = group(
                        run,
                        network,
                        matcher,
                        MaskedRegions(own_regions, own_masks),
                        scatterings=[MaskedRegions(regions[key], scattered[key]) for key in random],
                        label=f"{label.name}, {explainer}",
                    )
                for arm in (Arm.SUMMARIES, *arms):
                    result = summarise(
                        run,
                        network,
                        own_regions,
                        grouping,
                        own_masks,
                        method=method.name,
                        arm=arm,
                        class_name=label.name,
                    )
                    made = list(result.summaries)
                    if tagger_of is not None:
                        made = tag_summaries(run, network, tagger_of(network), made)
                    summaries.extend(made)
                    clusterings.append(_clustering(label, explainer, arm, own_masks, own_regions, grouping, result))
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "run": _run_record(run, networks, methods, arms, kept=kept, tagged=tagger_of is not None),
        "classes": [{"name": label.name, "folder": label.folder, "wnid": label.wnid} for label in images.classes],
        "networks": [_network_record(network, screenings[network.specification.name]) for network in networks],
        "images": [_image_record(image, len(boxes[image.id]) if image.id in boxes else 0) for image in images.images],
        "masks": [_mask_record(mask, explainer) for explainer, found in masks.items() for mask in found.values()],
        "clusterings": clusterings,
        "summaries": summaries,
        "skipped": [_skipped_record(skipped) for skipped in _all_skipped(images, screenings, masks)],
    }
    if kept:
        manifest["predictions"] = [
            record
            for network in networks
            for record in predict(run, network, screenings[network.specification.name], held_out=kept)
        ]
    write(run.store, manifest)
    return manifest


def _masks_of(
    run: Run, network: Network, methods: Sequence[Method], images: Sequence[ImageFile]
) -> dict[Explainer, dict[str, ImageMask]]:
    """Masks of every method for one network; the crisp masks say how much the others delete, unless the run does."""
    name = network.specification.name
    areas: dict[str, float] | None = None
    if any(not method.finds_area for method in methods):
        share = run.config.methods.area
        if share is None:
            crisp = make_masks(run, network, images, method=load_method(CRISP_MASKS))
            areas = {identifier: mask.deleted for identifier, mask in crisp.items()}
        else:
            areas = {image.id: share for image in images}
    return {
        Explainer(name, method.name): make_masks(run, network, images, method=method, areas=areas) for method in methods
    }


def _all_skipped(
    images: ImageSet, screenings: Mapping[str, Screening], masks: Mapping[Explainer, Mapping[str, ImageMask]]
) -> list[Skipped]:
    skipped = list(images.skipped)
    for screening in screenings.values():
        skipped.extend(screening.skipped)
    for explainer, found in masks.items():
        skipped.extend(
            Skipped(
                path=mask.image.relative_path,
                class_name=mask.image.label.name,
                network=explainer.network,
                reason=SkipReason.NO_REGION,
                detail=f"No connected region of the mask of {explainer.method} is large enough.",
            )
            for mask in found.values()
            if not mask.regions
        )
    return skipped


def _run_record(
    run: Run,
    networks: Sequence[Network],
    methods: Sequence[Method],
    arms: Sequence[Arm],
    *,
    kept: frozenset[str],
    tagged: bool,
) -> dict[str, Any]:
    digests = [code_digest(__name__), *(code_digest(method.module) for method in methods)]
    code = f"{vsum_core.__version__}+{key_of(digests=digests)[:12]}"
    digest = key_of(
        code=code,
        config=as_dictionary(run.config),
        images=[image.sha256 for image in run.images.images],
        networks=[network_key(network) for network in networks],
        methods=[method.key() for method in methods],
        arms=[str(arm) for arm in arms],
        **({"held_out": sorted(kept)} if kept else {}),
        **({"tagged": True} if tagged else {}),
    )
    return {
        "digest": digest,
        "code_version": code,
        "dataset": run.images.name,
        "preset": run.config.preset,
        "config": as_dictionary(run.config),
        "seed": run.config.seed,
        "synthetic": run.images.synthetic,
    }


def _network_record(network: Network, screening: Screening) -> dict[str, Any]:
    specification = network.specification
    return {
        "name": specification.name,
        "weights": specification.weights,
        "weights_sha256": network.weights_sha256,
        "input_height": specification.input_height,
        "input_width": specification.input_width,
        "mean": list(specification.mean),
        "std": list(specification.std),
        "images_seen": screening.seen,
        "images_correct": len(screening.correct),
        "published_accuracy": specification.published_accuracy,
    }


def _image_record(image: ImageFile, proposals: int) -> dict[str, Any]:
    return {
        "id": image.id,
        "class": image.label.name,
        "path": image.relative_path,
        "sha256": image.sha256,
        "width": image.width,
        "height": image.height,
        "proposals": proposals,
    }


def _mask_record(mask: ImageMask, explainer: Explainer) -> dict[str, Any]:
    scores = mask.scores
    return {
        "image": mask.image.id,
        "network": explainer.network,
        "method": explainer.method,
        "class": mask.image.label.name,
        "p0": scores.p0,
        "p_blurred": scores.p_blurred,
        "p_smooth": scores.p_smooth,
        "p_sharp": scores.p_sharp,
        "p_thresholded": scores.p_thresholded,
        "drop": scores.drop,
        "normalised_score": scores.normalised_score,
        "area": scores.area,
        "area_times_p": scores.area_times_p,
        "binarity": scores.binarity,
        "regions": [{"box": list(region.box), "area": region.area, "drop": region.drop} for region in mask.regions],
        "file": mask.file,
        **({} if mask.smooth_file is None else {"smooth_file": mask.smooth_file}),
    }


def _clustering(
    label: ClassLabel,
    explainer: Explainer,
    arm: Arm,
    masks: Mapping[str, ImageMask],
    regions: ClassRegions,
    grouping: Grouping,
    result: ArmResult,
) -> dict[str, Any]:
    return {
        "class": label.name,
        "network": explainer.network,
        "method": explainer.method,
        "arm": str(arm),
        "images": len(masks),
        "regions": len(regions.boxes),
        "clusters": grouping.clusters,
        "accepted": len(result.summaries),
        "converged": grouping.converged,
        "attempts": grouping.attempts,
        "damping": grouping.damping,
        "preference": grouping.preference,
        "coverage": result.coverage,
    }


def _skipped_record(skipped: Skipped) -> dict[str, Any]:
    return {
        "path": skipped.path,
        "class": skipped.class_name,
        "network": skipped.network,
        "reason": str(skipped.reason),
        "detail": skipped.detail,
    }
