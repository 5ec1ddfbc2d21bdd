import dataclasses

import numpy as np
import pytest
import torch

from vsum_core.assignment import AssignmentError, assign, assign_image, shown_summaries
from vsum_core.config import QualityConfig, preset
from vsum_core.datasets import read_image_folder
from vsum_core.pipeline import pregenerate
from vsum_core.tagging import NearestCategoryTagger

EXEMPLAR_BOXES = np.array([[0, 0, 8, 8], [16, 16, 32, 32]])
NEW_BOXES = np.array([[4, 4, 12, 12], [0, 0, 32, 32], [20, 20, 30, 32]])
CONFIDENCE = np.array([[0.9, 0.9, 0.9], [0.1, 0.8, 0.5]])
SUMMARY = {
    "id": "legs",
    "members": [
        {"image": "a", "box": [0.5, 0.5, 1, 1], "similarity": None},
        {"image": "b", "box": [0, 0, 1, 1], "similarity": 0.7},
        {"image": "c", "box": [0, 0, 1, 1], "similarity": 0.4},
    ],
}


def assigned(masked, summary=SUMMARY):
    return assign(
        summary,
        CONFIDENCE,
        exemplar_boxes=EXEMPLAR_BOXES,
        new_boxes=NEW_BOXES,
        masked=np.array(masked, dtype=int),
        frame_side=32,
    )


def test_by_hand():
    """The exemplar is the second proposal; only masked proposals count; the least member has 0.4."""
    best = assigned([0, 1, 2])
    assert (best.similarity, best.least, best.assigned, best.box) == (0.8, 0.4, True, (0, 0, 1, 1))
    assert assigned([0, 2]).box == (0.625, 0.625, 0.9375, 1.0)
    assert not assigned([0]).assigned
    nothing = assigned([])
    assert (nothing.box, nothing.similarity, nothing.assigned) == (None, 0.0, False)
    assert shown_summaries([best, nothing]) == ["legs"]


def test_a_summary_without_its_exemplar_or_similarities_is_refused():
    moved = SUMMARY | {"members": [SUMMARY["members"][0] | {"box": [0, 0, 0.3, 0.3]}, *SUMMARY["members"][1:]]}
    alone = SUMMARY | {"members": SUMMARY["members"][:1]}
    for summary in (moved, alone):
        with pytest.raises(AssignmentError, match="cannot be assigned"):
            assigned([0], summary)


def test_an_image_of_the_run_is_at_least_as_similar_to_the_exemplar_as_the_run_says(
    thing_folder, colour_network, tmp_path
):
    """Members behind the exemplar were matched as a new image is; near-duplicates that the run pruned may be better."""
    base = preset("reference", seed=1)
    config = dataclasses.replace(
        base,
        masks=dataclasses.replace(
            base.masks,
            smooth=dataclasses.replace(base.masks.smooth, steps=15, mask_blur_sigma=1.0, resolution_divisor=4),
            sharp=dataclasses.replace(base.masks.sharp, steps=15, learning_rate=0.2),
        ),
        proposals=dataclasses.replace(
            base.proposals, frame_side=96, minimum_side=10, maximum=80, segmentation_scales=(100,)
        ),
        quality=QualityConfig(minimum_members=2),
    )
    images = read_image_folder(thing_folder, classes=["red_thing"])
    manifest = pregenerate(
        images,
        [colour_network],
        config=config,
        arms=(),
        directory=tmp_path / "run",
        device=torch.device("cpu"),
        tagger_of=NearestCategoryTagger,
    )
    assert manifest["summaries"]
    order = {image.id: number for number, image in enumerate(images.images)}
    paths = {image.id: image.path for image in images.images}
    options = {
        "network": colour_network,
        "class_name": "red thing",
        "manifest": manifest,
        "run_directory": tmp_path / "run",
        "images_root": thing_folder,
        "config": config,
    }
    checked = 0
    for summary in manifest["summaries"]:
        assert [tag["word"] for tag in summary["tags"]] == ["blue thing"]
        exemplar = summary["members"][0]["image"]
        for member in summary["members"][1:]:
            if order[member["image"]] < order[exemplar]:
                continue
            found = {one.summary: one for one in assign_image(paths[member["image"]], **options)}[summary["id"]]
            assert found.assigned
            assert found.similarity >= member["similarity"] * (1 - 1e-5)
            if np.allclose(found.box, member["box"]):
                assert found.similarity == pytest.approx(member["similarity"], rel=1e-5)
            checked += 1
    assert checked
    with pytest.raises(AssignmentError, match="no class 'green'"):
        assign_image(paths[exemplar], **options | {"class_name": "green"})
    with pytest.raises(AssignmentError, match="other constants"):
        assign_image(paths[exemplar], **options | {"config": dataclasses.replace(config, seed=4)})
    with pytest.raises(AssignmentError, match="not made with network"):
        assign_image(
            paths[exemplar], **options | {"network": dataclasses.replace(colour_network, weights_sha256="0" * 64)}
        )
