"""A network together with the preprocessing its weights were trained with."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from vsum_core.datasets import ClassLabel

_NEAR_NAMES = 5


class UnknownClassError(LookupError):
    """A class of the images is not a class of the network; the message lists near names."""


class UnknownNetworkError(LookupError):
    """No family knows a network of this name; the message lists near names."""


class WeightsUnavailableError(RuntimeError):
    """The weights of a network are not on this machine and could not be fetched; the message says what to do."""


def near_names(name: str, known: Sequence[str]) -> str:
    """The names of ``known`` that look most like ``name``, as text for an error message."""
    folded = {candidate.casefold(): candidate for candidate in known}
    contained = [candidate for key, candidate in folded.items() if name.casefold() in key]
    close = [folded[key] for key in difflib.get_close_matches(name.casefold(), list(folded), n=_NEAR_NAMES, cutoff=0.5)]
    found = list(dict.fromkeys([*close, *contained]))[:_NEAR_NAMES]
    return ", ".join(found) if found else "none"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal characters."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_sha256(module: torch.nn.Module) -> str:
    """SHA-256 of a module's parameters and buffers, their names, types and shapes; 64 hexadecimal characters."""
    digest = hashlib.sha256()
    for name, values in sorted(module.state_dict().items()):
        stored = values.detach().cpu().contiguous()
        digest.update(f"{name}:{stored.dtype}:{tuple(stored.shape)}:".encode())
        digest.update(stored.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def compute_in_exact_float32() -> None:
    """Have CUDA devices convolve in float32 from now on, in the whole process.

    PyTorch's own default rounds what goes into a convolution to TF32 (10 of 23 bits); for products of matrices its
    default is exact already.
    """
    torch.backends.cudnn.allow_tf32 = False


@dataclass(frozen=True, kw_only=True)
class NetworkSpecification:
    """What a network needs from an image and what its outputs mean.

    Attributes:
        name: what people type to load it.
        weights: name of the weights, such as ``IMAGENET1K_V1`` or a file name.
        input_height, input_width: pixels; images are resized to this size, not cropped.
        mean, std: per channel (RGB), for images in [0, 1].
        categories: names of the classes by index.
        wnids: WordNet identifiers by index, or None where the classes are not ImageNet's.
        published_accuracy: top-1 on the ImageNet validation set as a fraction, from the publisher of the weights.
        interpolation: how the images were resized in training, such as ``bilinear``.
    """

    name: str
    weights: str
    input_height: int
    input_width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    categories: tuple[str, ...]
    wnids: tuple[str, ...] | None = None
    published_accuracy: float | None = None
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if self.input_height < 1 or self.input_width < 1:
            raise ValueError(f"The input size must be positive, but it is {self.input_height} x {self.input_width}.")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(f"mean and std need three numbers and std above 0: {self.mean!r}, {self.std!r}.")
        if not self.categories:
            raise ValueError(f"Network {self.name!r} needs the names of its classes.")
        if self.wnids is not None and len(self.wnids) != len(self.categories):
            raise ValueError(f"{len(self.wnids)} WNIDs do not fit {len(self.categories)} categories.")

    def class_index(self, label: ClassLabel) -> int:
        """Output index of a class: by WNID first, then by category name (case and underscores do not matter).

        Raises:
            UnknownClassError: the network does not know the class, or knows several of that name.
        """
        if label.wnid is not None and self.wnids is not None and label.wnid in self.wnids:
            return self.wnids.index(label.wnid)
        wanted = {_plain(label.name), _plain(label.folder)}
        found = [index for index, category in enumerate(self.categories) if _plain(category) in wanted]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f"{index} {self.categories[index]!r}" for index in found)
            raise UnknownClassError(
                f"Class {label.name!r} fits several classes of {self.name}: {names}. Give its WNID."
            )
        raise UnknownClassError(
            f"Network {self.name} has no class {label.name!r} (WNID {label.wnid or 'not given'}). "
            f"Near names: {near_names(label.name, self.categories)}."
        )


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())


@dataclass(frozen=True, kw_only=True)
class Network:
    """A classifier ready for use: in eval mode, parameters frozen, on ``device``, with its own preprocessing.

    The first network on a CUDA device has the process compute in exact float32; see :func:`compute_in_exact_float32`.

    Attributes:
        specification: preprocessing and classes.
        module: normalised images to logits; an own instance, nobody else's module.
        device: where ``module`` lives.
        weights_sha256: hash of the weights as they were published (64 hexadecimal characters).
    """

    specification: NetworkSpecification
    module: torch.nn.Module
    device: torch.device
    weights_sha256: str
    _mean: Tensor = field(init=False, repr=False, compare=False)
    _std: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.device.type == "cuda":
            compute_in_exact_float32()
        # Tensors made in a caller's inference mode could not take part in a gradient later.
        with torch.inference_mode(False):
            for name, values in (("_mean", self.specification.mean), ("_std", self.specification.std)):
                object.__setattr__(self, name, torch.tensor(values, device=self.device).view(1, 3, 1, 1))

    def logits(self, images: Tensor) -> Tensor:
        """Scores before the softmax.

        Args:
            images: float (N, 3, H, W), RGB in [0, 1], on ``device``, H × W the input size of the specification.

        Returns:
            (N, classes); differentiable in ``images``.

        Raises:
            ValueError: another shape or an integer type.
        """
        expected = (3, self.specification.input_height, self.specification.input_width)
        if images.ndim != 4 or tuple(images.shape[1:]) != expected or not images.is_floating_point():
            raise ValueError(
                f"{self.specification.name} expects float images in [0, 1], shape (N, {', '.join(map(str, expected))})"
                f", but got {images.dtype} of shape {tuple(images.shape)}. Resize them first."
            )
        normalised = (images - self._mean) / self._std
        logits: Tensor = self.module(normalised.contiguous(memory_format=torch.channels_last))
        return logits

    def class_index(self, label: ClassLabel) -> int:
        """Output index of a class; see :meth:`NetworkSpecification.class_index`."""
        return self.specification.class_index(label)
