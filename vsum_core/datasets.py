"""Images of classes: from folders or torchvision data sets to an :class:`ImageSet` that also lists the images left out.

A readable image is one that decodes completely and is not too large. What cannot be used is never dropped silently and
never fatal: it is listed as :class:`Skipped`, with its reason.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vsum_core.class_labels import (
    ClassLabel,
    UnknownClassFolderError,
    choose_labels,
    class_labels,
    natural_key,
    read_classes_file,
)
from vsum_core.images import (
    IMAGE_SUFFIXES,
    MAXIMUM_PIXELS,
    DatasetError,
    ImageTooLargeError,
    SkipReason,
    UnreadableImageError,
    decode_image,
    read_image,
)

__all__ = [
    "MAXIMUM_PIXELS",
    "ClassLabel",
    "DatasetError",
    "DownloadError",
    "EmptyClassError",
    "ImageFile",
    "ImageSet",
    "ImageTooLargeError",
    "SkipReason",
    "Skipped",
    "UnknownClassFolderError",
    "UnreadableImageError",
    "read_image",
    "read_image_folder",
    "read_part_masks",
    "torchvision_dataset",
    "torchvision_dataset_names",
]

PART_NAMES_FILE = "parts.json"
PART_MASKS_FOLDER = "parts"
CLASSES_FILE = "classes.csv"


class EmptyClassError(DatasetError):
    """A class has no readable image."""


class DownloadError(DatasetError):
    """A torchvision data set is neither on disk nor to be had from the network."""


@dataclass(frozen=True)
class ImageFile:
    """One readable image.

    Attributes:
        id: ``img-`` and the first 16 hexadecimal digits of ``sha256``.
        path: where the file lies now.
        relative_path: relative to the image source, with forward slashes; this one is published.
        sha256: of the file's bytes, 64 hexadecimal digits.
        width, height: in pixels, after applying the EXIF orientation.
        part_masks: file with the true parts (see :func:`read_part_masks`), or None where there is none.
    """

    id: str
    path: Path
    relative_path: str
    label: ClassLabel
    sha256: str
    width: int
    height: int
    part_masks: Path | None


@dataclass(frozen=True)
class Skipped:
    """One image that takes no part, and why; one row of ``skipped`` in the manifest."""

    path: str
    class_name: str | None
    network: str | None
    reason: SkipReason
    detail: str


@dataclass(frozen=True)
class ImageSet:
    """The images of a run, ordered by class and then by natural file name."""

    name: str
    classes: tuple[ClassLabel, ...]
    images: tuple[ImageFile, ...]
    skipped: tuple[Skipped, ...]
    synthetic: bool


def read_image_folder(
    root: Path | str,
    *,
    classes: Sequence[str] | None = None,
    per_class: int | None = None,
    maximum_pixels: int = MAXIMUM_PIXELS,
) -> ImageSet:
    """Read a tree ``root/<class>/<image>``.

    ``root/classes.csv`` (optional; columns ``folder`` and at least one of ``wnid``, ``imagenet_name``, ``name``) gives
    folders their readable name and WordNet id. Otherwise a folder named by a WordNet id gets its ImageNet name, and
    underscores of other folder names become spaces. ``root/parts.json`` announces part masks (:func:`read_part_masks`).

    Args:
        root: folder that holds one folder per class.
        classes: the classes wanted, in order, each by folder, readable name or WordNet id; None takes all folders.
        per_class: at most this many readable images of each class, the first by natural file name; None takes all.
        maximum_pixels: images with more pixels are skipped.

    Returns:
        At least one image of every class.

    Raises:
        DatasetError: ``root`` is no folder or holds no class folder, or ``classes.csv`` or ``parts.json`` is malformed.
        UnknownClassFolderError: a wanted class does not exist; the message lists near names.
        EmptyClassError: a class has no readable image.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder. Expected a folder that holds one folder of images per class.")
    part_names_file = root / PART_NAMES_FILE
    announced = _read_part_names(part_names_file) if part_names_file.is_file() else None
    reserved = {PART_MASKS_FOLDER} if announced else set()
    folders = {
        entry.name: entry
        for entry in sorted(root.iterdir(), key=lambda entry: natural_key(entry.name))
        if entry.is_dir() and not entry.name.startswith(".") and entry.name not in reserved
    }
    if not folders:
        raise DatasetError(f"{root} holds no folders. Expected one folder of images per class.")
    labels = class_labels(tuple(folders), read_classes_file(root / CLASSES_FILE))
    files = {
        folder: sorted(
            (path for path in entry.rglob("*") if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES),
            key=lambda path: natural_key(path.relative_to(root).as_posix()),
        )
        for folder, entry in folders.items()
    }
    return _image_set(
        root,
        name=root.resolve().name,
        labels=choose_labels(labels, classes),
        files=files,
        per_class=per_class,
        maximum_pixels=maximum_pixels,
        synthetic=announced is not None and announced.synthetic,
        part_masks=root / PART_MASKS_FOLDER if announced else None,
    )


