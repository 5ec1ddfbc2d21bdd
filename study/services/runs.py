"""Importing a pregeneration run: pictures first, then the rows that point to them."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from study.models import Condition, ImportedRun, Picture, Prediction, Stimulus, Study, StudyState
from study.picture_renditions import SMALL_FROM, Rendition, ensure_rendition
from study.run_directory import (
    RunDirectoryError,
    SummaryPictures,
    picture_source,
    read_manifest,
    read_picture,
    read_pictures,
)
from study.services.plan import DrawnPlan, draw_plan


class PicturesNotStoredError(RunDirectoryError):
    """The folder of pictures is full or cannot be written; nothing was imported, and the import can be repeated."""


@dataclass(frozen=True)
class Import:
    """The run; whether it is new to the study; the pictures copied; and the plan, where one was drawn."""

    run: ImportedRun
    created: bool
    pictures_copied: int
    plan: DrawnPlan | None


def import_run(
    study: Study, directory: Path, *, on_summary: Callable[[int, int], None] = lambda done, total: None
) -> Import:
    """Import a run directory into a draft and draw its plan. Importing the same run again copies missing pictures only.

    `on_summary` is called with the number of summaries done and their total.

    Raises:
        RunDirectoryError: the directory is not a valid run, the study is no draft any more, or another run has filled
            one of its conditions.
        PicturesNotStoredError: the folder of pictures is full or cannot be written.
        PlanError: the run holds no summary.
    """
    manifest = read_manifest(directory)
    known = ImportedRun.objects.filter(study=study, digest=manifest["run"]["digest"]).first()
    if known is None and (study.state != StudyState.DRAFT or study.participants.exists()):
        raise RunDirectoryError(
            f"Study {study.slug!r} is {study.state}; stimuli can only be added to a draft without participants. "
            "Create a new study."
        )
    with _picture_errors():
        pictures, images, copied = _copy_all(directory, manifest, on_summary)
    if known is not None:
        return Import(known, created=False, pictures_copied=copied, plan=None)
    with transaction.atomic():
        run = _store(Study.objects.select_for_update().get(pk=study.pk), manifest, pictures, images)
        drawn = draw_plan(study)
    return Import(run, created=True, pictures_copied=copied, plan=drawn)


def _copy_all(
    directory: Path, manifest: dict[str, Any], on_summary: Callable[[int, int], None]
) -> tuple[dict[str, SummaryPictures], dict[str, Picture], int]:
    """Copy the pictures of all summaries and new images; return both by identifier, and how many were new."""
    pictures: dict[str, SummaryPictures] = {}
    copied = 0
    for number, summary in enumerate(manifest["summaries"], start=1):
        pictures[summary["id"]] = read_pictures(directory, summary)
        copied += copy_pictures(directory, summary, pictures[summary["id"]])
        on_summary(number, len(manifest["summaries"]))
    images: dict[str, Picture] = {}
    for prediction in manifest.get("predictions", ()):
        record = prediction["picture"]
        images[prediction["image"]] = read_picture(directory, record["file"], (record["width"], record["height"]))
        copied += _copy(picture_source(directory, record["file"]), images[prediction["image"]])
    return pictures, images, copied


@contextmanager
def _picture_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PicturesNotStoredError(
            f"The pictures cannot be stored in {settings.MEDIA_ROOT}: {error.strerror or error}. Nothing was imported. "
            "Free space, or make the folder writable, and import again; pictures that are there are not copied twice."
        ) from error


def copy_pictures(directory: Path, summary: dict[str, Any], pictures: SummaryPictures) -> int:
    """Copy a summary's pictures to where they are served from, with their renditions; return how many were new."""
    files = summary["files"]
    sources = [files["grid"], *(cell["file"] for cell in files["cells"]), *(crop["file"] for crop in files["crops"])]
    copied = sum(
        _copy(picture_source(directory, file), picture) for file, picture in zip(sources, pictures, strict=True)
    )
    for picture in {*pictures.cells, *pictures.crops}:
        if picture.extension == "webp":
            ensure_rendition(picture.sha256, Rendition.JPEG)
            if picture.width >= SMALL_FROM:
                ensure_rendition(picture.sha256, Rendition.SMALL)
    return copied


def _copy(source: Path, picture: Picture) -> bool:
    target = picture.path
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".import-")
    try:
        with os.fdopen(descriptor, "wb") as stream, source.open("rb") as original:
            shutil.copyfileobj(original, stream)
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return True


def _store(
    study: Study, manifest: dict[str, Any], pictures: dict[str, SummaryPictures], images: dict[str, Picture]
) -> ImportedRun:
    run = ImportedRun.objects.create(
        study=study, digest=manifest["run"]["digest"], manifest=manifest, synthetic=manifest["run"]["synthetic"]
    )
    conditions = _store_conditions(study, run, manifest)
    existing = set(Stimulus.objects.filter(study=study, identifier__in=pictures).values_list("identifier", flat=True))
    if existing:
        raise RunDirectoryError(
            f"Summary {min(existing)!r} is in study {study.slug!r} already, from another run. Create a new study."
        )
    Stimulus.objects.bulk_create(
        [
            Stimulus(
                study=study,
                run=run,
                condition=conditions[_condition_key(summary)],
                identifier=summary["id"],
                members=summary["members"],
                quality=summary["quality"],
                pictures=pictures[summary["id"]].as_json(),
            )
            for summary in manifest["summaries"]
        ],
        batch_size=200,
    )
    _store_predictions(study, run, manifest, images)
    return run


def _store_predictions(study: Study, run: ImportedRun, manifest: dict[str, Any], images: dict[str, Picture]) -> None:
    classes = {image["id"]: image["class"] for image in manifest["images"]}
    known = set(Prediction.objects.filter(study=study).values_list("network", "image"))
    Prediction.objects.bulk_create(
        [
            Prediction(
                study=study,
                run=run,
                network=record["network"],
                image=record["image"],
                class_name=classes[record["image"]],
                answer=record["answer"],
                probability=record["probability"],
                correct=record["correct"],
                picture=asdict(images[record["image"]]),
            )
            for record in manifest.get("predictions", ())
            if (record["network"], record["image"]) not in known
        ],
        batch_size=200,
    )


def _condition_key(record: dict[str, Any]) -> tuple[str, str, str, str]:
    return (record["network"], record["class"], record["method"], record["arm"])


def _store_conditions(
    study: Study, run: ImportedRun, manifest: dict[str, Any]
) -> dict[tuple[str, str, str, str], Condition]:
    accuracies = {
        network["name"]: network["images_correct"] / network["images_seen"] if network["images_seen"] else None
        for network in manifest["networks"]
    }
    coverages = {_condition_key(clustering): clustering["coverage"] for clustering in manifest["clusterings"]}
    conditions = {}
    for key in sorted({_condition_key(summary) for summary in manifest["summaries"]}):
        network, class_name, method, arm = key
        if Condition.objects.filter(
            study=study, network=network, class_name=class_name, method=method, arm=arm
        ).exists():
            raise RunDirectoryError(
                f"Study {study.slug!r} has stimuli for {network}, {class_name}, {method}, {arm} from another run; "
                "mixing runs in one condition would mix their settings. Create a new study."
            )
        conditions[key] = Condition.objects.create(
            study=study,
            run=run,
            network=network,
            class_name=class_name,
            method=method,
            arm=arm,
            coverage=coverages.get(key),
            network_accuracy=accuracies.get(network),
        )
    return conditions
