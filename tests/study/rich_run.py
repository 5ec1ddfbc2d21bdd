"""A run that every task can show: two networks, ten classes, six regions each, controls, and images held out."""

import json

from tests.study.conftest import write_picture

CLASSES = tuple(f"species-{letter}" for letter in "abcdefghij")
NETWORKS = ("large", "small")
MEMBERS = 6
NEW_IMAGES = 4


def write_rich_run(directory):
    """Write the run; one summary per network and class, and one random control for the network `small`."""
    directory.mkdir(parents=True, exist_ok=True)
    summaries = [
        summary(directory, number, network=network, class_name=class_name, arm=arm)
        for number, (network, class_name, arm) in enumerate(
            (network, class_name, arm)
            for network in NETWORKS
            for class_name in CLASSES
            for arm in ("summaries", "random-regions")
            if arm == "summaries" or network == "small"
        )
    ]
    new = [(name, index) for name in CLASSES for index in range(NEW_IMAGES)]
    manifest = {
        "schema_version": "1.2",
        "run": {
            "digest": "5" * 64,
            "code_version": "0.1.0",
            "dataset": "drawn",
            "preset": "fast",
            "config": {},
            "seed": 0,
            "synthetic": True,
        },
        "classes": [{"name": name, "folder": name, "wnid": None} for name in CLASSES],
        "networks": [
            {
                "name": name,
                "weights": "drawn",
                "weights_sha256": "0" * 64,
                "input_height": 224,
                "input_width": 224,
                "mean": [0, 0, 0],
                "std": [1, 1, 1],
                "images_seen": 8,
                "images_correct": 6,
                "published_accuracy": None,
            }
            for name in NETWORKS
        ],
        "images": [image_record(f"{name}-{index}", name) for name in CLASSES for index in range(MEMBERS)]
        + [image_record(f"new-{name}-{index}", name) for name, index in new],
        "masks": [],
        "clusterings": [],
        "summaries": summaries,
        "predictions": [
            {
                "network": network,
                "image": f"new-{name}-{index}",
                "answer": CLASSES[(CLASSES.index(name) + 1) % len(CLASSES)] if index == 0 else name,
                "probability": 0.75,
                "correct": index != 0,
                "picture": picture(directory, (CLASSES.index(name), index, 77)),
            }
            for network in NETWORKS
            for name, index in new
        ],
        "skipped": [],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def picture(directory, colour):
    return {"file": write_picture(directory, colour), "width": 24, "height": 16}


def image_record(identifier, class_name):
    return {
        "id": identifier,
        "class": class_name,
        "path": f"{identifier}.png",
        "sha256": "1" * 64,
        "width": 24,
        "height": 16,
        "proposals": 5,
    }


def summary(directory, number, *, network, class_name, arm):
    pictures = [picture(directory, (number, member, 3)) for member in range(MEMBERS)]
    left = 0.0 if network == "large" else 0.5
    top = 0.5 if arm == "random-regions" else 0.0
    return {
        "id": f"{network}-{class_name}-{arm}-1",
        "class": class_name,
        "network": network,
        "method": "visual-summaries",
        "arm": arm,
        "members": [
            {
                "image": f"{class_name}-{member}",
                "box": [left, top, left + 0.4, top + 0.4],
                "hull": [],
                "similarity": 0.5 if member else None,
                "drop": 0.4,
            }
            for member in range(MEMBERS)
        ],
        "quality": {"median_ssim": 0.3, "mean_similarity": 0.5, "mean_drop": 0.4, "size_before_filter": 6},
        "files": {"grid": pictures[0]["file"], "cells": pictures, "crops": pictures},
    }
