"""The order of the stages, once: images and networks in, a run directory with its manifest out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import vsum_core
from vsum_core.config import Arm, PipelineConfig, as_dictionary
from vsum_core.datasets import ImageFile, ImageSet, Skipped, SkipReason
from vsum_core.manifest import SCHEMA_VERSION, Manifest, write
from vsum_core.methods import Method, load_method
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.networks import Network
from vsum_core.progress import Progress, Silent
from vsum_core.provenance import code_digest
from vsum_core.stages.classes import ClassChain, ExplainerMasks, Order, explain_images
from vsum_core.stages.masking import ImageMask
from vsum_core.stages.predicting import held_out_images, predict
from vsum_core.stages.proposing import make_proposals
from vsum_core.stages.run import Explainer, Run
from vsum_core.stages.screening import Screening, network_key, screen
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
    prepare: Callable[[Run, Order], Run] | None = None,
) -> Manifest:
    """Make the summaries of every class for every network, and the control arms, and write the manifest.

    Finished stages found in ``directory`` are not computed again. The manifest does not depend on where an earlier run
    was interrupted, nor on ``workers`` or ``prepare``: what is written is put together from the run directory by the
    same code, whoever filled it.

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
        prepare: computes stages beforehand, such as :class:`vsum_core.engines.preparation.Preparation`, which has them
            computed by other processes and machines, and returns the run that goes on from there; None: all are
            computed in this process.

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
    order = Order(
        networks=tuple(networks),
        methods=methods,
        arms=tuple(arms),
        kept=held_out_images(images.images, per_class=held_out),
        tagger_of=tagger_of,
    )
    if prepare is not None:
        run = prepare(run, order)
    manifest = _assembled(run, order)
    write(run.store, manifest)
    return manifest


def _assembled(run: Run, order: Order) -> Manifest:
    """The manifest; what the store does not hold yet is computed."""
    screenings = {network.specification.name: screen(run, network) for network in order.networks}
    masks: ExplainerMasks = {}
    for network in order.networks:
        correct = screenings[network.specification.name].correct
        wanted = [image for image in correct if image.id not in order.kept]
        masks |= explain_images(run, network, order.methods, wanted)
    masked = [image for image in run.images.images if any(image.id in found for found in masks.values())]
    boxes = make_proposals(run, masked)
    clusterings: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for label in run.images.classes:
        of_class = [image for image in masked if image.label.name == label.name]
        chain = ClassChain(run, order, label, of_class, boxes, masks)
        for network in order.networks:
            for method in order.methods:
                made, clustered = chain.summarise(network, method)
                summaries.extend(made)
                clusterings.extend(clustered)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "run": _run_record(run, order),
        "classes": [{"name": label.name, "folder": label.folder, "wnid": label.wnid} for label in run.images.classes],
        "networks": [_network_record(network, screenings[network.specification.name]) for network in order.networks],
        "images": [
            _image_record(image, len(boxes[image.id]) if image.id in boxes else 0) for image in run.images.images
        ],
        "masks": [_mask_record(mask, explainer) for explainer, found in masks.items() for mask in found.values()],
        "clusterings": clusterings,
        "summaries": summaries,
        "skipped": [_skipped_record(skipped) for skipped in _all_skipped(run.images, screenings, masks)],
    }
    if order.kept:
        manifest["predictions"] = [
            record
            for network in order.networks
            for record in predict(run, network, screenings[network.specification.name], held_out=order.kept)
        ]
    return manifest


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


def _run_record(run: Run, order: Order) -> dict[str, Any]:
    digests = [code_digest(__name__), *(code_digest(method.module) for method in order.methods)]
    code = f"{vsum_core.__version__}+{key_of(digests=digests)[:12]}"
    digest = key_of(
        code=code,
        config=as_dictionary(run.config),
        images=[image.sha256 for image in run.images.images],
        networks=[network_key(network) for network in order.networks],
        methods=[method.key() for method in order.methods],
        arms=[str(arm) for arm in order.arms],
        **({"held_out": sorted(order.kept)} if order.kept else {}),
        **({"tagged": True} if order.tagger_of is not None else {}),
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


def _skipped_record(skipped: Skipped) -> dict[str, Any]:
    return {
        "path": skipped.path,
        "class": skipped.class_name,
        "network": skipped.network,
        "reason": str(skipped.reason),
        "detail": skipped.detail,
    }
