"""Which summaries of a finished run does a new image show?

The image gets a mask and proposals like every other. Its masked proposals are matched with the image of each summary's
exemplar; the image shows the summary where its best proposal is as similar to the exemplar as the summary's least
similar member is. Source: this project, with the similarity of the run itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vsum_core.config import PipelineConfig, as_dictionary
from vsum_core.datasets import ClassLabel, ImageFile, ImageSet, read_image
from vsum_core.flow import match
from vsum_core.manifest import Manifest
from vsum_core.methods import load_method
from vsum_core.methods.registry import CRISP_MASKS
from vsum_core.networks import Network
from vsum_core.progress import Silent
from vsum_core.pruning import masked_proposals
from vsum_core.stages.masking import ImageMask, make_masks
from vsum_core.stages.proposing import describe, make_proposals
from vsum_core.stages.run import Run
from vsum_core.store import Store


class AssignmentError(ValueError):
    """A new image cannot be held against a run; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A new image and one summary.

    Attributes:
        summary: identifier.
        box: where the image shows it best: left, top, right, bottom as fractions; None without a masked proposal.
        similarity: of that region to the exemplar, on the run's own scale, 0 or more.
        least: of the summary's members to the exemplar, what the image has to reach.
        assigned: whether it does.
    """

    summary: str
    box: tuple[float, float, float, float] | None
    similarity: float
    least: float
    assigned: bool


def assign_image(
    path: Path,
    *,
    network: Network,
    class_name: str,
    manifest: Manifest,
    run_directory: Path,
    images_root: Path,
    config: PipelineConfig,
    method: str = CRISP_MASKS,
    workers: int = 1,
) -> list[Assignment]:
    """Hold one image against every summary of its class, network and method; the most similar first.

    Args:
        path: the new image.
        network: one of the run's, with the same weights.
        class_name: a class of the run; the network need not answer it.
        manifest: of the run.
        run_directory: where the run lies; the new image's mask and proposals are kept there, too.
        images_root: folder in which the run's images lie under the paths of the manifest.
        config: the run's constants.
        method: of explanation.
        workers: threads.

    Returns:
        One per summary, by falling ``similarity / least``; empty where there are no summaries.

    Raises:
        AssignmentError: the run has no such class or network, was made with other constants or weights, or an image of
            it is not there or was changed.
        UnreadableImageError: the new image cannot be read.
    """
    label = _label(manifest, class_name)
    _check(manifest, network, config)
    summaries = [
        summary
        for summary in manifest["summaries"]
        if summary["arm"] == "summaries"
        and summary["class"] == class_name
        and (summary["network"], summary["method"]) == (network.specification.name, method)
    ]
    records = {record["id"]: record for record in manifest["images"]}
    exemplars = {
        identifier: _image_file(
            images_root / records[identifier]["path"], label, expected=records[identifier]["sha256"]
        )
        for identifier in dict.fromkeys(summary["members"][0]["image"] for summary in summaries)
    }
    new = _image_file(path, label, expected=None)
    images = [*(image for image in exemplars.values() if image.id != new.id), new]
    run = Run(
        store=Store(run_directory),
        images=ImageSet(name="new image", classes=(label,), images=(new,), skipped=(), synthetic=False),
        config=config,
        device=network.device,
        workers=workers,
        progress=Silent(),
    )
    mask = _mask(run, network, new, method)
    boxes = make_proposals(run, images)
    side = config.proposals.frame_side
    masked = masked_proposals(boxes[new.id], mask.on_frame(side), config=config.pruning)
    descriptors = describe(run, images, boxes)
    position = {image.id: index for index, image in enumerate(images)}

    def confidence(exemplar: str) -> npt.NDArray[np.float32]:
        """Of the exemplar's proposals in the new image's, as if the new image came last in its class."""
        return match(
            boxes[exemplar],
            boxes[new.id],
            descriptors.appearance(position[exemplar], position[new.id]),
            config=config.flow,
        )

    confidences = {identifier: confidence(identifier) for identifier in exemplars}
    found = [
        assign(
            summary,
            confidences[summary["members"][0]["image"]],
            exemplar_boxes=boxes[summary["members"][0]["image"]],
            new_boxes=boxes[new.id],
            masked=masked,
            frame_side=side,
        )
        for summary in summaries
    ]
    return sorted(found, key=lambda one: (-one.similarity / one.least if one.least > 0 else 0.0, one.summary))


def assign(
    summary: Mapping[str, Any],
    confidence: npt.NDArray[np.floating[Any]],
    *,
    exemplar_boxes: npt.NDArray[np.integer[Any]],
    new_boxes: npt.NDArray[np.integer[Any]],
    masked: npt.NDArray[np.integer[Any]],
    frame_side: int,
) -> Assignment:
    """Hold a new image against one summary.

    Args:
        summary: of a manifest; its first member is the exemplar.
        confidence: (P, Q) of the exemplar image's proposals in the new image's.
        exemplar_boxes: (P, 4) in pixels of the frame.
        new_boxes: (Q, 4), likewise.
        masked: positions in ``new_boxes`` of those that the mask deletes.
        frame_side: pixels.

    Raises:
        AssignmentError: the exemplar's box is none of its image's proposals, or no member has a similarity.
    """
    exemplar = np.rint(np.asarray(summary["members"][0]["box"]) * frame_side)
    rows = np.flatnonzero((exemplar_boxes == exemplar).all(axis=1))
    similarities = [member["similarity"] for member in summary["members"] if member["similarity"] is not None]
    if len(rows) == 0 or not similarities:
        raise AssignmentError(
            f"Summary {summary['id']} has no exemplar among the proposals of its image, or no similarities; summaries "
            "that were merged or split by hand cannot be assigned to."
        )
    least = float(min(similarities))
    if len(masked) == 0:
        return Assignment(summary=summary["id"], box=None, similarity=0.0, least=least, assigned=False)
    to_exemplar = confidence[rows[0], masked]
    best = int(np.argmax(to_exemplar))
    similarity = float(to_exemplar[best])
    left, top, right, bottom = (float(side) / frame_side for side in new_boxes[masked[best]])
    return Assignment(
        summary=summary["id"],
        box=(left, top, right, bottom),
        similarity=similarity,
        least=least,
        assigned=similarity >= least > 0,
    )


def _label(manifest: Manifest, class_name: str) -> ClassLabel:
    for label in manifest["classes"]:
        if label["name"] == class_name:
            return ClassLabel(name=label["name"], folder=label["folder"], wnid=label["wnid"])
    names = ", ".join(label["name"] for label in manifest["classes"])
    raise AssignmentError(f"The run has no class {class_name!r}; it has {names}.")


def _check(manifest: Manifest, network: Network, config: PipelineConfig) -> None:
    weights = {record["name"]: record["weights_sha256"] for record in manifest["networks"]}
    name = network.specification.name
    if weights.get(name) != network.weights_sha256:
        known = ", ".join(weights)
        raise AssignmentError(f"The run was not made with network {name} and these weights; it has {known}.")
    if manifest["run"]["config"] != as_dictionary(config):
        made = manifest["run"]
        raise AssignmentError(
            f"The run was made with other constants (preset {made['preset']}, seed {made['seed']}) than those given."
        )


def _image_file(path: Path, label: ClassLabel, *, expected: str | None) -> ImageFile:
    height, width = read_image(path).shape[:2]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if expected is not None and sha256 != expected:
        raise AssignmentError(f"{path} is not the image of the run: its content differs. Give the run's own folder.")
    return ImageFile(
        id=f"img-{sha256[:16]}",
        path=path,
        relative_path=path.name,
        label=label,
        sha256=sha256,
        width=width,
        height=height,
        part_masks=None,
    )


def _mask(run: Run, network: Network, image: ImageFile, method: str) -> ImageMask:
    crisp = make_masks(run, network, [image], method=load_method(CRISP_MASKS))
    if method == CRISP_MASKS:
        return crisp[image.id]
    share = run.config.methods.area
    areas = {image.id: crisp[image.id].deleted if share is None else share}
    return make_masks(run, network, [image], method=load_method(method), areas=areas)[image.id]


def shown_summaries(assignments: Sequence[Assignment]) -> list[str]:
    """Identifiers of the summaries that the image shows, the most similar first."""
    return [assignment.summary for assignment in assignments if assignment.assigned]
