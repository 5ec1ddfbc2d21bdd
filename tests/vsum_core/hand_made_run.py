"""A run made by hand: one class, two networks, four images, few summaries, with real pictures in the store."""

import numpy as np

from vsum_core.config import as_dictionary, preset
from vsum_core.manifest import write
from vsum_core.rendering import encode_webp
from vsum_core.store import Store

HEAD = [0.0, 0.0, 0.25, 0.25]
LEGS = [0.5, 0.5, 1.0, 1.0]


def network(name, correct):
    return {
        "name": name,
        "weights": "hand-made",
        "weights_sha256": "2" * 64,
        "input_height": 64,
        "input_width": 64,
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "images_seen": 4,
        "images_correct": correct,
        "published_accuracy": None,
    }


def mask(number, name):
    return {
        "image": f"img-{number}",
        "network": name,
        "method": "visual-summaries",
        "class": "robin",
        "p0": 0.8,
        "p_blurred": 0.2,
        "p_smooth": 0.1,
        "p_sharp": 0.1,
        "p_thresholded": 0.1,
        "drop": 0.875,
        "normalised_score": -7 / 6,
        "area": 0.2,
        "area_times_p": 0.02,
        "binarity": 0.01,
        "regions": [],
        "file": f"objects/ab/ab{'0' * 62}.png",
    }


def summary(store, identifier, name, boxes, drops, *, arm="summaries"):
    """``boxes`` by number of the image; every cell is a plain picture of a level of its own."""

    def picture(level):
        pixels = np.full((40, 60, 3), level, dtype=np.uint8)
        return {"file": store.put(encode_webp(pixels, quality=80), suffix="webp"), "width": 60, "height": 40}

    files = [picture(20 * number + 10) for number in boxes]
    members = [
        {"image": f"img-{number}", "box": box, "hull": [], "similarity": None if not index else 0.5, "drop": drop}
        for index, ((number, box), drop) in enumerate(zip(boxes.items(), drops, strict=True))
    ]
    return {
        "id": identifier,
        "class": "robin",
        "network": name,
        "method": "visual-summaries",
        "arm": arm,
        "members": members,
        "quality": {
            "median_ssim": 0.4,
            "mean_similarity": 0.5,
            "mean_drop": sum(drops) / len(drops),
            "size_before_filter": len(boxes),
        },
        "files": {"grid": files[0]["file"], "cells": files, "crops": files},
    }


def clustering(name, accepted, coverage, arm="summaries"):
    return {
        "class": "robin",
        "network": name,
        "method": "visual-summaries",
        "arm": arm,
        "images": 4,
        "regions": 9,
        "clusters": 3,
        "accepted": accepted,
        "converged": True,
        "attempts": 1,
        "damping": 0.9,
        "preference": -0.4,
        "coverage": coverage,
    }


def write_run(directory):
    """Small has a head and legs, large the same head; and one control, which no comparison may count."""
    store = Store(directory)
    manifest = {
        "schema_version": "1.1",
        "run": {
            "digest": "1" * 64,
            "code_version": "0.1.0",
            "dataset": "birds",
            "preset": "default",
            "config": as_dictionary(preset("default")),
            "seed": 0,
            "synthetic": True,
        },
        "classes": [{"name": "robin", "folder": "robin", "wnid": None}],
        "networks": [network("small", 3), network("large", 4)],
        "images": [
            {
                "id": f"img-{number}",
                "class": "robin",
                "path": f"robin/{number}.png",
                "sha256": str(number) * 64,
                "width": 60,
                "height": 40,
                "proposals": 90,
            }
            for number in range(4)
        ],
        "masks": [*(mask(number, "small") for number in range(3)), *(mask(number, "large") for number in range(4))],
        "clusterings": [
            clustering("small", 2, 0.6),
            clustering("small", 1, 0.1, arm="random-regions"),
            clustering("large", 1, None),
        ],
        "summaries": [
            summary(store, "small-head", "small", {0: HEAD, 1: HEAD, 2: HEAD}, [0.5, 0.3, 0.1]),
            summary(store, "small-legs", "small", {0: LEGS, 1: LEGS}, [0.6, -0.2]),
            summary(store, "small-chance", "small", {0: LEGS, 1: LEGS}, [0.9, 0.9], arm="random-regions"),
            summary(store, "large-head", "large", {0: HEAD, 1: HEAD, 3: HEAD}, [0.2, 0.2, 0.2]),
        ],
        "skipped": [],
    }
    write(store, manifest)
    return directory
