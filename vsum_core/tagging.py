"""Words that a program suggests for what a summary shows; no substitute for asking people.

A tagger is one class with a ``name`` and a method ``tags``. The one that works without a connection asks the network
itself which of its other categories the members look like. It knows nothing but the names of those categories: it calls
the spots of a dalmatian after other spotted things, and has no word for "ear". Its score says how sure the network is,
not whether the word is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch

from vsum_core.networks import Network

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Tag:
    """A suggested word.

    Attributes:
        word: what the tagger calls it.
        score: in [0, 1], the tagger's own; not comparable between taggers.
        tagger: its name.
    """

    word: str
    score: float
    tagger: str


class Tagger(Protocol):
    """Suggests words for pictures that have something in common."""

    @property
    def name(self) -> str:
        """Name and version, part of cache keys."""

    def tags(self, crops: Sequence[Picture], *, class_name: str) -> list[Tag]:
        """Words for the regions of one summary, the best first.

        Args:
            crops: RGB, uint8 (h, w, 3) each, of any size.
            class_name: of the images the regions come from.
        """


TaggerOf = Callable[[Network], Tagger]
"""Makes the tagger that goes with a network."""


@dataclass(frozen=True)
class NearestCategoryTagger:
    """The network's own categories whose weights lie nearest to the features of the regions, the class itself aside.

    A crop goes through the network like an image; the probabilities are averaged over the members.

    Attributes:
        network: whose categories and features.
        count: words per summary.
    """

    network: Network
    count: int = 3

    @property
    def name(self) -> str:
        """Such as ``nearest category (resnet50)``."""
        return f"nearest category ({self.network.specification.name})"

    def tags(self, crops: Sequence[Picture], *, class_name: str) -> list[Tag]:
        """See :class:`Tagger`; no tag where there is no crop."""
        if not crops:
            return []
        specification = self.network.specification
        size = (specification.input_width, specification.input_height)
        resized = np.stack([cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops])
        with torch.no_grad():
            images = torch.from_numpy(resized).to(self.network.device).permute(0, 3, 1, 2).float() / 255
            mean = self.network.logits(images).float().softmax(1).mean(0).cpu().double().numpy()
        own = class_name.casefold()
        order = [int(index) for index in np.argsort(-mean, kind="stable")]
        words = [(specification.categories[index], float(mean[index])) for index in order]
        others = [(word, score) for word, score in words if word.casefold() != own]
        return [Tag(word=word, score=min(1.0, score), tagger=self.name) for word, score in others[: self.count]]
