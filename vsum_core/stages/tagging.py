"""Words for the finished summaries of a run, kept in the store."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from vsum_core.networks import Network
from vsum_core.provenance import code_digest
from vsum_core.stages.run import Run
from vsum_core.stages.screening import network_key
from vsum_core.store import StorageError, key_of
from vsum_core.tagging import Picture, Tagger

STAGE = "tags"


def tag_summaries(
    run: Run, network: Network, tagger: Tagger, summaries: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The same summaries, each with ``tags``; control arms, too, as a word that fits them as well means little."""
    return [summary | {"tags": _tags(run, network, tagger, summary)} for summary in summaries]


def _tags(run: Run, network: Network, tagger: Tagger, summary: dict[str, Any]) -> list[dict[str, Any]]:
    files = [crop["file"] for crop in summary["files"]["crops"]]
    key = key_of(
        crops=files,
        class_name=summary["class"],
        network=network_key(network),
        tagger=tagger.name,
        code=code_digest(__name__),
    )
    result = run.store.recall(STAGE, key)
    if result is None:
        crops = [_decoded(run.store.read(file), file) for file in files]
        tags = [dataclasses.asdict(tag) for tag in tagger.tags(crops, class_name=summary["class"])]
        result = run.store.remember(STAGE, key, values={"tags": tags})
    found: list[dict[str, Any]] = result.values["tags"]
    return found


def _decoded(content: bytes, file: str) -> Picture:
    picture = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise StorageError(f"{file} cannot be decoded as a picture. Delete it and run again.")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
