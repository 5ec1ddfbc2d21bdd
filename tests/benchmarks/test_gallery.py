"""The page of a run: complete, self-contained, and honest about what it leaves out."""

import re

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.gallery import Limits, MissingImagesError, deleted_part, main, render
from vsum_core.manifest import write
from vsum_core.rendering import encode_webp
from vsum_core.store import Store

SIDE = 32
BOX = [0.1, 0.2, 0.5, 0.6]
OWN = {"class": "robin", "network": "small", "method": "visual-summaries"}


def png(store, mask):
    return store.put(cv2.imencode(".png", mask)[1].tobytes(), suffix="png")


def summary(number, arm, picture, *, part=None, purity=None):
    member = {"box": BOX, "hull": [[0.1, 0.2]], "similarity": None, "drop": 0.25, "part": part}
    return {
        "id": f"robin-small-{arm}-{number}",
        **OWN,
        "arm": arm,
        "members": [{"image": f"img-{index}", **member} for index in range(2)],
        "quality": {
            "median_ssim": 0.4,
            "mean_similarity": None,
            "mean_drop": 0.25,
            "size_before_filter": 2,
            "part": part,
            "purity": purity,
        },
        "files": {"grid": picture["file"], "cells": [picture] * 2, "crops": [picture] * 2},
    }


def mask(image, file, smooth):
    names = ("p_blurred", "p_smooth", "p_sharp", "p_thresholded", "area_times_p", "binarity")
    values = dict.fromkeys(names, 0.01)
    record = {"image": image, **OWN, "p0": 0.9, "drop": 0.9, "normalised_score": None, "area": 0.2, **values}
    return record | {"regions": [{"box": BOX, "area": 0.1, "drop": 0.5}], "file": file, **smooth}


def clustering(arm, accepted):
    values = {"images": 2, "regions": 9, "clusters": 3, "accepted": accepted, "converged": True, "attempts": 1}
    return {**OWN, "arm": arm, **values, "damping": 0.9, "preference": -0.4, "coverage": 0.7}


@pytest.fixture
def run(tmp_path):
    """A run of two images with two masks, three summaries and a random group; its images are beside it."""
    store = Store(tmp_path / "run")
    pixels = np.full((SIDE, SIDE, 3), 200, dtype=np.uint8)
    file = store.put(encode_webp(pixels, quality=50), suffix="webp")
    picture = {"file": file, "width": SIDE, "height": SIDE}
    half = np.repeat([[0, 255]], SIDE // 2, axis=1).repeat(SIDE, axis=0).astype(np.uint8)
    images = []
    for index in range(2):
        path = tmp_path / "images" / "robin" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        place = {"path": f"robin/{index}.png", "sha256": str(index) * 64}
        images.append({"id": f"img-{index}", "class": "robin", **place, "width": SIDE, "height": SIDE, "proposals": 9})
    network = {"name": "small", "weights": "hand-made", "weights_sha256": "2" * 64, "published_accuracy": None}
    network |= {"input_height": SIDE, "input_width": SIDE, "mean": [0, 0, 0], "std": [1, 1, 1]}
    arms = [("summaries", 1), ("summaries", 2), ("summaries", 3), ("random-regions", 1)]
    manifest = {
        "schema_version": "1.1",
        "run": {
            "digest": "1" * 64,
            "code_version": "0",
            "dataset": "<birds>",
            "preset": "fast",
            "config": {},
            "seed": 0,
            "synthetic": True,
        },
        "classes": [{"name": "robin", "folder": "robin", "wnid": None}],
        "networks": [network | {"images_seen": 2, "images_correct": 2}],
        "images": images,
        "masks": [
            mask("img-0", png(store, half), {"smooth_file": png(store, half // 2)}),
            mask("img-1", png(store, half), {}),
        ],
        "clusterings": [clustering("summaries", 3), clustering("random-regions", 1)],
        "summaries": [summary(number, arm, picture, part="head", purity=0.5) for arm, number in arms],
        "skipped": [],
    }
    write(store, manifest)
    return tmp_path / "run"


def test_the_page_shows_masks_summaries_and_controls_and_needs_no_other_file(run):
    html = render(run, run.parent / "images")
    # Four pictures of the first mask, three of the second, which has no smooth one; four groups of two; the overview.
    assert len(re.findall(r"<img ", html)) == 4 + 3 + 4 * 2 + 1
    assert re.findall(r'(?:src|href)="(?!data:image/webp;base64,|#)', html) == []
    assert "url(" not in html and "<script" not in html
    for text in ("Summary 3", "Random regions 1", "head <b>50 %</b>", "&lt;birds&gt;", "3 of 3 clusters"):
        assert text in re.sub(r"</?b>(?= of)", "", html) or text in html
    assert "<birds>" not in html


def test_every_picture_has_a_text_and_its_size(run):
    for tag in re.findall(r"<img [^>]*>", render(run, run.parent / "images")):
        assert re.search(r'alt="[^"]+"', tag) and re.search(r'width="\d+" height="\d+"', tag)


def test_what_is_left_out_is_said(run):
    html = render(run, run.parent / "images", limits=Limits(masks=1, summaries=1, controls=1))
    assert "Summary 2" not in html
    assert "2 more are not shown." in html and "1 more are not shown." in html


def test_missing_images_and_unknown_methods_are_errors(run, tmp_path):
    with pytest.raises(MissingImagesError, match=r"lacks 2 of 2 images of the run, such as robin/0\.png"):
        render(run, tmp_path)
    with pytest.raises(ValueError, match="has no method 'other'; it has: visual-summaries"):
        render(run, run.parent / "images", method="other")


def test_the_command_writes_the_page(run, tmp_path, capsys):
    main([str(run), "--images", str(run.parent / "images"), "--out", str(tmp_path / "out")])
    assert (tmp_path / "out" / "gallery.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "gallery.html" in capsys.readouterr().out


def test_the_deleted_part_keeps_its_light():
    image = np.full((1, 3, 3), 100, dtype=np.uint8)
    shown = deleted_part(image, np.array([[0, 255, 128]], dtype=np.uint8))
    assert shown[0, :, 0].tolist() == [100, 12, 56]