def read_part_masks(image_file: ImageFile, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """True parts of a drawn image: name → ``bool`` array of shape ``size`` = (height, width); disjoint.

    Stored as ``root/parts/<class>/<stem>.png``, an 8-bit image of indices into ``names`` of ``root/parts.json``
    (index 0 is the background). Resized by nearest neighbour; parts without a pixel are left out.

    Raises:
        DatasetError: the image has no part masks, or they do not fit ``parts.json``.
    """
    if image_file.part_masks is None:
        raise DatasetError(f"{image_file.relative_path} has no part masks. Only drawn images have them.")
    folder = next((parent for parent in image_file.part_masks.parents if parent.name == PART_MASKS_FOLDER), None)
    if folder is None or not (folder.parent / PART_NAMES_FILE).is_file():
        raise DatasetError(f"No {PART_NAMES_FILE} beside the folder of {image_file.part_masks}.")
    names = _read_part_names(folder.parent / PART_NAMES_FILE).names
    height, width = size
    with Image.open(image_file.part_masks) as picture:
        if picture.mode not in ("L", "P"):
            raise DatasetError(f"{image_file.part_masks} has mode {picture.mode}; expected 8-bit indices (L or P).")
        indices = np.asarray(picture.resize((width, height), Image.Resampling.NEAREST))
    present = [int(index) for index in np.unique(indices)]
    if present[-1] >= len(names):
        raise DatasetError(f"{image_file.part_masks} has index {present[-1]}, but only {len(names)} names are given.")
    return {names[index]: indices == index for index in present if index > 0}


def torchvision_dataset(
    name: str,
    root: Path | str,
    *,
    classes: Sequence[str] | None = None,
    per_class: int | None = None,
    download: bool = True,
    maximum_pixels: int = MAXIMUM_PIXELS,
) -> ImageSet:
    """Images of a torchvision data set, as an :class:`ImageSet` over the files that torchvision stores under ``root``.

    Args:
        name: one of :func:`torchvision_dataset_names`. ``imagenette`` is its validation part at 320 pixels,
            ``oxford-iiit-pet`` its ``trainval`` part.
        root: folder that torchvision downloads to.
        classes, per_class, maximum_pixels: as for :func:`read_image_folder`.
        download: fetch the files when they are not there yet.

    Raises:
        ValueError: the name is unknown.
        DownloadError: the files are neither there nor to be had.
        UnknownClassFolderError, EmptyClassError: as for :func:`read_image_folder`.
    """
    if name not in _TORCHVISION:
        raise ValueError(f"Unknown data set {name!r}; known data sets: {', '.join(_TORCHVISION)}.")
    root = Path(root)
    _fetch_torchvision(name, root, download=download)
    source = _TORCHVISION[name]
    base = root / source.folder
    files: dict[str, list[Path]] = {}
    if source.class_in_file_name:
        # torchvision has no public list of the files of a split; the split file is part of the data set itself.
        lines = (root / "oxford-iiit-pet" / "annotations" / "trainval.txt").read_text(encoding="utf-8").splitlines()
        for stem in (line.split()[0] for line in lines if line.strip()):
            files.setdefault(stem.rpartition("_")[0], []).append(base / f"{stem}.jpg")
    else:
        for entry in base.iterdir():
            if entry.is_dir() and entry.name not in source.left_out:
                files[entry.name] = [path for path in entry.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    ordered = {
        folder: sorted(files[folder], key=lambda path: natural_key(path.name))
        for folder in sorted(files, key=natural_key)
    }
    return _image_set(
        base,
        name=name,
        labels=choose_labels(class_labels(tuple(ordered), {}), classes),
        files=ordered,
        per_class=per_class,
        maximum_pixels=maximum_pixels,
        synthetic=False,
        part_masks=None,
    )


def torchvision_dataset_names() -> tuple[str, ...]:
    """Names that :func:`torchvision_dataset` knows."""
    return tuple(_TORCHVISION)


@dataclass(frozen=True)
class _TorchvisionSource:
    folder: str
    class_in_file_name: bool = False
    left_out: tuple[str, ...] = ()


_TORCHVISION = {
    "imagenette": _TorchvisionSource("imagenette2-320/val"),
    "caltech101": _TorchvisionSource("caltech101/101_ObjectCategories", left_out=("BACKGROUND_Google",)),
    "oxford-iiit-pet": _TorchvisionSource("oxford-iiit-pet/images", class_in_file_name=True),
}


def _fetch_torchvision(name: str, root: Path, *, download: bool) -> None:
    # Imported here because torchvision takes seconds to load and image folders do not need it.
    from torchvision import datasets as torchvision_datasets

    make = {
        "imagenette": functools.partial(torchvision_datasets.Imagenette, split="val", size="320px"),
        "caltech101": torchvision_datasets.Caltech101,
        "oxford-iiit-pet": torchvision_datasets.OxfordIIITPet,
    }[name]
    try:
        make(str(root), download=download)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        mend = (
            f"Connect to the internet and try again, or copy the files to {root / _TORCHVISION[name].folder}"
            if download
            else "Allow the download, or give the folder that holds the files"
        )
        raise DownloadError(f"Data set {name} is not complete under {root} ({reason}). {mend}.") from error


@dataclass(frozen=True)
class _PartNames:
    names: tuple[str, ...]
    synthetic: bool


def _read_part_names(path: Path) -> _PartNames:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = content["names"]
        synthetic = content["synthetic"]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} is malformed: expected an object with names and synthetic ({error}).") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) < 2:
        raise DatasetError(f"{path}: names must list the background and at least one part, but it is {names!r}.")
    if not isinstance(synthetic, bool):
        raise DatasetError(f"{path}: synthetic must be true or false, but it is {synthetic!r}.")
    return _PartNames(names=tuple(names), synthetic=synthetic)


def _image_set(
    root: Path,
    *,
    name: str,
    labels: Sequence[ClassLabel],
    files: Mapping[str, Sequence[Path]],
    per_class: int | None,
    maximum_pixels: int,
    synthetic: bool,
    part_masks: Path | None,
) -> ImageSet:
    if per_class is not None and per_class < 1:
        raise ValueError(f"per_class must be 1 or more, but it is {per_class}.")
    images: list[ImageFile] = []
    skipped: list[Skipped] = []
    first_with: dict[str, str] = {}
    for label in labels:
        found = 0
        for path in files[label.folder]:
            if found == per_class:
                break
            relative_path = path.relative_to(root).as_posix()
            outcome = _examine(path, relative_path, label, first_with, maximum_pixels, part_masks)
            if isinstance(outcome, ImageFile):
                images.append(outcome)
                first_with[outcome.sha256] = relative_path
                found += 1
            else:
                skipped.append(outcome)
        if not found:
            raise EmptyClassError(
                f"Class {label.name!r} has no usable image in {root / label.folder}: {len(files[label.folder])} image "
                f"files, all skipped{_first_reason(skipped, label)}. Add images or leave the class out."
            )
    return ImageSet(name=name, classes=tuple(labels), images=tuple(images), skipped=tuple(skipped), synthetic=synthetic)


def _first_reason(skipped: Sequence[Skipped], label: ClassLabel) -> str:
    return next((f" (the first: {entry.detail})" for entry in skipped if entry.class_name == label.name), "")


def _examine(
    path: Path,
    relative_path: str,
    label: ClassLabel,
    first_with: Mapping[str, str],
    maximum_pixels: int,
    part_masks: Path | None,
) -> ImageFile | Skipped:
    skip = functools.partial(Skipped, relative_path, label.name, None)
    try:
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        if content and sha256 in first_with:
            return skip(SkipReason.DUPLICATE, f"Same content as {first_with[sha256]}.")
        width, height = decode_image(content, maximum_pixels=maximum_pixels).size
    except OSError as error:
        return skip(SkipReason.UNREADABLE, f"The file cannot be read: {error.strerror or error}.")
    except (UnreadableImageError, ImageTooLargeError) as error:
        return skip(error.reason, str(error))
    masks = part_masks / Path(relative_path).with_suffix(".png") if part_masks is not None else None
    return ImageFile(
        id=f"img-{sha256[:16]}",
        path=path,
        relative_path=relative_path,
        label=label,
        sha256=sha256,
        width=width,
        height=height,
        part_masks=masks if masks is not None and masks.is_file() else None,
    )
